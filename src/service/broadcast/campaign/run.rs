//! Pause, resume, cancel: each acts at once (R5, R6).

use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::json;

use super::audience::Preflight;
use super::transition::{self, Ending};
use crate::barrier::Barrier;
use crate::{Actor, Services, Write, tasks};
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, NounId};
use domain::task::TaskKind;
use events::Event;
use storage::Noun;
use storage::broadcast::queue::sweep::{End, Swept};
use storage::broadcast::{campaign, progress, queue};

/// How much of a cancellation is done before the mutation answers; workers do the rest.
const INLINE: Duration = Duration::from_millis(250);
/// Of more queued jobs it does none.
const SOON: i32 = 1_000;

/// Pauses a running campaign. No send starts after this has returned.
pub async fn pause(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    let paused = on.write(actor, |w| async move {
        transition::may_enter(&w, id, CampaignStatus::Paused).await?;
        // Each claim changes the hot row, which is locked from here to the commit.
        let barrier = Barrier::from_now(on);
        let paused = transition::enter(&w, id, CampaignStatus::Paused, unblamed).await?;
        tell(&w, id);
        w.note(Action::CampaignPaused, id, json!({ "name": paused.name })).await?;
        Ok((barrier, paused))
    });
    let (barrier, paused) = paused.await?;
    barrier.passed(on).await;
    Ok(paused)
}

/// The campaign without the reason for which it stopped by itself.
fn unblamed(row: campaign::Model) -> campaign::Model {
    campaign::Model { pause_reason: None, ..row }
}

/// Lets a paused campaign go on exactly where it stopped.
///
/// # Errors
/// [`Error::Invalid`] if its text can't be read any more, or has a placeholder without a value.
pub async fn resume(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    let found = campaign::Entity::get(on.db.reader(), id).await?;
    if let Some(content) = found.content.as_deref().filter(|_| found.status == CampaignStatus::Paused) {
        // Whether it can be sent to each channel is looked at again when its message is written.
        Preflight::of_copy(on, &found, content).await?.check_some(&[])?;
    }
    on.write(actor, |w| async move {
        let from = transition::status_of(&queue::lock(&w, id).await?)?;
        if from != CampaignStatus::Paused {
            return Err(Error::transition("campaign", from, CampaignStatus::Running));
        }
        let resumed = transition::enter(&w, id, CampaignStatus::Running, unblamed).await?;
        tell(&w, id);
        w.note(Action::CampaignResumed, id, json!({ "name": resumed.name })).await?;
        Ok(resumed)
    })
    .await
}

/// Cancels a campaign for good. No send starts after this has returned; what was queued becomes CANCELLED, for large
/// campaigns in the seconds that follow.
pub async fn cancel(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    if let Some(cancelled) = cancel_start(on, actor, id).await? {
        return Ok(cancelled);
    }
    let cancelled = on.write(actor, |w| async move {
        let row = transition::may_enter(&w, id, CampaignStatus::Cancelled).await?;
        let barrier = (row.status == ProgressStatus::Running).then(|| Barrier::from_now(on));
        let cancelled = transition::enter(&w, id, CampaignStatus::Cancelled, |row| row).await?;
        tell(&w, id);
        w.note(Action::CampaignCancelled, id, json!({ "name": cancelled.name })).await?;
        Ok((barrier, cancelled))
    });
    let (barrier, cancelled) = cancelled.await?;
    let Some(barrier) = barrier else {
        sweep_soon(on, id).await?;
        return Ok(cancelled);
    };
    // What is queued can't be leased any more: it ends while what was leased comes to its end, or back.
    let (swept, ()) = tokio::join!(sweep_soon(on, id), barrier.passed(on));
    swept?;
    sweep_soon(on, id).await?;
    Ok(cancelled)
}

