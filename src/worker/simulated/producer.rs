//! The producer of one campaign: takes slots, leases jobs and has them handed over, until the campaign does not run any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::executor::Executor;
use super::watch::Watch;
use crate::claims::{Begun, Claims};
use crate::holder::Holder;
use crate::pipeline::Pipeline;
use crate::tools::{LOOK, PAUSE, Tools, held};
use domain::broadcast::ProgressStatus;
use domain::clock::duration_nanos;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::pacing::{HORIZON, is_busy_nearby, lease_limit, next_slot};
use service::broadcast::campaign::complete_spent;
use service::broadcast::delivery::settle::Lease;
use service::broadcast::delivery::{Mission, lease};
use storage::broadcast::queue::lease::{Claim, Leased, waiting};
use storage::broadcast::queue::slots::{self, Taken};

/// Jobs of one lease: at the highest rate, a quarter of a second's.
const LEASE: i64 = 5_000;
/// Ways to the database and back of a claim.
const TRIPS: u32 = 3;
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
    let watch = Arc::new(Watch::new(&tools, &holder, pipeline, &session));
    let watching = tokio::spawn(watch.clone().run(tools.on.events.subscribe()));
    let (limit, trip, claims) = (LEASE / 10, Duration::ZERO, Claims::default());
    Producer { tools, holder, watch, session, cursor: 0, limit, claims, trip, last_slot: 0 }.run().await;
    // The pipeline's end of the channel goes with the watch; the executors' ends go with their last answers.
    for task in [watching, completing] {
        if let Err(error) = task.await {
            tracing::error!(campaign = %id, %error, "a task of a campaign ended badly");
        }
    }
}

struct Producer {
    tools: Tools,
    holder: Arc<Holder>,
    watch: Arc<Watch>,
    session: CancellationToken,
    /// Where the last claim ended (R25): an old snapshot makes claims from the start four times slower.
    cursor: i32,
    /// Jobs of the next lease at most: as many as the database is quick enough for.
    limit: i64,
    claims: Claims,
    /// The way to the database and back, where the database has next to nothing to do.
    trip: Duration,
    /// The last slot that was taken here, in nanoseconds since 1970.
    last_slot: i64,
}

