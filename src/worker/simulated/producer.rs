//! The producer of one campaign: takes slots, leases jobs and has them handed over, until the campaign does not run any more.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::EntityTrait;
use tokio_util::sync::CancellationToken;

use super::executor::Executor;
use crate::holder::Holder;
use crate::pipeline::Pipeline;
use crate::tools::{LOOK, PAUSE, Tools, held};
use domain::broadcast::ProgressStatus;
use domain::clock::duration_nanos;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::pacing::{HORIZON, next_slot};
use events::{Event, Subscription};
use service::broadcast::delivery::settle::Lease;
use service::broadcast::delivery::{Mission, lease};
use storage::broadcast::progress;
use storage::broadcast::queue::lease::{Claim, Leased, waiting};
use storage::broadcast::queue::slots::{self, Taken};

/// Jobs of one lease: at the highest rate, a quarter of a second's.
const LEASE: i64 = 5_000;
/// A lease that takes longer puts its first slots at risk: the next one is made half as large.
const LEASE_TIME: Duration = Duration::from_millis(80);
/// Jobs of one campaign that one process holds at most. It bounds memory when answers are slow.
const IN_FLIGHT: usize = 10_000;
/// A pause while every place in flight is taken.
const FULL: Duration = Duration::from_millis(5);

/// The result of a turn.
enum Turn {
    /// Look again after this time, or when something changes.
    Wait(Duration),
    /// The campaign does not run any more.
    Over,
}

/// Works on a campaign until it does not run any more or the session ends, and until all that was sent is settled.
pub async fn run(tools: Tools, holder: Arc<Holder>, id: BroadcastCampaignId, session: CancellationToken) {
    let mission = match Mission::load(&tools.on, id).await {
        Ok(mission) => mission,
        Err(error) => {
            tracing::error!(campaign = %id, error = ?error, "a running campaign cannot be sent");
            return tokio::time::sleep(PAUSE).await;
        }
    };
    let (pipeline, completing) = Pipeline::open(&tools, &holder, mission);
    let events = tools.on.events.subscribe();
    let looked = tools.on.clock.monotonic();
    let (queued, limit) = (LEASE, LEASE / 10);
    Producer { tools, holder, pipeline, looked, session, cursor: 0, queued, limit }.run(events).await;
    // The pipeline's end of the channel is gone; the executors' ends go with their last answers.
    if let Err(error) = completing.await {
        tracing::error!(campaign = %id, %error, "the completer ended badly");
    }
}

struct Producer {
    tools: Tools,
    holder: Arc<Holder>,
    pipeline: Pipeline,
    /// When the campaign was last read without an event, on the monotonic clock.
    looked: Duration,
    session: CancellationToken,
    /// Where the last claim ended (R25): an old snapshot makes claims from the start four times slower.
    cursor: i32,
    /// Queued jobs, as far as is known: more slots are not taken.
    queued: i64,
    /// Jobs of the next lease at most: as many as the database is quick enough for.
    limit: i64,
}

impl Producer {
    async fn run(mut self, mut events: Subscription) {
        let id = self.pipeline.id;
        loop {
            let holder = self.holder.clone();
            let round = holder.rounds.begin("a claim of a campaign");
            let turn = self.turn().await;
            drop(round);
            let pause = match turn {
                Ok(Turn::Wait(pause)) => pause,
                Ok(Turn::Over) | Err(Error::Precondition(_) | Error::NotFound(_)) => break,
                Err(error) => {
                    tracing::warn!(campaign = %id, error = ?error, "a claim failed");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.tools.on.clock.sleep(pause.min(LOOK)) => {}
                () = events.woken(|event| event == Event::Work(id)) => {
                    if !self.refresh().await {
                        break;
                    }
                }
                () = self.session.cancelled() => break,
            }
        }
        self.pipeline.close();
    }

    /// Reads the campaign again; false if it does not run.
    async fn refresh(&mut self) -> bool {
        self.looked = self.tools.on.clock.monotonic();
        let _round = self.holder.rounds.begin("a look at a campaign");
        let read = async {
            let row = self.hot_row().await?.filter(|row| row.status == ProgressStatus::Running);
            if row.is_some() {
                self.pipeline.refresh(&self.tools).await?;
            }
            Ok::<_, Error>(row)
        };
        match read.await {
            Ok(Some(row)) => self.queued = row.queued.into(),
            Ok(None) => return false,
            // Leases are refused if it does not run: nothing is lost by going on.
            Err(error) => tracing::warn!(campaign = %self.pipeline.id, error = ?error, "cannot be looked at"),
        }
        true
    }

    async fn hot_row(&self) -> Result<Option<progress::Model>> {
        Ok(progress::Entity::find_by_id(self.pipeline.id).one(self.tools.on.db.reader()).await?)
    }

    async fn turn(&mut self) -> Result<Turn> {
        let on = self.tools.on.clone();
        if on.clock.monotonic().saturating_sub(self.looked) >= LOOK && !self.refresh().await {
            return Ok(Turn::Over);
        }
        let free = IN_FLIGHT.saturating_sub(self.pipeline.in_flight());
        if free == 0 {
            return Ok(Turn::Wait(FULL));
        }
        let claimed = on.clock.monotonic();
        let wanted = i64::try_from(free).unwrap_or(LEASE).min(self.limit).min(self.queued.max(1));
        let Some(taken) = slots::take(&on.db, self.pipeline.id, on.clock.nanos(), wanted).await? else {
            return self.no_slot().await;
        };
        if taken.run != self.pipeline.mission().run {
            // It was paused, and perhaps edited, and resumed, and nobody told.
            self.pipeline.refresh(&self.tools).await?;
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
        let pause = self.until_next_claim(slot).max(Duration::from_millis(1));
        Ok(Turn::Wait(held(&self.tools.on, pause).await?))
    }

    /// Nothing could be leased: jobs wait for their instant, others hold them, or they lie behind the cursor.
    async fn no_job(&mut self, taken: &Taken) -> Result<Turn> {
        let behind = self.cursor > 0;
        self.cursor = 0;
        let (first, waiting) = waiting(self.tools.on.db.reader(), self.pipeline.id).await?;
        if behind && i64::from(taken.queued) > waiting {
            return Ok(Turn::Wait(Duration::from_millis(1)));
        }
        let pause = first.and_then(|first| (first - self.tools.on.now()).to_std().ok());
        // With nothing queued, the last answers decide whether the campaign is over: they are in flight, here or elsewhere.
        Ok(Turn::Wait(pause.unwrap_or(PAUSE).clamp(Duration::from_millis(20), Duration::from_secs(1))))
    }

    async fn lease(&self, taken: &Taken) -> Result<Leased> {
        let row = &self.holder.row;
        let open = self.holder.claim();
        let claim = Claim {
            campaign: self.pipeline.id,
            sender: row.id,
            epoch: row.epoch,
            key: open.key,
            run: taken.run,
            cursor: self.cursor,
            limit: taken.slots.count,
            now: self.tools.on.now(),
        };
        let leased = lease::lease(&self.tools.on, &self.pipeline.mission(), &claim).await?;
        open.granted(leased.jobs.len());
        Ok(leased)
    }

    fn launch(&self, taken: &Taken, leased: Leased, claimed: Duration) {
        let executor = Executor {
            tools: self.tools.clone(),
            holder: self.holder.clone(),
            exit: self.pipeline.exit(leased.jobs.len(), None),
            lease: Lease { key: leased.key, seq: leased.seq, run: taken.run },
            session: self.session.clone(),
        };
        tokio::spawn(executor.run(leased.jobs, taken.slots, claimed));
    }
}
