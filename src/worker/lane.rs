//! The lane of one campaign: take slots, lease jobs, launch them; again and again until it does not run any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::EntityTrait;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::holder::Holder;
use super::launch::{Launch, Load};
use super::{PAUSE, Tools, settler};
use domain::broadcast::ProgressStatus;
use domain::clock::duration_nanos;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::pacing::{HORIZON, next_slot};
use events::Event;
use service::broadcast::delivery::settle::Answer;
use service::broadcast::delivery::{Mission, lease};
use storage::broadcast::progress;
use storage::broadcast::queue::lease::{Claim, Leased, waiting};
use storage::broadcast::queue::new_key;
use storage::broadcast::queue::slots::{self, Taken};

/// Jobs of one lease: at the highest rate, a quarter of a second's.
const LEASE: i64 = 5_000;
/// A lease that takes longer puts its first slots at risk: the next one is made half as large.
const LEASE_TIME: Duration = Duration::from_millis(80);
/// Jobs of one campaign that one process holds at most. It bounds memory when answers are slow.
const IN_FLIGHT: usize = 10_000;
/// A pause while every place in flight is taken.
const FULL: Duration = Duration::from_millis(5);
/// The campaign is looked at so often without any event: events may get lost.
const LOOK: Duration = Duration::from_secs(1);

/// What a turn led to.
enum Turn {
    /// Look again after this time, or when something changes.
    Wait(Duration),
    /// The campaign does not run any more.
    Over,
}

/// Works on a campaign until it does not run any more or the session ends, and until all that was sent is settled.
pub async fn run(tools: Tools, holder: Arc<Holder>, id: BroadcastCampaignId, session: CancellationToken) {
    let mission = match Mission::load(&tools.on, id).await {
        Ok(mission) => watch::Sender::new(Arc::new(mission)),
        Err(error) => {
            tracing::error!(campaign = %id, error = ?error, "a running campaign cannot be sent");
            return tokio::time::sleep(PAUSE).await;
        }
    };
    let in_flight = Arc::new(AtomicUsize::new(0));
    let (answers, results) = mpsc::unbounded_channel();
    let settling = settler::Settler::new(&tools, &holder, mission.subscribe(), &in_flight).run(results);
    let settling = tokio::spawn(settling);
    let events = tools.on.events.subscribe();
    let lane = Lane {
        looked: tools.on.clock.monotonic(),
        tools,
        holder,
        id,
        mission,
        gate: Arc::default(),
        in_flight,
        answers,
        session,
        cursor: 0,
        queued: LEASE,
        limit: LEASE / 10,
    };
    lane.run(events).await;
    // The lane's end of the channel is gone; the launches' ends go with their last answers.
    if let Err(error) = settling.await {
        tracing::error!(campaign = %id, %error, "the settler ended badly");
    }
}

struct Lane {
    tools: Tools,
    holder: Arc<Holder>,
    id: BroadcastCampaignId,
    /// As last read; the settler sees it too.
    mission: watch::Sender<Arc<Mission>>,
    /// When it was last read without an event, on the monotonic clock.
    looked: Duration,
    /// Of the present run: what was leased in an earlier one starts nothing any more.
    gate: Arc<Gate>,
    in_flight: Arc<AtomicUsize>,
    answers: mpsc::UnboundedSender<Answer>,
    session: CancellationToken,
    /// Where the last claim ended (R25): an old snapshot makes claims from the start four times slower.
    cursor: i32,
    /// Queued jobs, as far as is known: more slots are not taken.
    queued: i64,
    /// Jobs of the next lease at most: as many as the database is quick enough for.
    limit: i64,
}

