//! A campaign's change log, walked in steps that many share.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use parking_lot::Mutex;
use sea_orm::{EntityTrait, QuerySelect};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::place::{Place, take};
use super::{Chunk, Cursor, JobUpdate};
use crate::Services;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use events::{Event, Subscription};
use storage::broadcast::job_update::Part;
use storage::broadcast::{job_change, job_update, progress};

/// Positions that one statement looks at.
const MOST: i32 = 1_000;

/// Entries that are read at once.
const ENTRIES: u64 = 32;

/// The least time after which a reader of everything looks again: a running campaign writes hundreds of entries a
/// second.
const DISTANCE: Duration = Duration::from_millis(100);

/// Without any event it is looked at so often: events may get lost.
const POLL: Duration = Duration::from_secs(1);

/// How long a database that is away is left alone.
const AWAY: Duration = Duration::from_secs(1);

/// How long ago a step may have been read that somebody joins: it tells jobs as they were then.
const FRESH: Duration = Duration::from_secs(1);

/// Steps that are kept for those who come a little later.
const RECENT: usize = 4;

/// The log of one campaign, for all who follow it.
pub(super) struct Log {
    campaign: BroadcastCampaignId,
    services: Services,
    steps: Mutex<Steps>,
}

#[derive(Default)]
struct Steps {
    /// By the places where they begin.
    known: BTreeMap<Place, WeakShared<Reading>>,
    recent: VecDeque<Step>,
}

/// What a step's readers wait for.
type Reading = BoxFuture<'static, Result<Arc<Chunk>, Arc<Error>>>;

/// The walk from a place to the next updates.
#[derive(Clone)]
pub(super) struct Step(Shared<Reading>);

impl Step {
    pub(super) async fn chunk(&self) -> Result<Arc<Chunk>> {
        self.0.clone().await.map_err(Error::Shared)
    }
}

impl Log {
    pub(super) fn of(campaign: BroadcastCampaignId, services: Services) -> Self {
        Self { campaign, services, steps: Mutex::default() }
    }

    /// The step from a place; `before` is what was told last, if it ends there.
    pub(super) fn step(self: &Arc<Self>, place: Place, before: Option<&Arc<Chunk>>) -> Step {
        let mut steps = self.steps.lock();
        let is_fresh = |read: &Result<Arc<Chunk>, Arc<Error>>| matches!(read, Ok(it) if it.read_at.elapsed() < FRESH);
        if let Some(reading) = steps.known.get(&place).and_then(WeakShared::upgrade)
            && reading.peek().is_none_or(is_fresh)
        {
            return Step(reading);
        }
        let rest = before.map(|chunk| chunk.rest.clone()).unwrap_or_default();
        let walk = Walk::new(Arc::downgrade(self), self.campaign, self.services.clone(), place, rest);
        let reading = AbortOnDropHandle::new(tokio::spawn(walk.until_updates()));
        let reading = async move {
            let chunk = reading.await.unwrap_or_else(|defect| Err(Error::internal(anyhow::Error::new(defect))));
            chunk.map(Arc::new).map_err(Arc::new)
        };
        let step = Step(reading.boxed().shared());
        let weak = step.0.downgrade().expect("nobody has waited for it yet");
        steps.known.retain(|_, reading| reading.upgrade().is_some());
        steps.known.insert(place, weak);
        steps.recent.truncate(RECENT - 1);
        steps.recent.push_front(step.clone());
        step
    }

    /// The first place behind `place` where somebody stands.
    fn next_stand(&self, place: Place) -> Option<Place> {
        let steps = self.steps.lock();
        let behind = steps.known.range((Bound::Excluded(place), Bound::Unbounded));
        behind.filter(|(_, reading)| reading.upgrade().is_some()).map(|(place, _)| *place).next()
    }
}

/// Reads on from a place until there are updates to tell.
struct Walk {
    log: Weak<Log>,
    campaign: BroadcastCampaignId,
    services: Services,
    /// Events count from now on, before anything is read.
    events: Subscription,
    place: Place,
    /// What was read behind the place, in order.
    parts: VecDeque<Part>,
}

impl Walk {
    fn new(log: Weak<Log>, campaign: BroadcastCampaignId, services: Services, place: Place, rest: Vec<Part>) -> Self {
        let events = services.events.subscribe();
        Self { log, campaign, services, events, place, parts: rest.into() }
    }

    async fn until_updates(mut self) -> Result<Chunk> {
        loop {
            if self.parts.is_empty() && !self.read_on().await? {
                return Ok(self.chunk(Vec::new()));
            }
            let until = self.log.upgrade().and_then(|log| log.next_stand(self.place));
            let (taken, end) = take(&mut self.parts, MOST, until);
            self.place = end.unwrap_or(self.place);
            let found = self.read(&taken).await?;
            if !found.is_empty() {
                return Ok(self.chunk(found));
            }
        }
    }

    fn chunk(self, updates: Vec<JobUpdate>) -> Chunk {
        Chunk {
            is_last: updates.is_empty(),
            updates,
            end: self.place,
            rest: self.parts.into(),
            read_at: Instant::now(),
        }
    }

    async fn read(&self, parts: &[Part]) -> Result<Vec<JobUpdate>> {
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let found = persist(|| job_update::read(self.services.db.reader(), self.campaign, parts)).await?;
        let campaign = self.campaign;
        let update = |(seq, job): (i64, storage::broadcast::job::Model)| JobUpdate {
            cursor: Cursor { campaign, seq, position: job.position },
            job,
        };
        Ok(found.into_iter().map(update).collect())
    }

    /// Reads entries, as soon as there are any. False: there will be no more.
    async fn read_on(&mut self) -> Result<bool> {
        loop {
            self.events.forget();
            let began = Instant::now();
            // The row first, the log second: what the log holds beyond the row's `seq` is a surplus, never a lack.
            let Some(row) = self.row().await? else { return Ok(false) };
            if row.seq > self.place.whole() {
                if !self.read_entries().await? {
                    return Ok(false);
                }
                if !self.parts.is_empty() {
                    return Ok(true);
                }
            } else if row.has_ended() {
                return Ok(false);
            } else {
                self.wait(began).await;
            }
        }
    }

    async fn row(&self) -> Result<Option<progress::Model>> {
        let db = self.services.db.reader();
        persist(|| async { Ok(progress::Entity::find_by_id(self.campaign).one(db).await?) }).await
    }

    /// Reads the next entries. The campaign's row says that there are some: none means that they are being deleted.
    async fn read_entries(&mut self) -> Result<bool> {
        let db = self.services.db.reader();
        let select = job_change::Entity::after(self.campaign, self.place.whole()).limit(ENTRIES);
        let entries = persist(|| async { Ok(select.clone().all(db).await?) }).await?;
        let Some(last) = entries.last() else { return Ok(false) };
        self.parts = entries.iter().flat_map(|entry| self.place.rest_of(entry)).collect();
        if self.parts.is_empty() {
            self.place = Place::end_of(last.seq);
        }
        Ok(true)
    }

    async fn wait(&mut self, began: Instant) {
        sleep_until(began + DISTANCE).await;
        let changed = Event::Campaign(self.campaign);
        self.events.until(POLL, |event| event == changed).await;
    }
}

/// Repeats a read for as long as the database is away.
async fn persist<T, F: Future<Output = Result<T>>>(read: impl Fn() -> F) -> Result<T> {
    loop {
        match read().await {
            Err(Error::Unavailable(cause)) => {
                tracing::debug!(?cause, "a subscriber waits for the database");
                tokio::time::sleep(AWAY).await;
            }
            result => return result,
        }
    }
}