/// Cancels a campaign while a task makes its jobs: what was made of them is taken back. None: that is not so.
async fn cancel_start(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<Option<campaign::Model>> {
    let row = progress::Entity::find_by_id(id).one(on.db.reader()).await?;
    if row.is_none_or(|row| row.status != ProgressStatus::Starting) {
        return Ok(None);
    }
    on.write(actor, |w| async move {
        // The task first, as in each of its chunks.
        let why = "the campaign was cancelled";
        if tasks::end_about(&w, TaskKind::StartBroadcastCampaign, id.uuid(), why).await?.is_none() {
            return Ok(None);
        }
        if queue::lock(&w, id).await?.status != ProgressStatus::Starting {
            // It is over just now.
            return Ok(None);
        }
        let cancelled = transition::enter(&w, id, CampaignStatus::Cancelled, |row| row).await?;
        tell(&w, id);
        w.note(Action::CampaignCancelled, id, json!({ "name": cancelled.name })).await?;
        Ok(Some(cancelled))
    })
    .await
}

/// What of a cancellation is done before the mutation answers: all, if it is little. A chunk of many may have to be looked for among
/// millions of versions that nobody has cleaned away yet, which nothing bounds; that is the workers'.
async fn sweep_soon(on: &Services, id: BroadcastCampaignId) -> Result<()> {
    let row = progress::Entity::find_by_id(id).one(on.db.reader()).await?;
    match row.map_or(0, |row| row.queued) {
        0 => Ok(()),
        1..=SOON => sweep(on, id, End::Cancelled, Some(INLINE)).await,
        _ => {
            on.tell(Event::Work(id));
            Ok(())
        }
    }
}

/// Workers look at the campaign, and so does whoever watches it.
fn tell(w: &Write, id: BroadcastCampaignId) {
    w.tell(Event::Work(id));
    w.tell(Event::Campaign(id));
}

/// Ends queued jobs of campaigns that were cancelled or have failed, wherever a crash or a large number left some. Any worker
/// may do it.
pub async fn sweep_cancelled(on: &Services) -> Result<()> {
    let left = progress::Entity::unswept().all(on.db.reader()).await?;
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
    loop {
        let swept = on.system_write(|w| async move {
            let swept = queue::sweep::end_queued(&w, id, end, after, chunk).await?;
            if swept != Swept::Nothing {
                w.tell(Event::Campaign(id));
            }
            Ok(swept)
        });
        let Swept::UpTo(last) = swept.await? else { return Ok(()) };
        after = last;
        if within.is_some_and(|limit| on.clock.monotonic().saturating_sub(began) > limit) {
            // Nothing is written by this line: it only wakes the workers, who do the rest.
            on.tell(Event::Work(id));
            return Ok(());
        }
    }
}

/// Refuses what needs the jobs of a campaign, whose hot row is locked, if they are kept no longer.
pub(in crate::broadcast) async fn require_jobs(db: &impl ConnectionTrait, id: BroadcastCampaignId) -> Result<()> {
    match campaign::Entity::get(db, id).await?.jobs_removed_at {
        Some(at) => Err(Error::Precondition(format!(
            "the messages of this campaign are kept no longer since {} (HERALD_KEEP_JOBS): they can't be sent again or changed",
            at.format("%Y-%m-%d")
        ))),
        None => Ok(()),
    }
}

/// A campaign that has completed or failed runs again, because jobs were queued anew. The caller holds its hot row.
pub(in crate::broadcast) async fn run_again(w: &Write, id: BroadcastCampaignId) -> Result<()> {
    match transition::status_of(&queue::lock(w, id).await?)? {
        CampaignStatus::Running | CampaignStatus::Paused => Ok(()),
        CampaignStatus::Completed | CampaignStatus::Failed => {
            require_jobs(w, id).await?;
            let running = |row| campaign::Model { completed_at: None, ..row };
            transition::enter(w, id, CampaignStatus::Running, running).await.map(drop)
        }
        from => Err(Error::transition("campaign", from, CampaignStatus::Running)),
    }
}

/// A paused or running campaign of which nothing is left is complete. The caller holds its hot row.
pub(in crate::broadcast) async fn complete_if_spent(w: &Write, row: &progress::Model) -> Result<()> {
    let status = transition::status_of(row)?;
    if row.is_spent() && matches!(status, CampaignStatus::Running | CampaignStatus::Paused) {
        transition::end(w, row.campaign_id, &Ending::Completed).await?;
    }
    Ok(())
}

/// Completes a campaign if nothing of it is left.
pub async fn complete_spent(on: &Services, id: BroadcastCampaignId) -> Result<()> {
    on.system_write(|w| async move {
        let row = queue::lock(&w, id).await?;
        complete_if_spent(&w, &row).await
    })
    .await
}