impl Lane {
    async fn run(mut self, mut events: Receiver<Event>) {
        loop {
            let pause = match self.turn().await {
                Ok(Turn::Wait(pause)) => pause,
                Ok(Turn::Over) | Err(Error::Precondition(_) | Error::NotFound(_)) => break,
                Err(error) => {
                    tracing::warn!(campaign = %self.id, error = ?error, "a claim failed");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.tools.on.clock.sleep(pause.min(LOOK)) => {}
                () = self.changed(&mut events) => {
                    if !self.refresh().await {
                        break;
                    }
                }
                () = self.session.cancelled() => break,
            }
        }
        self.gate.close();
    }

    /// Returns when somebody changed the campaign.
    async fn changed(&self, events: &mut Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(Event::Work(id)) if id == self.id => return,
                Ok(Event::Resync) | Err(RecvError::Lagged(_)) => return,
                Ok(_) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Reads the campaign again; false if it does not run.
    async fn refresh(&mut self) -> bool {
        self.looked = self.tools.on.clock.monotonic();
        let read = async {
            let row = self.hot_row().await?.filter(|row| row.status == ProgressStatus::Running);
            if row.is_some() {
                self.read_mission().await?;
            }
            Ok::<_, Error>(row)
        };
        match read.await {
            Ok(Some(row)) => self.queued = row.queued.into(),
            Ok(None) => return false,
            // Leases are refused if it does not run: nothing is lost by going on.
            Err(error) => tracing::warn!(campaign = %self.id, error = ?error, "cannot be looked at"),
        }
        true
    }

    async fn read_mission(&mut self) -> Result<()> {
        let mission = Mission::load(&self.tools.on, self.id).await?;
        if mission.run != self.mission().run {
            self.gate.close();
            self.gate = Arc::default();
        }
        self.mission.send_replace(Arc::new(mission));
        Ok(())
    }

    fn mission(&self) -> Arc<Mission> {
        self.mission.borrow().clone()
    }

    async fn hot_row(&self) -> Result<Option<progress::Model>> {
        Ok(progress::Entity::find_by_id(self.id).one(self.tools.on.db.reader()).await?)
    }

    async fn turn(&mut self) -> Result<Turn> {
        let on = self.tools.on.clone();
        if on.clock.monotonic().saturating_sub(self.looked) >= LOOK && !self.refresh().await {
            return Ok(Turn::Over);
        }
        let free = IN_FLIGHT.saturating_sub(self.in_flight.load(Ordering::SeqCst));
        if free == 0 {
            return Ok(Turn::Wait(FULL));
        }
        let claimed = on.clock.monotonic();
        let wanted = i64::try_from(free).unwrap_or(LEASE).min(self.limit).min(self.queued.max(1));
        let Some(taken) = slots::take(&on.db, self.id, on.clock.nanos(), wanted).await? else {
            return self.no_slot().await;
        };
        if taken.run != self.mission().run {
            // It was paused, and perhaps edited, and resumed, and nobody told.
            self.read_mission().await?;
        }
        let leased = self.lease(&taken).await?;
        if leased.found == 0 {
            return self.no_job(&taken).await;
        }
        self.queued = leased.progress.as_ref().map_or(0, |row| row.queued.into());
        self.cursor = match leased.jobs.last() {
            Some(last) if i64::try_from(leased.found).is_ok_and(|found| found == taken.slots.count) => {
                self.cursor.max(last.position)
            }
            // SKIP LOCKED passed something over, or a lease was rolled back behind the cursor (R25).
            _ => 0,
        };
        self.adapt(on.clock.monotonic().saturating_sub(claimed));
        self.launch(&taken, leased, claimed);
        Ok(Turn::Wait(self.until_next_claim(taken.slots.last + taken.slots.interval)))
    }

    fn adapt(&mut self, took: Duration) {
        self.limit =
            if took > LEASE_TIME { (self.limit / 2).max(1) } else { (self.limit + self.limit / 4 + 1).min(LEASE) };
    }

    /// The next claim is made half a horizon before its first slot, so that the jobs are ready when it comes (R4).
    fn until_next_claim(&self, slot: i64) -> Duration {
        let lead = duration_nanos(HORIZON) / 2;
        let nanos = slot - lead - self.tools.on.clock.nanos();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    async fn no_slot(&self) -> Result<Turn> {
        let Some(row) = self.hot_row().await? else { return Ok(Turn::Over) };
        if row.status != ProgressStatus::Running {
            return Ok(Turn::Over);
        }
        let now = self.tools.on.clock.nanos();
        let slot = next_slot(now, row.last_slot, row.not_before, row.delivery_rate);
        Ok(Turn::Wait(self.until_next_claim(slot).max(Duration::from_millis(1))))
    }

    /// Nothing could be leased: jobs wait for their instant, others hold them, or they lie behind the cursor.
    async fn no_job(&mut self, taken: &Taken) -> Result<Turn> {
        let behind = self.cursor > 0;
        self.cursor = 0;
        let (first, waiting) = waiting(self.tools.on.db.reader(), self.id).await?;
        if behind && i64::from(taken.queued) > waiting {
            return Ok(Turn::Wait(Duration::from_millis(1)));
        }
        let pause = first.and_then(|first| (first - self.tools.on.now()).to_std().ok());
        // With nothing queued, the last answers decide whether the campaign is over: they are in flight, here or elsewhere.
        Ok(Turn::Wait(pause.unwrap_or(PAUSE).clamp(Duration::from_millis(20), Duration::from_secs(1))))
    }

    async fn lease(&self, taken: &Taken) -> Result<Leased> {
        let row = &self.holder.row;
        let claim = Claim {
            campaign: self.id,
            sender: row.id,
            epoch: row.epoch,
            key: new_key(),
            run: taken.run,
            cursor: self.cursor,
            limit: taken.slots.count,
            now: self.tools.on.now(),
        };
        self.holder.open(claim.key, usize::MAX);
        match lease::lease(&self.tools.on, &self.mission(), &claim).await {
            Ok(leased) if leased.jobs.is_empty() => {
                self.holder.forget(claim.key);
                Ok(leased)
            }
            Ok(leased) => {
                self.holder.open(claim.key, leased.jobs.len());
                Ok(leased)
            }
            Err(error) => {
                self.holder.forget(claim.key);
                Err(error)
            }
        }
    }

    fn launch(&self, taken: &Taken, leased: Leased, claimed: Duration) {
        self.in_flight.fetch_add(leased.jobs.len(), Ordering::SeqCst);
        let launch = Launch {
            tools: self.tools.clone(),
            holder: self.holder.clone(),
            mission: self.mission(),
            gate: self.gate.clone(),
            answers: self.answers.clone(),
            session: self.session.clone(),
        };
        let load = Load { key: leased.key, seq: leased.seq, run: taken.run, claimed };
        tokio::spawn(launch.run(load, leased.jobs, taken.slots));
    }
}
