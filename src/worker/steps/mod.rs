//! The lanes of retention, one for each channel: steps that are due are leased, handed to providers, and settled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::Iterable;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::holder::Holder;
use super::{DRAIN, PAUSE, Tools};
use domain::clock::duration_nanos;
use domain::error::{Error, Result};
use domain::pacing::HORIZON;
use domain::retention::pace::per_minute;
use domain::retention::words::ContactChannel;
use events::Event;
use service::retention::delivery::lease::{Claim, Leased, lease};
use service::retention::delivery::settle::Answer;
use service::retention::schedule;
use storage::broadcast::queue::new_key;
use storage::retention::queue::claim::first_due;

mod launch;
mod settler;

/// Contacts of one lease at most.
const LEASE: usize = 200;
/// Contacts of one channel that one process holds at most: providers are slow.
const IN_FLIGHT: usize = 600;
/// The queue is looked at so often without any event: events may get lost.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest pause between two looks that found something.
const BREATH: Duration = Duration::from_millis(2);
/// A pause while every place in flight is taken, or no slot is free.
const FULL: Duration = Duration::from_millis(50);
/// A pause after a look that found only what others have, or what is paused.
const ELSEWHERE: Duration = Duration::from_millis(250);

/// The lanes of all channels.
pub struct Steps(Vec<JoinHandle<()>>);

impl Steps {
    /// Opens them. They stop claiming when the session ends.
    pub fn open(tools: &Tools, holder: &Arc<Holder>, session: &CancellationToken) -> Self {
        let lane = |channel| tokio::spawn(run(tools.clone(), holder.clone(), channel, session.child_token()));
        Self(ContactChannel::iter().map(lane).collect())
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
    let settling = tokio::spawn(settler::run(tools.on.clone(), holder.clone(), in_flight.clone(), results));
    let events = tools.on.events.subscribe();
    let rate = per_minute(channel, tools.on.rules.endpoints.is_simulated);
    Lane { tools, holder, channel, rate, in_flight, answers, session }.run(events).await;
    // The lane's end of the channel is gone; the launches' ends go with their last answers.
    if let Err(error) = settling.await {
        tracing::error!(%channel, %error, "the settler ended badly");
    }
}

struct Lane {
    tools: Tools,
    holder: Arc<Holder>,
    channel: ContactChannel,
    rate: i64,
    in_flight: Arc<AtomicUsize>,
    answers: mpsc::UnboundedSender<Answer>,
    session: CancellationToken,
}

impl Lane {
    async fn run(self, mut events: Receiver<Event>) {
        while !self.session.is_cancelled() {
            // What was told until now is seen by the look that comes.
            events = events.resubscribe();
            let pause = match self.turn().await {
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
                () = woken(&mut events), if pause > FULL => {}
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
        let claim = Claim {
            channel: self.channel,
            rate: self.rate,
            sender: row.id,
            epoch: row.epoch,
            key: new_key(),
            limit: i64::try_from(limit).unwrap_or(1),
        };
        // Noted before it is asked for, so that nobody takes it for a forgotten one.
        self.holder.open(claim.key, usize::MAX);
        let leased = lease(&self.tools.on, &claim).await;
        match &leased {
            Ok(leased) if !leased.ready.is_empty() => self.holder.open(claim.key, leased.ready.len()),
            _ => self.holder.forget(claim.key),
        }
        leased
    }

    fn launch(&self, leased: Leased, claimed: Duration) {
        self.in_flight.fetch_add(leased.ready.len(), Ordering::SeqCst);
        let launch = launch::Launch {
            tools: self.tools.clone(),
            holder: self.holder.clone(),
            answers: self.answers.clone(),
            session: self.session.clone(),
        };
        tokio::spawn(launch.run(leased.ready, claimed));
    }
}

/// Returns when a sequence changed: something may be due.
async fn woken(events: &mut Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Sequence(_) | Event::Resync) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
