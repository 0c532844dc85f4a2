//! The start of a campaign to more channels than a request can wait for: a task checks their texts and makes their jobs, a chunk of
//! them after the other. Until all are there, the campaign is being started: none is sent. One that fails or is cancelled is taken
//! back.

use serde::{Deserialize, Serialize};

use super::audience::{Preflight, Recipients, params};
use super::start::{Message, note_missed, run};
use super::transition;
use crate::tasks::{self, Chunk, New, read, written};
use crate::{Services, Write};
use domain::broadcast::{CampaignStatus, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, NounId};
use domain::task::{TaskKind, TaskStatus};
use events::Event;
use storage::Noun;
use storage::broadcast::channel::{self, Recipient};
use storage::broadcast::queue::freeze::{Freeze, remove_jobs};
use storage::broadcast::{campaign, progress, queue};
use storage::task;

/// Jobs that PostgreSQL makes in one transaction: about 100 ms.
const LARGE_CHUNK: i32 = 10_000;
/// Jobs that SQLite makes in one transaction: about 40 ms, so that other writers get their turn.
const CHUNK: i32 = 5_000;

/// What the task knows of the campaign.
#[derive(Serialize, Deserialize)]
struct Input {
    message: Message,
}

fn chunk(on: &Services) -> i32 {
    tasks::chunk(on, LARGE_CHUNK, CHUNK)
}

/// Begins the start: from now on the campaign is being started. The caller holds the batch, which has so many channels.
pub(super) async fn begin(w: &Write, message: &Message, freeze: &Freeze, channels: i32) -> Result<campaign::Model> {
    let id = freeze.campaign;
    transition::may_enter(w, id, CampaignStatus::Running).await?;
    progress::Entity::mark(w, id, ProgressStatus::Starting).await?;
    let new = New {
        kind: TaskKind::StartBroadcastCampaign,
        subject: id.uuid(),
        total: Some(i64::from(channels.min(freeze.most))),
        input: written(&Input { message: message.clone() })?,
        cursor: written(freeze)?,
    };
    tasks::begin(w, new).await?;
    w.tell(Event::Campaign(id));
    let campaign = campaign::Entity::get(w, id).await?;
    // The audit line comes when it has started.
    w.done(id, &()).await?;
    Ok(campaign)
}

/// Makes the jobs of the next channels, whose texts it checks as they are then; with the last ones the campaign runs.
pub(crate) async fn start_chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let Input { message } = read(&row.input)?;
    let mut freeze: Freeze = read(&row.cursor)?;
    let before = freeze.jobs;
    let is_more = freeze.extend(w, chunk(on)).await?;
    check(w, &message, &freeze, before).await?;
    if !is_more {
        let hot = queue::lock(w, freeze.campaign).await?;
        if hot.status != ProgressStatus::Starting {
            return Err(Error::transition("campaign", hot.status, ProgressStatus::Running));
        }
        run(w, &message, &freeze).await?;
    }
    Ok(Chunk { done: freeze.jobs.into(), cursor: written(&freeze)?, is_through: !is_more })
}

/// Refuses texts that can't be sent, of the jobs that were made after `before`.
async fn check(w: &Write, message: &Message, freeze: &Freeze, before: i32) -> Result<()> {
    let campaign = campaign::Entity::get(w, freeze.campaign).await?;
    let preflight = Preflight {
        content: &message.content,
        parse_mode: message.parse_mode,
        has_media: message.media_type.is_some(),
        params: params(&campaign)?,
        recipients: Recipients::Jobs { campaign: freeze.campaign, jobs: freeze.jobs },
        argument: "templateId",
    };
    let made = channel::Entity::of_jobs(freeze.campaign, before + 1..=freeze.jobs);
    preflight.check_some(&Recipient::all(made, w).await?)
}

/// Takes some of the jobs back. With the last ones the campaign is QUEUED again, unless somebody has ended it; one that was to start by
/// itself has missed its start.
pub(crate) async fn take_start_back(on: &Services, w: &Write, row: &task::Model) -> Result<bool> {
    let id = BroadcastCampaignId::from_uuid(row.subject_id);
    if remove_jobs(w, id, chunk(on)).await? > 0 {
        return Ok(false);
    }
    let hot = match queue::lock(w, id).await {
        // It was cancelled, and deleted since.
        Err(Error::NotFound(_)) => return Ok(true),
        hot => hot?,
    };
    w.tell(Event::Campaign(id));
    if hot.status != ProgressStatus::Starting {
        return Ok(true);
    }
    progress::Entity::mark(w, id, ProgressStatus::Queued).await?;
    let old = w.require(id).await?;
    let was_scheduled = row.created_by_id.is_none() && old.schedule_missed_at.is_none();
    if was_scheduled && old.scheduled_at.is_some() {
        let cancelled = (row.ends_as == Some(TaskStatus::Cancelled)).then_some("its start was cancelled");
        note_missed(w, &old, row.error.as_deref().or(cancelled).unwrap_or("it could not be started")).await?;
    }
    Ok(true)
}
