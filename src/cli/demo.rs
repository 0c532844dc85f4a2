//! `herald demo`.

use clap::Args;

use super::Result;

/// Show a whole campaign on a throw-away installation, then serve it
#[derive(Args)]
pub struct Demo {
    /// End after the campaign (default: go on serving)
    #[arg(long)]
    exit: bool,
}

impl Demo {
    /// Shows it.
    pub fn run(self) -> Result<()> {
        println!("exit: {}", self.exit);
        Ok(())
    }
}
