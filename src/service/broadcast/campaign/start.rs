//! Starting: everything is checked, the message is copied, the audience becomes jobs (R21, R23).

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::audience::Preflight;
use super::{start_large, transition};
use crate::broadcast::telegram_account;
use crate::{Actor, Services, Who, Write, tasks};
use domain::audit::Action;
use domain::broadcast::{CampaignMode, CampaignStatus, MediaType, ParseMode, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, NounId, UploadId};
use domain::task::TaskKind;
use events::Event;
use storage::Noun;
use storage::broadcast::queue::freeze::{Freeze, remove_jobs};
use storage::broadcast::{batch, campaign, progress, queue, template};
use storage::task;

/// Jobs that SQLite makes in one transaction: about 40 ms, so that other writers get their turn.
const CHUNK: i32 = 5_000;

/// What is copied of a template when a campaign is started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) content: String,
    pub(super) parse_mode: ParseMode,
    pub(super) media_type: Option<MediaType>,
    media_url: Option<String>,
    media_upload_id: Option<UploadId>,
}

impl From<&template::Model> for Message {
    fn from(row: &template::Model) -> Self {
        Self {
            content: row.content.clone(),
            parse_mode: row.parse_mode,
            media_type: row.media_type,
            media_url: row.media_url.clone(),
            media_upload_id: row.media_upload_id,
        }
    }
}

/// Starts a campaign. Returns when its jobs are there and workers have been told; or, where they are many, when a task makes them: then
/// the campaign is still QUEUED, unless it took no longer than a request can wait.
///
/// # Errors
/// [`Error::Invalid`] with everything that is wrong with its message, or with its audience as far as it is looked at at once.
pub async fn start(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    let found = campaign::Entity::get(on.db.reader(), id).await?;
    if !found.status.next().contains(&CampaignStatus::Running) || found.status != CampaignStatus::Queued {
        return Err(Error::transition("campaign", found.status, CampaignStatus::Running));
    }
    require_same_world(on, &found)?;
    require_accounts(on, id).await?;
    let message = template::Entity::get(on.db.reader(), found.template_id).await?;
    let mut preflight = Preflight::of_start(&found, &message)?;
    preflight.look_at_first(on.rules.at_once.unsigned_abs());
    preflight.check(on).await?;
    let message = Message::from(&message);
    let most = if found.mode == CampaignMode::Test { found.test_limit } else { i32::MAX };
    let freeze = Freeze::new(id, found.batch_id, queue::new_key(), on.now(), most);
    let freeze = Freeze { sought_since: found.doubted_since, ..freeze };
    let started = if on.db.is_postgres() {
        at_once(on, actor, &message, freeze).await?
    } else {
        // Not in the caller's future: who stops waiting must not leave it half started.
        let (on, actor) = (on.clone(), actor.clone());
        tokio::spawn(async move { in_chunks(&on, &actor, &message, freeze).await }).await.map_err(Error::internal)??
    };
    match started {
        Started::Now(campaign) => Ok(campaign),
        // Schedules don't wait: others are due.
        Started::Later(campaign) if actor.who == Who::Herald => Ok(campaign),
        Started::Later(campaign) => {
            if let Some(task) = tasks::latest(on, TaskKind::StartBroadcastCampaign, id.uuid()).await? {
                tasks::soon(on, task.id).await?;
            }
            campaign::Entity::get(on.db.reader(), campaign.id).await
        }
    }
}

/// What a start has come to.
enum Started {
    /// The campaign runs.
    Now(campaign::Model),
    /// Its jobs are many: a task makes them.
    Later(campaign::Model),
}

/// Whether so many jobs are more than a request can wait for.
fn is_large(on: &Services, batch: &batch::Model, freeze: &Freeze) -> bool {
    batch.channel_count.min(freeze.most) > on.rules.at_once
}

