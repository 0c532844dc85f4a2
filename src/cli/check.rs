//! `herald check`: whether the database contradicts itself, and what is mended of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::anyhow;
use clap::Args;

use super::{Failure, Result, block_on, configured};
use crate::app::{self, App, cause, present_node};
use crate::config::{Config, Settings};
use service::check::{self, Finding, Mending};
use storage::archive::Archive;

/// Look for what contradicts itself in the database, and mend it with --fix, beside whatever runs; status 1 if something is found
#[derive(Args)]
pub struct Check {
    /// Mend what can be mended, with a line in the audit log
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Check {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        let left = block_on(async { Ok(Box::pin(look(config, self.fix)).await) })?;
        match left.map_err(Failure::Unseen)? {
            0 => Ok(()),
            left if self.fix => Err(anyhow!("findings that are left: {left}").into()),
            found => Err(anyhow!("findings: {found}").into()),
        }
    }
}

/// Tells each finding; returns how many there are, without those that were mended.
async fn look(config: Config, fix: bool) -> anyhow::Result<usize> {
    require_present(&config).await?;
    let archive = config.audit_archive.as_ref().map(Archive::open).transpose().map_err(cause)?;
    let node = present_node(&config.rules.data_dir)?;
    let app = App::open_aside(config).await?;
    let mut on = app.services().clone();
    on.node = node.unwrap_or(on.node);
    let (left, mended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let tell = |finding: &Finding| {
        let Finding { found, cure } = finding;
        let count = if matches!(cure, Mending::Done(_)) { &mended } else { &left };
        count.fetch_add(1, Ordering::Relaxed);
        match cure {
            Mending::Yours(advice) => println!("wrong    {found}; {advice}"),
            Mending::Would(what) => println!("wrong    {found}; --fix {what}"),
            Mending::Done(what) => println!("mended   {found}; {what}"),
        }
    };
    let looked = check::run(&on, archive.as_ref(), node.is_some(), fix, &tell).await;
    drop(on);
    app.close().await;
    looked.map_err(cause)?;
    let (left, mended) = (left.into_inner(), mended.into_inner());
    if left + mended == 0 {
        println!("Nothing contradicts itself");
    }
    Ok(left)
}

/// A look changes nothing: a database of another version is not brought to this one.
async fn require_present(config: &Config) -> anyhow::Result<()> {
    app::require_database(config)?;
    let db = app::database(config).await?;
    let missing = db.missing_migrations().await.map_err(cause);
    db.close().await.map_err(cause)?;
    match missing?.len() {
        0 => Ok(()),
        missing => {
            Err(anyhow!("the database lacks {missing} migrations of this version; herald migrate up applies them"))
        }
    }
}
