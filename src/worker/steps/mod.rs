//! The producers of retention, one for each channel: steps that are due are leased, handed to providers, and settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::Iterable;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::completer::Completer;
use super::holder::Holder;
use super::tools::{DRAIN, LOOK, PAUSE, Tools};
use domain::clock::duration_nanos;
use domain::error::{Error, Result};
use domain::pacing::HORIZON;
use domain::retention::pace::per_minute;
use domain::retention::words::ContactChannel;
use events::{Event, Subscription};
use service::retention::delivery::lease::{Claim, Leased, lease};
use service::retention::delivery::settle::Answer;
use service::retention::schedule;
use storage::retention::queue::claim::first_due;

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
/// A pause after a look that found only what others have, or what is paused.
const ELSEWHERE: Duration = Duration::from_millis(250);

/// The producers of all channels.
pub struct Steps(Vec<JoinHandle<()>>);

impl Steps {
    /// Opens them. They stop claiming when the session ends.
    pub fn open(tools: &Tools, holder: &Arc<Holder>, session: &CancellationToken) -> Self {
        let producer = |channel| tokio::spawn(run(tools.clone(), holder.clone(), channel, session.child_token()));
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

async fn run(tools: Tools, holder: Arc<Holder>, channel: ContactChannel, session: CancellationToken) {
    let in_flight = Arc::new(AtomicUsize::new(0));
    let (answers, results) = mpsc::unbounded_channel();
    let contacts = settlement::Contacts { on: tools.on.clone(), channel };
    let completing = tokio::spawn(Completer::new(contacts, holder.clone(), in_flight.clone()).run(results));
    let events = tools.on.events.subscribe();
    let rate = per_minute(channel, tools.on.rules.endpoints.is_simulated);
    Producer { tools, holder, channel, rate, in_flight, answers, session }.run(events).await;
    // The producer's end of the channel is gone; the executors' ends go with their last answers.
    if let Err(error) = completing.await {
        tracing::error!(%channel, %error, "the completer ended badly");
    }
}

struct Producer {
    tools: Tools,
    holder: Arc<Holder>,
    channel: ContactChannel,
    rate: i64,
    in_flight: Arc<AtomicUsize>,
    answers: mpsc::UnboundedSender<Answer>,
    session: CancellationToken,
}

impl Producer {
    async fn run(self, mut events: Subscription) {
        while !self.session.is_cancelled() {
            // What was told until now is seen by the look that comes.
            events.forget();
            let round = self.holder.rounds.begin("a claim of steps");
            let turn = self.turn().await;
            drop(round);
            let pause = match turn {
                Ok(pause) => pause,
                Err(Error::Precondition(why)) => {
                    tracing::debug!(channel = %self.channel, why, "a claim was given up");
                    BREATH
                }
                Err(error) => {
                    tracing::warn!(channel = %self.channel, error = ?error, "a claim failed");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.tools.on.clock.sleep(pause.min(LOOK)) => {}
                () = events.woken(|event| matches!(event, Event::Sequence(_))), if pause > FULL => {}
                () = self.session.cancelled() => {}
            }
        }
    }

    /// Claims what is due and launches it. Returns how long nothing more is to be done, as far as is known.
    async fn turn(&self) -> Result<Duration> {
        let free = IN_FLIGHT.saturating_sub(self.in_flight.load(Ordering::SeqCst)).min(LEASE);
        if free == 0 {
            return Ok(FULL);
        }
        let on = &self.tools.on;
        let Some(first) = first_due(on.db.reader(), self.channel).await? else { return Ok(LOOK) };
        let clock = schedule::clock(on).await?;
        let ahead = first - clock.at(on.clock.nanos());
        if ahead > TimeDelta::zero() {
            return Ok(clock.real(ahead).to_std().unwrap_or(LOOK));
        }
        let claimed = on.clock.monotonic();
        let leased = self.lease(free).await?;
        if leased.found == 0 {
            // Of a paused sequence, or in another process' hands.
            return Ok(ELSEWHERE);
        }
        let Some(last) = leased.ready.last().map(|ready| ready.slot) else {
            return Ok(match leased {
                Leased { is_held_up: true, .. } => FULL,
                Leased { is_idle: true, .. } => ELSEWHERE,
                _ => BREATH,
            });
        };
        self.launch(leased, claimed);
        // The next claim is made half a horizon before its first slot (R4).
        let nanos = last - on.clock.nanos() - duration_nanos(HORIZON) / 2;
        Ok(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)).clamp(BREATH, FULL))
    }

    async fn lease(&self, limit: usize) -> Result<Leased> {
        let row = &self.holder.row;
        let open = self.holder.claim();
        let claim = Claim {
            channel: self.channel,
            rate: self.rate,
            sender: row.id,
            epoch: row.epoch,
            key: open.key,
            limit: i64::try_from(limit).unwrap_or(1),
        };
        let leased = lease(&self.tools.on, &claim).await?;
        open.granted(leased.ready.len());
        Ok(leased)
    }

    fn launch(&self, leased: Leased, claimed: Duration) {
        self.in_flight.fetch_add(leased.ready.len(), Ordering::SeqCst);
        let executor = executor::Executor {
            tools: self.tools.clone(),
            holder: self.holder.clone(),
            answers: self.answers.clone(),
            session: self.session.clone(),
        };
        tokio::spawn(executor.run(leased.ready, claimed));
    }
}
