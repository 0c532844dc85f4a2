//! `herald stop` and `herald resume`: the stop of everything, beside whatever runs.

use clap::Args;

use super::{Result, block_on, configured};
use crate::app::{App, cause};
use crate::config::Settings;
use service::{Actor, stop};

/// Stop all sends at once, in all processes; it works beside running ones
#[derive(Args)]
pub struct Stop {
    /// Why: everybody who looks sees it
    #[arg(default_value = "herald stop")]
    reason: String,
    #[command(flatten)]
    settings: Settings,
}

/// Let everything go on that was stopped
#[derive(Args)]
pub struct Resume {
    #[command(flatten)]
    settings: Settings,
}

impl Stop {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        block_on(async {
            let app = App::open_aside(config).await?;
            let stop = stop::stop_all(app.services(), &Actor::system(), &self.reason).await.map_err(cause)?;
            let (campaigns, sequences) = stop::running(app.services()).await.map_err(cause)?;
            println!(
                "Everything is stopped ({}). {campaigns} broadcast campaigns and {sequences} sequences wait for herald resume",
                stop.reason
            );
            app.close().await;
            Ok(())
        })
    }
}

impl Resume {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        block_on(async {
            let app = App::open_aside(config).await?;
            if stop::resume_all(app.services(), &Actor::system()).await.map_err(cause)? {
                println!("Everything goes on; what was paused before stays paused");
            } else {
                println!("Nothing was stopped");
            }
            app.close().await;
            Ok(())
        })
    }
}
