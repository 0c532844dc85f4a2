//! The retry of more failed jobs than a request can wait for: a task queues them anew, a chunk after the other. A campaign that had
//! ended is held meanwhile, and goes on once all are queued: half of it is never taken for all of it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::retry::{Answer, Retried, Retry, requeue};
use super::{require_jobs, transition};
use crate::tasks::{self, Chunk, New, read, written};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::CampaignStatus;
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, NounId};
use domain::task::TaskKind;
use events::Event;
use storage::Noun;
use storage::broadcast::{campaign, queue};
use storage::task;

/// Why a campaign is PAUSED that had ended, until the task is through.
const HELD: &str = "its failed messages are being queued anew by a task: it goes on by itself when all are";

/// What the task was asked for with.
#[derive(Serialize, Deserialize)]
struct Input {
    reasons: Option<Vec<String>>,
}

/// How far the task is.
#[derive(Serialize, Deserialize, Default)]
struct Place {
    /// The position of the last job that was looked at.
    after: i32,
    retried: i32,
    skipped: i32,
    /// Whether the task has paused the campaign.
    is_held: bool,
}

/// Asks for the task, and does as much of it as a request can wait for.
pub(super) async fn ask(
    on: &Services,
    actor: &Actor,
    id: BroadcastCampaignId,
    reasons: Option<&[String]>,
) -> Result<Retry> {
    let begun = on.write(actor, |w| async move {
        let hot = queue::lock(&w, id).await?;
        may_be_retried(transition::status_of(&hot)?)?;
        let new = New {
            kind: TaskKind::RetryFailedJobs,
            subject: id.uuid(),
            total: Some(hot.failed.into()),
            input: written(&Input { reasons: reasons.map(<[String]>::to_vec) })?,
            cursor: written(&Place::default())?,
        };
        let begun = tasks::begin(&w, new).await?;
        w.tell(Event::Campaign(id));
        // The audit line comes when all are queued.
        w.done(id, &Answer { retried: 0, skipped: 0, task: Some(begun.id) }).await?;
        Ok(begun.id)
    });
    let task = tasks::soon(on, begun.await?).await?;
    Ok(Retry { campaign: campaign::Entity::get(on.db.reader(), id).await?, jobs: so_far(&task)?, task: Some(task) })
}

/// What the task has done until now.
pub(super) fn so_far(row: &task::Model) -> Result<Retried> {
    let Place { retried, skipped, .. } = read(&row.cursor)?;
    Ok(Retried { retried, skipped })
}

/// A campaign that was not started has nothing to be tried again, and one that was cancelled is over for good.
pub(super) fn may_be_retried(from: CampaignStatus) -> Result<()> {
    if matches!(from, CampaignStatus::Cancelled | CampaignStatus::Queued) {
        return Err(Error::transition("campaign", from, CampaignStatus::Running));
    }
    Ok(())
}

/// Queues the next failed jobs anew; after the last ones the campaign goes on.
pub(crate) async fn retry_chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let id = BroadcastCampaignId::from_uuid(row.subject_id);
    let (Input { reasons }, mut place): (_, Place) = (read(&row.input)?, read(&row.cursor)?);
    let limit = tasks::chunk(on, queue::sweep::CHUNK, queue::sweep::CHUNK / 5);
    let part = requeue(w, id, reasons.as_deref(), place.after, limit).await?;
    let is_through = part.is_none();
    if let Some((last, Retried { retried, skipped })) = part {
        if retried > 0 {
            place.is_held |= hold(w, id).await?;
        }
        place = Place { after: last, retried: place.retried + retried, skipped: place.skipped + skipped, ..place };
        w.tell(Event::Campaign(id));
    } else {
        may_be_retried(transition::status_of(&queue::lock(w, id).await?)?)?;
        if place.is_held && is_held(w, id).await? {
            let running = |row| campaign::Model { pause_reason: None, ..row };
            transition::enter(w, id, CampaignStatus::Running, running).await?;
        }
        note(w, id, &place, reasons.as_deref()).await?;
        w.tell(Event::Work(id));
        w.tell(Event::Campaign(id));
    }
    let done = i64::from(place.retried) + i64::from(place.skipped);
    Ok(Chunk { done, cursor: written(&place)?, is_through })
}

/// A campaign that has ended is PAUSED, so that none of what is queued is sent before all is; whether this one was.
async fn hold(w: &Write, id: BroadcastCampaignId) -> Result<bool> {
    match transition::status_of(&queue::lock(w, id).await?)? {
        CampaignStatus::Running | CampaignStatus::Paused => Ok(false),
        CampaignStatus::Completed | CampaignStatus::Failed => {
            require_jobs(w, id).await?;
            let held = |row| campaign::Model { completed_at: None, pause_reason: Some(HELD.into()), ..row };
            transition::enter(w, id, CampaignStatus::Paused, held).await?;
            Ok(true)
        }
        from => Err(Error::transition("campaign", from, CampaignStatus::Running)),
    }
}

/// Whether the campaign, whose hot row is locked, is PAUSED by the task and by nobody since.
async fn is_held(w: &Write, id: BroadcastCampaignId) -> Result<bool> {
    let row = w.require(id).await?;
    Ok(row.status == CampaignStatus::Paused && row.pause_reason.as_deref() == Some(HELD))
}

async fn note(w: &Write, id: BroadcastCampaignId, place: &Place, reasons: Option<&[String]>) -> Result<()> {
    if place.retried == 0 {
        return Ok(());
    }
    let metadata = json!({ "retried": place.retried, "reasons": reasons });
    w.note(Action::CampaignJobsRetried, id, metadata).await
}

/// What is queued stays so: why its jobs had failed is forgotten. A campaign that the task holds says what is to be decided.
pub(crate) async fn leave_retry(w: &Write, row: &task::Model) -> Result<bool> {
    let id = BroadcastCampaignId::from_uuid(row.subject_id);
    let (Input { reasons }, place): (_, Place) = (read(&row.input)?, read(&row.cursor)?);
    let _locked = match queue::lock(w, id).await {
        Err(Error::NotFound(_)) => return Ok(true),
        hot => hot?,
    };
    if place.is_held && is_held(w, id).await? {
        let old = w.require(id).await?;
        let why = format!(
            "the retry of its failed messages was ended when {} of them were queued anew: resume it to send those, or cancel it",
            place.retried
        );
        w.replace(&old, campaign::Model { pause_reason: Some(why), ..old.clone() }).await?;
    }
    note(w, id, &place, reasons.as_deref()).await?;
    w.tell(Event::Campaign(id));
    Ok(true)
}
