//! `herald demo`: a whole campaign, and then a sequence, on an installation of their own, all of it through the API.

mod board;
mod campaign;
mod client;
mod convert;
mod funnel;
mod house;
mod ledger;
mod list;
mod notable;
mod prepare;
mod sequence;
mod socket;

use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::board::Board;
use self::client::Api;
use self::house::House;
use super::{Result, block_on, serve};
use crate::app::Running;
use service::Services;

/// R24: whatever still goes on then is given up.
const LAST_MOMENT: Duration = Duration::from_millis(9_500);

/// Show a whole campaign on a throw-away installation, then serve it
#[derive(Args)]
pub struct Demo {
    /// End after the campaign (default: go on serving)
    #[arg(long)]
    exit: bool,
    #[command(flatten)]
    place: house::Place,
}

impl Demo {
    /// Shows it.
    pub fn run(self) -> Result<()> {
        let config = house::config(&self.place)?;
        block_on(async {
            let board = Board::new();
            let (house, running) = Box::pin(house::open(config)).await?;
            board.greet(&house);
            let shown = tokio::select! {
                shown = Box::pin(show(&house, running.services(), &board)) => shown,
                interrupted = interruption() => interrupted,
            };
            if let Err(error) = shown {
                drained(running).await?;
                return Err(error.into());
            }
            if self.exit {
                drained(running).await?;
                board.line("");
                board.line("The server has ended in order.");
                return Ok(());
            }
            board.go_on(&house);
            serve::until_told(running).await
        })
    }
}

/// Everything that is shown, as any client could do it.
async fn show(house: &House, on: &Services, board: &Board) -> anyhow::Result<()> {
    let api = Api::sign_in(house.address, house.username, &house.password).await.context("signing in failed")?;
    board.heading("Channels");
    prepare::channels(&api, house, board).await?;
    board.heading("Campaign");
    let campaign = prepare::campaign(&api, board).await?;
    board.heading("Sending");
    let ended = campaign::send(&api, house, &campaign, board).await?;
    board.heading("Summary");
    let accepted = ledger::check(&house.ledger(), &campaign.issue).context("the ledger can't be read")?;
    board.summary(&ended, &accepted);
    accepted.agree_with(ended.progress.sent)?;
    sequence::show(&api, on, board).await
}

/// Comes back when somebody wants it to end early.
async fn interruption() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    Err(anyhow!("interrupted before the campaign had ended"))
}

async fn drained(running: Running) -> anyhow::Result<()> {
    let stopped = tokio::time::timeout(LAST_MOMENT, running.stop()).await;
    stopped.map_err(|_| anyhow!("the server took too long to end"))
}
