//! `herald migrate`: the database's schema.

use clap::{Args, Subcommand};

use super::{Result, block_on, configured};
use crate::app::{self, App};
use crate::config::Settings;

/// Apply the database's migrations, or say which are missing
#[derive(Args)]
pub struct Migrate {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Apply the migrations that are missing; serve and worker do it too
    Up(Settings),
    /// Say which migrations are missing
    Status(Settings),
}

impl Migrate {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Up(settings) => {
                let config = configured(settings)?;
                block_on(async {
                    let app = App::open_beside(config).await?;
                    println!("{} migrations applied", app.applied());
                    app.close().await;
                    Ok(())
                })
            }
            What::Status(settings) => {
                let config = configured(settings)?;
                block_on(async {
                    let db = app::database(&config).await?;
                    let missing = db.missing_migrations().await.map_err(app::cause)?;
                    println!("{} migrations are missing", missing.len());
                    for name in missing {
                        println!("  {name}");
                    }
                    Ok(())
                })
            }
        }
    }
}