/// A campaign that pretends must not be sent for real, nor the other way round.
pub(super) fn require_same_world(on: &Services, campaign: &campaign::Model) -> Result<()> {
    if campaign.is_simulated == on.rules.is_simulated {
        return Ok(());
    }
    let how = if campaign.is_simulated {
        "the campaign was made where messages go nowhere (HERALD_TELEGRAM=simulated), and can only be started there"
    } else {
        "the campaign was made to be sent for real, and messages go nowhere here (HERALD_TELEGRAM=simulated)"
    };
    Err(Error::Precondition(how.into()))
}

/// Where messages are sent for real, an account must be there that can.
pub(super) async fn require_accounts(on: &Services, id: BroadcastCampaignId) -> Result<()> {
    if on.rules.is_simulated { Ok(()) } else { telegram_account::require_usable(on, id).await }
}

/// PostgreSQL: other campaigns go on meanwhile, so it is one transaction.
async fn at_once(on: &Services, actor: &Actor, message: &Message, freeze: Freeze) -> Result<Started> {
    let id = freeze.campaign;
    let freeze = &freeze;
    let started = on.write(actor, |w| async move {
        let mut freeze = freeze.clone();
        // Else a channel could be deleted, or leave the batch, while it becomes a job.
        let batch = batch::Entity::hold(&w, freeze.batch).await?;
        if is_large(on, &batch, &freeze) {
            let begun = start_large::begin(&w, message, &freeze, batch.channel_count).await?;
            return Ok(Started::Later(begun));
        }
        while freeze.extend(&w, i32::MAX).await? {}
        transition::may_enter(&w, id, CampaignStatus::Running).await?;
        run(&w, message, &freeze).await.map(Started::Now)
    });
    let started = started.await?;
    if matches!(started, Started::Later(_)) {
        return Ok(started);
    }
    // Nobody waits for it: it has started all the same.
    let db = on.db.clone();
    tokio::spawn(async move {
        if let Err(error) = db.analyze("jobs").await {
            tracing::warn!(campaign = %id, ?error, "the first claims of a campaign may be slow");
        }
    });
    Ok(started)
}

/// SQLite has one writer: chunk by chunk, in a state of its own that a crash leaves behind and [`undo_interrupted`] finds.
async fn in_chunks(on: &Services, actor: &Actor, message: &Message, freeze: Freeze) -> Result<Started> {
    let id = freeze.campaign;
    let first = &freeze;
    let later = on.write(actor, |w| async move {
        let batch = batch::Entity::hold(&w, first.batch).await?;
        if is_large(on, &batch, first) {
            return start_large::begin(&w, message, first, batch.channel_count).await.map(Some);
        }
        transition::may_enter(&w, id, CampaignStatus::Running).await?;
        progress::Entity::mark(&w, id, ProgressStatus::Starting).await?;
        Ok(None)
    });
    if let Some(campaign) = later.await? {
        return Ok(Started::Later(campaign));
    }
    let started = match freeze_in_chunks(on, freeze).await {
        Ok(freeze) => {
            let freeze = &freeze;
            on.write(actor, |w| async move { run(&w, message, freeze).await }).await
        }
        Err(error) => Err(error),
    };
    if started.is_err()
        && let Err(error) = undo(on, id).await
    {
        tracing::warn!(campaign = %id, ?error, "an interrupted start cannot be taken back yet");
        tokio::spawn(undo_later(on.clone(), id));
    }
    started.map(Started::Now)
}

async fn freeze_in_chunks(on: &Services, mut freeze: Freeze) -> Result<Freeze> {
    loop {
        let so_far = &freeze;
        let extended = on.system_write(|w| async move {
            let mut next = so_far.clone();
            let more = next.extend(&w, CHUNK).await?;
            Ok((next, more))
        });
        let (next, more) = extended.await?;
        freeze = next;
        if !more {
            return Ok(freeze);
        }
    }
}

