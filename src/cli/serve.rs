//! `herald serve` and `herald worker`: they run until they are told to stop.

use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{Result, block_on, configured};
use crate::app::{App, Parts, Running};
use crate::config::{Config, Settings, Wanted};
use service::access::user;

/// R24: whatever still goes on then is left to other processes.
const LAST_MOMENT: Duration = Duration::from_millis(9_500);

/// Run the API and a worker (default: both)
#[derive(Args)]
pub struct Serve {
    /// Only answer requests; workers elsewhere send (default: send too)
    #[arg(long)]
    no_worker: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Run a worker alone, beside others on one PostgreSQL
#[derive(Args)]
pub struct Worker {
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    /// Serves until it is told to stop.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        let (parts, public) = (Parts { api: true, worker: !self.no_worker }, config.public_url.clone());
        config.can_do(Wanted { api: parts.api, worker: parts.worker })?;
        block_on(async {
            let running = Box::pin(start(config, parts)).await?;
            let address = public.unwrap_or_else(|| format!("http://{}", running.address()));
            println!("Herald {} serves {address}/graphql (the dashboard is at {address})", env!("CARGO_PKG_VERSION"));
            until_told(running).await
        })
    }
}

impl Worker {
    /// Works until it is told to stop.
    pub fn run(self) -> Result<()> {
        let config = configured(self.settings)?;
        let parts = Parts { api: false, worker: true };
        config.can_do(Wanted { api: parts.api, worker: parts.worker })?;
        block_on(async {
            let running = Box::pin(start(config, parts)).await?;
            let address = running.address();
            println!("Herald {} works (its health and metrics: http://{address}/metrics)", env!("CARGO_PKG_VERSION"));
            until_told(running).await
        })
    }
}

/// Says what is odd about a set-up that works, and what is real.
fn say(config: &Config, Parts { api, worker }: Parts) {
    let wanted = Wanted { api, worker };
    for line in config.oddities(wanted) {
        tracing::warn!("{line}");
    }
    if config.rules.is_simulated || config.rules.endpoints.is_simulated {
        tracing::warn!("{}", config.reality());
    } else {
        tracing::info!("{}", config.reality());
    }
}

/// Builds and starts it, and tells the first admin's password if there was none before.
async fn start(config: Config, parts: Parts) -> Result<Running> {
    let app = App::open(config.clone()).await?;
    say(&config, parts);
    if let Some(password) = app.ensure_admin().await? {
        println!("The first user is {}, with the password {password}\nIt is told this once only.", user::FIRST);
    }
    Ok(app.start(parts).await?)
}

/// Runs until SIGTERM or SIGINT, then ends in order; a second one ends it at once.
pub async fn until_told(running: Running) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).map_err(anyhow::Error::from)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("stopping: what is in flight comes to its end");
    std::thread::spawn(|| {
        std::thread::sleep(LAST_MOMENT);
        eprintln!("herald: the end took too long; other processes take over what was left");
        std::process::exit(1);
    });
    tokio::select! {
        () = running.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopped");
    Ok(())
}
