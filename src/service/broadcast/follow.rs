//! The changes of a campaign's jobs: everything since some place in the log, then whatever comes (R8).
//!
//! A client that was away gets each job's present state, without a gap and without a duplicate: the log is walked in its
//! order, which is the order of the commits, and a job is told only where its last change stands.
//!
//! Those of this process who are at the same place share the step from there: it is read once, in a task of its own, so that
//! nobody waits for another one's client. A step ends where somebody else already stands, so that who comes from behind joins.

mod cursor;
mod log;
mod place;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use futures_util::{Stream, stream};
use parking_lot::Mutex;
use sea_orm::EntityTrait;
use tokio::time::Instant;

pub use self::cursor::Cursor;
use self::log::{Log, Step};
use self::place::Place;
use crate::Services;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use storage::broadcast::job_update::Part;
use storage::broadcast::{job, progress};

/// A job as it is after its last change.
#[derive(Debug, Clone)]
pub struct JobUpdate {
    /// The place in the log: who was told this goes on after it.
    pub cursor: Cursor,
    /// The job.
    pub job: job::Model,
}

/// Some updates, as many as one statement found: for those who have something to look up for each.
#[derive(Debug)]
pub struct Chunk {
    /// The updates, in the log's order; none only in the last chunk.
    pub updates: Vec<JobUpdate>,
    /// Where to go on.
    end: Place,
    /// What was read of the log behind `end`, in order.
    rest: Vec<Part>,
    /// Nothing will follow.
    is_last: bool,
    /// When its jobs were as it tells them.
    read_at: Instant,
}

/// The change logs that are followed in this process. There must be one of it only; copies of it are the same.
#[derive(Clone)]
pub struct JobLogs {
    services: Services,
    followed: Arc<Mutex<HashMap<BroadcastCampaignId, Weak<Log>>>>,
}

impl JobLogs {
    /// Nothing is followed yet.
    pub fn new(services: &Services) -> Self {
        Self { services: services.clone(), followed: Arc::default() }
    }

    /// The present state of each job that changed after `after`, or of all, and then each change, until the campaign has ended
    /// and all was told. While the database is away it is waited for.
    ///
    /// # Errors
    /// There is no such campaign, or the database is away at the beginning.
    pub async fn follow(
        &self,
        campaign: BroadcastCampaignId,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<Arc<Chunk>>> + Send + use<>> {
        let row = progress::Entity::find_by_id(campaign).one(self.services.db.reader()).await?;
        row.ok_or(Error::NotFound("broadcast campaign"))?;
        let follower = Follower { log: self.log(campaign), place: Place::after(after), step: None };
        Ok(stream::try_unfold(follower, |mut follower| async move {
            let chunk = follower.next().await?;
            Ok(chunk.map(|chunk| (chunk, follower)))
        }))
    }

    fn log(&self, campaign: BroadcastCampaignId) -> Arc<Log> {
        let mut followed = self.followed.lock();
        if let Some(log) = followed.get(&campaign).and_then(Weak::upgrade) {
            return log;
        }
        followed.retain(|_, log| log.strong_count() > 0);
        let log = Arc::new(Log::of(campaign, self.services.clone()));
        followed.insert(campaign, Arc::downgrade(&log));
        log
    }
}

/// One who follows a log.
struct Follower {
    log: Arc<Log>,
    /// Everything up to here was told.
    place: Place,
    /// What was told last, for others who come there, and for what was read beyond it.
    step: Option<(Step, Arc<Chunk>)>,
}

impl Follower {
    /// The next updates; None at the end.
    async fn next(&mut self) -> Result<Option<Arc<Chunk>>> {
        let before = self.step.as_ref().map(|(_, chunk)| chunk);
        if before.is_some_and(|chunk| chunk.is_last) {
            return Ok(None);
        }
        let step = self.log.step(self.place, before);
        let chunk = step.chunk().await?;
        self.place = chunk.end;
        self.step = Some((step, chunk.clone()));
        Ok((!chunk.updates.is_empty()).then_some(chunk))
    }
}
