//! `herald demo`: a whole campaign, and then a sequence, on an installation of their own, all of it through the API; and then a tour
//! of the house, in which both go on.

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
mod tour;

use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::board::Board;
use self::client::Api;
use self::house::House;
use self::tour::Tour;
use super::{Result, block_on, serve};
use crate::app::Running;
use service::Services;

/// R24: whatever still goes on then is given up.
const LAST_MOMENT: Duration = Duration::from_millis(9_500);

/// Show a whole campaign and a sequence on a throw-away installation, then a tour of it
#[derive(Args)]
pub struct Demo {
    /// End after what is shown (default: go on serving)
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
                shown = Box::pin(show(&house, running.services(), &board, self.exit)) => shown,
                interrupted = interruption() => interrupted,
            };
            let tour = match shown {
                Ok(tour) => tour,
                Err(error) => {
                    drained(running).await?;
                    return Err(error.into());
                }
            };
            let Some((api, tour)) = tour else {
                drained(running).await?;
                board.line("");
                board.line("The server has ended in order.");
                return Ok(());
            };
            board.go_on(&house, &tour);
            let moving = tokio::spawn(async move {
                if let Err(error) = tour.go_on(api).await {
                    tracing::debug!(error = format!("{error:#}"), "no more leads come");
                }
            });
            let served = serve::until_told(running).await;
            moving.abort();
            served
        })
    }
}

/// Everything that is shown, as any client could do it; and what goes on afterwards, unless that is the end.
async fn show(house: &House, on: &Services, board: &Board, is_all: bool) -> anyhow::Result<Option<(Api, Tour)>> {
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
    sequence::show(&api, on, board).await?;
    if is_all {
        return Ok(None);
    }
    // Its login lasts as long as the tour.
    let api = Api::sign_in(house.address, house.username, &house.password).await.context("signing in failed")?;
    let tour = tour::open(&api, on, &campaign).await?;
    Ok(Some((api, tour)))
}

/// Comes back when somebody wants it to end early.
async fn interruption<T>() -> anyhow::Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    Err(anyhow!("interrupted before the campaign had ended"))
}

async fn drained(running: Running) -> anyhow::Result<()> {
    let stopped = tokio::time::timeout(LAST_MOMENT, running.stop()).await;
    stopped.map_err(|_| anyhow!("the server took too long to end"))
}
