//! Pause, resume, cancel, and the retry of what failed: each acts at once (R5, R6).

use std::time::Duration;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::transition::{self, Ending};
use crate::access::audit::{self, Subject};
use crate::{Actor, Services, once};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, JobStatus, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use domain::pacing::BARRIER;
use events::Event;
use storage::Tx;
use storage::broadcast::queue::sweep::End;
use storage::broadcast::{campaign, progress, queue};

/// How much of a cancellation is done before the mutation answers; workers do the rest.
const INLINE: Duration = Duration::from_millis(250);

/// Pauses a running campaign. No send starts after this has returned.
pub async fn pause(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    let paused = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            transition::may_enter(tx, id, CampaignStatus::Paused).await?;
            let paused =
                transition::enter(on, tx, id, CampaignStatus::Paused, |row| row.pause_reason = Set(None)).await?;
            let metadata = json!({ "name": paused.name });
            audit::record(on, tx, actor, Action::CampaignPaused, Subject("BroadcastCampaign", id.0), metadata).await?;
            Ok(paused)
        })
        .await?;
    barrier(on, id).await;
    Ok(paused)
}

/// Lets a paused campaign go on exactly where it stopped.
pub async fn resume(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    let resumed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let row = queue::lock(tx, id).await?;
            let from = transition::status_of(&row)?;
            if from != CampaignStatus::Paused {
                return Err(Error::transition("campaign", from, CampaignStatus::Running));
            }
            let resumed =
                transition::enter(on, tx, id, CampaignStatus::Running, |row| row.pause_reason = Set(None)).await?;
            let metadata = json!({ "name": resumed.name });
            audit::record(on, tx, actor, Action::CampaignResumed, Subject("BroadcastCampaign", id.0), metadata).await?;
            Ok(resumed)
        })
        .await?;
    on.tell(Event::Work(id));
    on.tell(Event::Campaign(id));
    Ok(resumed)
}

/// Cancels a campaign for good. No send starts after this has returned; what was queued becomes CANCELLED, for large
/// campaigns in the seconds that follow.
pub async fn cancel(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    let (was_running, cancelled) = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let row = transition::may_enter(tx, id, CampaignStatus::Cancelled).await?;
            let cancelled = transition::enter(on, tx, id, CampaignStatus::Cancelled, |_| ()).await?;
            let metadata = json!({ "name": cancelled.name });
            audit::record(on, tx, actor, Action::CampaignCancelled, Subject("BroadcastCampaign", id.0), metadata)
                .await?;
            Ok((row.status == ProgressStatus::Running, cancelled))
        })
        .await?;
    if was_running {
        barrier(on, id).await;
    }
    sweep(on, id, End::Cancelled, Some(INLINE)).await?;
    Ok(cancelled)
}

/// R5: the status is committed, every worker is told, and after D and a margin every start that was claimed before is over.
/// It needs no Redis, and no two clocks to agree.
async fn barrier(on: &Services, id: BroadcastCampaignId) {
    on.tell(Event::Work(id));
    on.tell(Event::Campaign(id));
    on.clock.sleep(BARRIER).await;
}

/// Ends queued jobs of campaigns that were cancelled or have failed, wherever a crash or a large number left some. Any worker
/// may do it.
pub async fn sweep_cancelled(on: &Services) -> Result<()> {
    let left = progress::Entity::find()
        .filter(progress::Column::Status.is_in([ProgressStatus::Cancelled, ProgressStatus::Failed]))
        .filter(progress::Column::Queued.gt(0))
        .all(on.db.reader())
        .await?;
    for row in left {
        let was_cancelled = row.status == ProgressStatus::Cancelled;
        let end = if was_cancelled { End::Cancelled } else { End::Failed(on.now()) };
        sweep(on, row.campaign_id, end, None).await?;
    }
    Ok(())
}

