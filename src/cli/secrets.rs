//! `herald secrets`: the key under which secrets are stored.

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::{Failure, Result, block_on, configured};
use crate::app::{App, cause, require_database};
use crate::config::Settings;
use service::secrets;

/// Replace the key under which secrets are stored
#[derive(Args)]
pub struct Secrets {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Encrypt all stored secrets under a new key; when interrupted, run it again
    Rotate(Settings),
}

impl Secrets {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let What::Rotate(settings) = self.what;
        let config = configured(settings)?;
        if config.secret_key.is_some() != config.secret_key_before.is_some() {
            let how = "set HERALD_SECRET_KEY to the new key and HERALD_SECRET_KEY_BEFORE to the one until now, restart all \
                       processes with both, and run this again; without either, the key in the data folder is replaced";
            return Err(Failure::Usage(format!("HERALD_SECRET_KEY_BEFORE: {how}")));
        }
        if config.secret_key.is_none() && config.database_url.is_some() {
            let how = "on PostgreSQL the key is given by HERALD_SECRET_KEY, and the one until now by HERALD_SECRET_KEY_BEFORE";
            return Err(Failure::Usage(format!("HERALD_SECRET_KEY: {how}")));
        }
        let in_folder = config.secret_key.is_none();
        block_on(async {
            require_database(&config)?;
            let app = if in_folder { App::open_with_new_key(config).await? } else { App::open_beside(config).await? };
            let report = secrets::rotate(app.services()).await.map_err(cause)?;
            println!("{} secrets are encrypted under the new key now", report.sealed);
            if report.unopened > 0 {
                let left = report.unopened;
                app.close().await;
                return Err(
                    anyhow!("{left} secrets open under neither key; the log names them. The old key is kept").into()
                );
            }
            if in_folder {
                app.forget_key_before()?;
            } else {
                println!("HERALD_SECRET_KEY_BEFORE can go, once no process runs with the old key alone");
            }
            println!(
                "Access tokens signed under the old key have ended: refreshSession, or a new login, gives new ones"
            );
            app.close().await;
            Ok(())
        })
    }
}
