//! The producers of retention, one for each channel: steps that are due are leased, handed to providers, and settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::Iterable;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, Board};
use super::completer::Completer;
use super::holder::Holder;
use super::tools::{DRAIN, LOOK, PAUSE, Tools};
use domain::clock::duration_nanos;
use domain::error::{Error, Result};
use domain::pacing::{HORIZON, interval};
use domain::retention::pace::{Lead, per_minute};
use domain::retention::schedule_clock::Pace;
use domain::retention::words::ContactChannel;
use service::retention::delivery::lease::{Claim, Leased, lease};
use service::retention::delivery::settle::Answer;

mod executor;
mod settlement;

/// Contacts of one lease at most.
const LEASE: usize = 200;
/// Contacts of one channel that one process holds at most: providers are slow.
const IN_FLIGHT: usize = 600;
/// The shortest pause between two looks that found something.
const BREATH: Duration = Duration::from_millis(2);
/// A pause while every place in flight is taken, or no slot is free.
const FULL: Duration = Duration::from_millis(50);
/// A pause that the agenda ends, which is looked at each second.
const LATER: Duration = Duration::from_hours(1);

/// How long a producer does nothing.
enum Pause {
    /// So long.
    For(Duration),
    /// Until there is a new agenda, but so long at most.
    UntilTold(Duration),
}

/// The producers of all channels.
pub struct Steps(Vec<JoinHandle<()>>);

impl Steps {
    /// Opens them. They stop claiming when the session ends.
    pub fn open(tools: &Tools, holder: &Arc<Holder>, board: &Board, session: &CancellationToken) -> Self {
        let producer =
            |channel| tokio::spawn(run(tools.clone(), holder.clone(), board.clone(), channel, session.child_token()));
        Self(ContactChannel::iter().map(producer).collect())
    }

    /// Waits for the end of the session, and then until they have settled, as long as a drain may take (R24).
    pub async fn close(self, session: &CancellationToken) {
        session.cancelled().await;
        if tokio::time::timeout(DRAIN, futures_util::future::join_all(self.0)).await.is_err() {
            tracing::warn!("some providers did not answer in time: what they were asked becomes UNKNOWN");
        }
    }
}

async fn run(tools: Tools, holder: Arc<Holder>, board: Board, channel: ContactChannel, session: CancellationToken) {
    let in_flight = Arc::new(AtomicUsize::new(0));
    let (answers, results) = mpsc::unbounded_channel();
    let contacts = settlement::Contacts { on: tools.on.clone(), channel };
    let completing = tokio::spawn(Completer::new(contacts, holder.clone(), in_flight.clone()).run(results));
    let rate = per_minute(channel, tools.on.rules.endpoints.is_simulated);
    let (lead, took) = (Lead::default(), Duration::ZERO);
    Producer { tools, holder, board, channel, rate, in_flight, answers, session, lead, took }.run().await;
    // The producer's end of the channel is gone; the executors' ends go with their last answers.
    if let Err(error) = completing.await {
        tracing::error!(%channel, %error, "the completer ended badly");
    }
}

struct Producer {
    tools: Tools,
    holder: Arc<Holder>,
    board: Board,
    channel: ContactChannel,
    rate: i64,
    in_flight: Arc<AtomicUsize>,
    answers: mpsc::UnboundedSender<Answer>,
    session: CancellationToken,
    /// How far ahead slots begin.
    lead: Lead,
    /// How long the last claim took that leased something.
    took: Duration,
}

impl Producer {
    async fn run(mut self) {
        while !self.session.is_cancelled() {
            let agenda = self.board.borrow_and_update().clone();
            let holder = self.holder.clone();
            let round = holder.rounds.begin("a claim of steps");
            let turn = self.turn(agenda).await;
            drop(round);
            let pause = match turn {
                Ok(pause) => pause,
                Err(Error::Precondition(why)) => {
                    tracing::debug!(channel = %self.channel, why, "a claim was given up");
                    Pause::For(FULL)
                }
                Err(error) => {
                    tracing::warn!(channel = %self.channel, error = ?error, "a claim failed");
                    Pause::For(PAUSE)
                }
            };
            let (Pause::For(time) | Pause::UntilTold(time)) = pause;
            let is_told = matches!(pause, Pause::UntilTold(_));
            tokio::select! {
                () = self.tools.on.clock.sleep(time) => {}
                Ok(()) = self.board.changed(), if is_told => {}
                () = self.session.cancelled() => {}
            }
        }
    }

    /// Claims what is due and launches it. Returns how long nothing more is to be done, as far as is known.
    async fn turn(&mut self, agenda: Option<Arc<Agenda>>) -> Result<Pause> {
        let free = IN_FLIGHT.saturating_sub(self.in_flight.load(Ordering::SeqCst)).min(LEASE);
        if free == 0 {
            return Ok(Pause::For(FULL));
        }
        let on = &self.tools.on;
        let Some(agenda) = agenda else { return Ok(Pause::UntilTold(LATER)) };
        let Some(first) = agenda.steps.get(&self.channel) else { return Ok(Pause::UntilTold(LATER)) };
        let clock = agenda.clock;
        let ahead = *first - clock.at(on.clock.nanos());
        if ahead > TimeDelta::zero() {
            return Ok(Pause::UntilTold(clock.real(ahead).to_std().unwrap_or(LATER)));
        }
        let began = on.clock.monotonic();
        let leased = self.lease(free, clock).await?;
        if !leased.has_plan {
            // Done, of a paused sequence, or in another process' hands.
            return Ok(Pause::UntilTold(LATER));
        }
        let (last, shortest) = (leased.last_slot, if leased.is_done { BREATH } else { FULL });
        if !leased.ready.is_empty() {
            self.took = self.tools.on.clock.monotonic().saturating_sub(began);
            self.lead = self.lead.after(leased.took);
            self.launch(leased);
        }
        // The next claim takes its slots half a horizon before they begin (R4), and needs some time before it does.
        let now = self.tools.on.clock.nanos();
        let nanos = last + interval(self.rate) - now - duration_nanos(HORIZON) / 2 - duration_nanos(self.took);
        Ok(Pause::For(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)).clamp(shortest, LOOK)))
    }

    async fn lease(&self, limit: usize, clock: Pace) -> Result<Leased> {
        let row = &self.holder.row;
        let open = self.holder.claim();
        let claim = Claim {
            channel: self.channel,
            rate: self.rate,
            clock,
            sender: row.id,
            epoch: row.epoch,
            key: open.key,
            limit: i64::try_from(limit).unwrap_or(1),
            lead: self.lead,
        };
        let leased = lease(&self.tools.on, &claim).await?;
        open.granted(leased.ready.len());
        Ok(leased)
    }

    fn launch(&self, leased: Leased) {
        self.in_flight.fetch_add(leased.ready.len(), Ordering::SeqCst);
        let executor = executor::Executor {
            tools: self.tools.clone(),
            holder: self.holder.clone(),
            answers: self.answers.clone(),
            session: self.session.clone(),
        };
        tokio::spawn(executor.run(leased.ready, leased.claimed));
    }
}
