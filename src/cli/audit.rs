//! `herald audit`: whether the audit log is as it was written, and where its old lines go.

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::{Failure, Result, block_on, installed};
use crate::app::{App, cause};
use crate::config::{Config, Settings};
use service::access::{archive, chain};
use storage::archive::Archive;

/// Examine or archive the audit log
#[derive(Args)]
pub struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Examine the chain of the audit log, archived parts too; ends with status 1 where it is broken
    Verify(Settings),
    /// Move old lines to `HERALD_AUDIT_ARCHIVE`: read back before they are deleted
    Archive {
        /// Move what is older, 90 or more (default: `HERALD_AUDIT_DAYS`)
        #[arg(long, value_name = "N")]
        days: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
}

impl Audit {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Verify(settings) => with(installed(settings)?, async |app, archive| {
                let report = chain::verify(&app.services().db, archive.as_ref()).await.map_err(cause)?;
                tell(&report)
            }),
            What::Archive { days, settings } => {
                let config = installed(settings.with_audit_days(days))?;
                let days = config.audit_days;
                with(config, async |app, archive| {
                    let missing = || Failure::Usage("HERALD_AUDIT_ARCHIVE: it must say where the lines go".into());
                    let archive = archive.ok_or_else(missing)?;
                    let moved = archive::run(app.services(), &archive, days).await.map_err(cause)?;
                    println!("{} lines older than {days} days were moved, in {} parts", moved.lines, moved.parts);
                    Ok(())
                })
            }
        }
    }
}

fn tell(report: &chain::Report) -> Result<()> {
    println!("{} lines are as they were written, {} of them in the archive", report.sound, report.archived);
    match report.unsealed_since {
        Some(since) => println!("{} lines are not sealed yet, the first of {}", report.unsealed, since.to_rfc3339()),
        None => println!("no line is unsealed"),
    }
    match &report.broken {
        Some(broken) => Err(anyhow!("the audit log is broken at line {}: {}", broken.seq, broken.reason).into()),
        None => Ok(()),
    }
}

fn with(config: Config, work: impl AsyncFnOnce(&App, Option<Archive>) -> Result<()>) -> Result<()> {
    block_on(async {
        let archive = config.audit_archive.as_ref().map(Archive::open).transpose().map_err(cause)?;
        let app = App::open_beside(config).await?;
        let result = work(&app, archive).await;
        app.close().await;
        result
    })
}
