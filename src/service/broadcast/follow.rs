//! The changes of a campaign's jobs: everything since some place in the log, then whatever comes (R8).
//!
//! A client that was away gets each job's present state, without a gap and without a duplicate: the log is walked in its
//! order, which is the order of the commits, and a job is told only where its last change stands.

mod cursor;
mod log;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::{Stream, TryStreamExt, stream};
use sea_orm::EntityTrait;

pub use self::cursor::Cursor;
use self::log::Log;
use crate::Services;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use storage::broadcast::job_update::{self, Part};
use storage::broadcast::{job, progress};

/// Positions that one statement looks at.
const MOST: usize = 1_000;

/// How long a database that is away is left alone.
const AWAY: Duration = Duration::from_secs(1);

/// A job as it is after its last change.
#[derive(Debug, Clone)]
pub struct JobUpdate {
    /// The place in the log: who was told this goes on after it.
    pub cursor: Cursor,
    /// The job.
    pub job: job::Model,
}

/// The present state of each job that changed after `after`, or of all, and then each change, until the campaign has ended
/// and all was told. While the database is away it is waited for.
///
/// # Errors
/// There is no such campaign, or the database is away at the beginning.
pub async fn job_updates(
    on: &Services,
    campaign: BroadcastCampaignId,
    after: Option<Cursor>,
) -> Result<impl Stream<Item = Result<JobUpdate>> + Send + use<>> {
    let chunks = job_update_chunks(on, campaign, after).await?;
    Ok(chunks.map_ok(|chunk| stream::iter(chunk.into_iter().map(Ok))).try_flatten())
}

/// The updates of jobs, as many at a time as one statement found: for those who have something to look up for each.
///
/// # Errors
/// As of [`job_updates`].
pub async fn job_update_chunks(
    on: &Services,
    campaign: BroadcastCampaignId,
    after: Option<Cursor>,
) -> Result<impl Stream<Item = Result<Vec<JobUpdate>>> + Send + use<>> {
    let log = Log::after(on.clone(), campaign, after);
    let row = progress::Entity::find_by_id(campaign).one(on.db.reader()).await?;
    row.ok_or(Error::NotFound("broadcast campaign"))?;
    Ok(stream::try_unfold(log, |mut log| async move {
        let chunk = next_chunk(&mut log).await?;
        Ok(chunk.map(|chunk| (chunk, log)))
    }))
}

/// Some updates; None at the end.
async fn next_chunk(log: &mut Log) -> Result<Option<Vec<JobUpdate>>> {
    while let Some(parts) = log.next(MOST).await? {
        let found = read(log, &parts).await?;
        if !found.is_empty() {
            let update = |(seq, job): (i64, job::Model)| JobUpdate {
                cursor: Cursor { campaign: log.campaign, seq, position: job.position },
                job,
            };
            return Ok(Some(found.into_iter().map(update).collect()));
        }
    }
    Ok(None)
}

async fn read(log: &Log, parts: &[Part]) -> Result<Vec<(i64, job::Model)>> {
    persist(|| job_update::read(log.services.db.reader(), log.campaign, parts)).await
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