async fn sweep(on: &Services, id: BroadcastCampaignId, end: End, within: Option<Duration>) -> Result<()> {
    let began = on.clock.monotonic();
    // SQLite's transactions stay short, so that other writers get their turn.
    let chunk = if on.db.is_postgres() { queue::sweep::CHUNK } else { queue::sweep::CHUNK / 5 };
    let mut after = 0;
    while let Some(last) = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            queue::sweep::end_queued(tx, id, end, after, chunk).await
        })
        .await?
    {
        after = last;
        on.tell(Event::Campaign(id));
        if within.is_some_and(|limit| on.clock.monotonic().saturating_sub(began) > limit) {
            on.tell(Event::Work(id));
            break;
        }
    }
    Ok(())
}

/// Queues the failed jobs of a campaign anew, and only those; a completed campaign runs again. Returns how many these were.
pub async fn retry_failed(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<(campaign::Model, i32)> {
    let (mut retried, mut after) = (0, 0);
    while let Some((last, count)) =
        on.db.write(|tx| async move { retry_chunk(on, &tx, actor, id, after).await }).await?
    {
        after = last;
        retried += count;
    }
    let campaign = on.db.write(|tx| async move { finish_retry(on, &tx, actor, id, retried).await }).await?;
    on.tell(Event::Work(id));
    on.tell(Event::Campaign(id));
    Ok((campaign, retried))
}

/// Only now is it done: whoever repeats a request that was cut off before goes on with what is left.
async fn finish_retry(
    on: &Services,
    tx: &Tx,
    actor: &Actor,
    id: BroadcastCampaignId,
    retried: i32,
) -> Result<campaign::Model> {
    let subject = Subject("BroadcastCampaign", id.0);
    once::note(on, tx, actor, Some(subject), Some(json!({ "retried": retried }))).await?;
    campaign::Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound("broadcast campaign"))
}

/// Jobs, then the campaign: the lock order of R7.
async fn retry_chunk(
    on: &Services,
    tx: &Tx,
    actor: &Actor,
    id: BroadcastCampaignId,
    after: i32,
) -> Result<Option<(i32, i32)>> {
    let chunk = if on.db.is_postgres() { queue::sweep::CHUNK } else { queue::sweep::CHUNK / 5 };
    let failed = queue::requeue::failed(tx, id, after, chunk).await?;
    if let Some(last) = failed.last() {
        queue::requeue::anew(tx, id, &failed, JobStatus::Failed, on.now()).await?;
        run_again(on, tx, id).await?;
        let count = i32::try_from(failed.len()).unwrap_or(i32::MAX);
        let subject = Subject("BroadcastCampaign", id.0);
        let (part, metadata) = (actor.in_part(), json!({ "retried": count }));
        audit::record(on, tx, &part, Action::CampaignJobsRetried, subject, metadata).await?;
        return Ok(Some((*last, count)));
    }
    let from = transition::status_of(&queue::lock(tx, id).await?)?;
    if matches!(from, CampaignStatus::Cancelled | CampaignStatus::Queued) {
        return Err(Error::transition("campaign", from, CampaignStatus::Running));
    }
    Ok(None)
}

/// A campaign that has completed or failed runs again, because jobs were queued anew. The caller holds its hot row.
pub(in crate::broadcast) async fn run_again(on: &Services, tx: &Tx, id: BroadcastCampaignId) -> Result<()> {
    match transition::status_of(&queue::lock(tx, id).await?)? {
        CampaignStatus::Running | CampaignStatus::Paused => Ok(()),
        CampaignStatus::Completed | CampaignStatus::Failed => {
            transition::enter(on, tx, id, CampaignStatus::Running, |row| row.completed_at = Set(None)).await.map(drop)
        }
        from => Err(Error::transition("campaign", from, CampaignStatus::Running)),
    }
}

/// A paused or running campaign of which nothing is left is complete. The caller holds its hot row.
pub(in crate::broadcast) async fn complete_if_spent(on: &Services, tx: &Tx, row: &progress::Model) -> Result<()> {
    let status = transition::status_of(row)?;
    if row.is_spent() && matches!(status, CampaignStatus::Running | CampaignStatus::Paused) {
        transition::end(on, tx, row.campaign_id, &Ending::Completed).await?;
    }
    Ok(())
}