impl Producer {
    async fn run(mut self) {
        let watch = self.watch.clone();
        self.measure().await;
        while !watch.over.is_cancelled() {
            let holder = self.holder.clone();
            let round = holder.rounds.begin("a claim of a campaign");
            let turn = self.turn().await;
            drop(round);
            let pause = match turn {
                Ok(Turn::Wait(pause)) => pause,
                Ok(Turn::Over) | Err(Error::Precondition(_) | Error::NotFound(_)) => break,
                Err(error) => {
                    tracing::warn!(campaign = %watch.pipeline.id, error = ?error, "a claim failed");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.tools.on.clock.sleep(pause.min(LOOK)) => {}
                () = watch.changed.notified() => {}
                () = watch.over.cancelled() => {}
            }
        }
        watch.over.cancel();
        watch.pipeline.close();
    }

    /// Measures the way to the database, so that the first slots begin where the first claim will be over.
    async fn measure(&mut self) {
        let mut trips = Vec::new();
        // The first look may have to connect.
        for _ in 0..2 {
            let began = self.tools.on.clock.monotonic();
            match self.watch.hot_row().await {
                Ok(Some(row)) => self.watch.queued.store(row.queued.into(), Ordering::Relaxed),
                // The first claim finds out what is the matter.
                Ok(None) | Err(_) => return,
            }
            trips.push(self.tools.on.clock.monotonic().saturating_sub(began));
        }
        self.trip = trips.into_iter().min().unwrap_or_default();
        self.claims.expect(self.trip * TRIPS);
    }

    async fn turn(&mut self) -> Result<Turn> {
        let on = self.tools.on.clone();
        let watch = self.watch.clone();
        let free = IN_FLIGHT.saturating_sub(watch.pipeline.in_flight());
        if free == 0 {
            return Ok(Turn::Wait(FULL));
        }
        let queued = watch.queued.load(Ordering::Relaxed).max(1);
        let wanted = i64::try_from(free).unwrap_or(LEASE).min(self.limit).min(queued);
        let begun = self.claims.begin(&on, &self.holder).await;
        let span = (begun.now, begun.ready);
        let taken = slots::take_ahead(&on.db, watch.pipeline.id, span, wanted, Some(self.last_slot)).await?;
        self.trip = begun.age(&on).min(self.trip + self.trip / 8 + Duration::from_millis(1));
        let Some(taken) = taken else { return self.no_slot(begun).await };
        self.last_slot = taken.slots.last;
        if taken.run != self.watch.pipeline.mission().run {
            // It was paused, and perhaps edited, and resumed, and nobody told.
            self.watch.pipeline.refresh(&self.tools).await?;
        }
        let leased = self.lease(&taken).await?;
        if leased.found == 0 {
            return self.no_job(&taken).await;
        }
        watch.queued.store(leased.progress.as_ref().map_or(0, |row| row.queued.into()), Ordering::Relaxed);
        self.cursor = match leased.jobs.last() {
            Some(last) if i64::try_from(leased.found).is_ok_and(|found| found == taken.slots.count) => {
                self.cursor.max(last.position)
            }
            // SKIP LOCKED passed something over, or a lease was rolled back behind the cursor (R25).
            _ => 0,
        };
        self.claims.over(&on, begun);
        self.limit = lease_limit(self.limit, LEASE, leased.took.saturating_sub(self.trip));
        self.launch(&taken, leased, begun.claimed);
        Ok(Turn::Wait(self.until_next_claim(taken.slots.last + taken.slots.interval)))
    }

    /// The next claim is made its lead and half a horizon before its first slot, so that the jobs are ready when it comes (R4).
    fn until_next_claim(&self, slot: i64) -> Duration {
        let early = self.claims.lead() + HORIZON / 2;
        let nanos = slot - duration_nanos(early) - self.tools.on.clock.nanos();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    async fn no_slot(&self, begun: Begun) -> Result<Turn> {
        let Some(row) = self.watch.hot_row().await? else { return Ok(Turn::Over) };
        if row.status != ProgressStatus::Running {
            return Ok(Turn::Over);
        }
        if is_busy_nearby(begun.now, begun.ready, row.last_slot, row.delivery_rate) {
            return Ok(Turn::Wait(HORIZON));
        }
        let ready = self.tools.on.clock.nanos() + duration_nanos(self.claims.lead());
        let slot = next_slot(ready, row.last_slot, row.not_before, row.delivery_rate);
        let pause = self.until_next_claim(slot).max(Duration::from_millis(1));
        Ok(Turn::Wait(held(&self.tools.on, pause).await?))
    }

    /// Nothing could be leased: jobs wait for their instant, others hold them, or they lie behind the cursor.
    async fn no_job(&mut self, taken: &Taken) -> Result<Turn> {
        let behind = self.cursor > 0;
        self.cursor = 0;
        let (first, waiting) = waiting(self.tools.on.db.reader(), self.watch.pipeline.id).await?;
        if behind && i64::from(taken.queued) > waiting {
            return Ok(Turn::Wait(Duration::from_millis(1)));
        }
        if first.is_none() && self.watch.hot_row().await?.is_some_and(|row| row.is_spent()) {
            // Its last two settlements crossed, and whoever was to complete it is gone.
            complete_spent(&self.tools.on, self.watch.pipeline.id).await?;
        }
        let pause = first.and_then(|first| (first - self.tools.on.now()).to_std().ok());
        // With nothing queued, the last answers decide whether the campaign is over: they are in flight, here or elsewhere.
        Ok(Turn::Wait(pause.unwrap_or(PAUSE).clamp(Duration::from_millis(20), Duration::from_secs(1))))
    }

    async fn lease(&self, taken: &Taken) -> Result<Leased> {
        let row = &self.holder.row;
        let open = self.holder.claim();
        let claim = Claim {
            campaign: self.watch.pipeline.id,
            sender: row.id,
            epoch: row.epoch,
            key: open.key,
            run: taken.run,
            cursor: self.cursor,
            limit: taken.slots.count,
            now: self.tools.on.now(),
        };
        let leased = lease::lease(&self.tools.on, &self.watch.pipeline.mission(), &claim).await?;
        open.granted(leased.jobs.len());
        Ok(leased)
    }

    fn launch(&self, taken: &Taken, leased: Leased, claimed: Duration) {
        let executor = Executor {
            tools: self.tools.clone(),
            holder: self.holder.clone(),
            exit: self.watch.pipeline.exit(leased.jobs.len(), None),
            lease: Lease { key: leased.key, seq: leased.seq, run: taken.run },
            session: self.session.clone(),
        };
        tokio::spawn(executor.run(leased.jobs, taken.slots, claimed));
    }
}
