//! `herald compact`: gives what SQLite's file does not need back to the disk.

use clap::Args;

use super::{Result, block_on, installed};
use crate::app::{App, cause};
use crate::config::Settings;

/// Give the room that deleted rows have left in SQLite's file back to the disk, while nothing runs
#[derive(Args)]
pub struct Compact {
    #[command(flatten)]
    settings: Settings,
}

impl Compact {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = installed(self.settings)?;
        block_on(async {
            let app = App::open_beside(config).await?;
            let (before, after) = app.services().db.compact().await.map_err(cause)?;
            app.close().await;
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            println!("{} MiB before, {} MiB now; from now on room is given back bit by bit", mib(before), mib(after));
            Ok(())
        })
    }
}