/// The last writes: the message's copy, the state, the audit line.
pub(super) async fn run(w: &Write, message: &Message, freeze: &Freeze) -> Result<campaign::Model> {
    if freeze.jobs == 0 {
        return Err(Error::invalid("id", "the batch has no active channels"));
    }
    freeze.finish(w).await?;
    let started = transition::enter(w, freeze.campaign, CampaignStatus::Running, |row| campaign::Model {
        content: Some(message.content.clone()),
        parse_mode: Some(message.parse_mode),
        media_type: message.media_type,
        media_url: message.media_url.clone(),
        media_upload_id: message.media_upload_id,
        started_at: Some(w.now),
        ..row
    });
    let started = started.await?;
    w.tell(Event::Work(started.id));
    w.tell(Event::Campaign(started.id));
    let metadata = json!({ "totalJobs": freeze.jobs, "mode": started.mode });
    w.note(Action::CampaignStarted, started.id, metadata).await?;
    Ok(started)
}

/// Takes back a start that did not come to its end.
async fn undo(on: &Services, id: BroadcastCampaignId) -> Result<()> {
    while on.system_write(|w| async move { remove_jobs(&w, id, CHUNK).await }).await? > 0 {}
    on.system_write(|w| async move { progress::Entity::mark(&w, id, ProgressStatus::Queued).await }).await
}

/// Takes a start back as soon as the database lets it.
async fn undo_later(on: Services, id: BroadcastCampaignId) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match undo(&on, id).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(campaign = %id, ?error, "still not"),
        }
    }
}

/// Takes back the starts that a crash interrupted, but for those that a task goes on with. Only for SQLite, and only before anything
/// else runs on it.
pub async fn undo_interrupted(on: &Services) -> Result<()> {
    let interrupted = progress::Entity::find().filter(progress::Column::Status.eq(ProgressStatus::Starting));
    let interrupted = interrupted.all(on.db.reader()).await?;
    for row in interrupted {
        let going_on = task::Entity::unfinished_about(TaskKind::StartBroadcastCampaign, row.campaign_id.uuid());
        if going_on.one(on.db.reader()).await?.is_some() {
            continue;
        }
        tracing::warn!(campaign = %row.campaign_id, "the start of a campaign was interrupted and is taken back");
        undo(on, row.campaign_id).await?;
    }
    Ok(())
}

/// Starts the campaigns whose instant has come; those overdue by more than the limit are marked as missed.
pub async fn fire_schedules(on: &Services) -> Result<()> {
    let now = on.now();
    for due in campaign::Entity::due(now).all(on.db.reader()).await? {
        let lateness = due.scheduled_at.map_or(chrono::TimeDelta::zero(), |at| now - at);
        let result = if lateness.to_std().is_ok_and(|late| late > on.rules.late_limit) {
            miss(on, &due, "it was overdue by more than the late limit").await
        } else {
            start(on, &Actor::system(), due.id).await.map(drop)
        };
        match result {
            // Another process was first, or it was cancelled meanwhile.
            Err(Error::Conflict(_) | Error::Transition(_)) => {}
            Err(error @ (Error::Invalid(_) | Error::Precondition(_) | Error::NotFound(_))) => {
                miss(on, &due, &error.to_string()).await?;
            }
            other => other?,
        }
    }
    Ok(())
}

async fn miss(on: &Services, due: &campaign::Model, why: &str) -> Result<()> {
    on.system_write(|w| async move {
        let old = w.require(due.id).await?;
        if old.status != CampaignStatus::Queued || old.schedule_missed_at.is_some() {
            return Ok(());
        }
        note_missed(&w, &old, why).await
    })
    .await
}

/// Gives the schedule of a campaign up, which the caller has locked.
pub(super) async fn note_missed(w: &Write, old: &campaign::Model, why: &str) -> Result<()> {
    let (schedule_missed_at, schedule_missed_reason) = (Some(w.now), Some(why.to_owned()));
    w.replace(old, campaign::Model { schedule_missed_at, schedule_missed_reason, ..old.clone() }).await?;
    w.tell(Event::Campaign(old.id));
    let metadata = json!({ "name": old.name, "reason": why, "scheduledAt": old.scheduled_at });
    w.note(Action::CampaignScheduleMissed, old.id, metadata).await
}
