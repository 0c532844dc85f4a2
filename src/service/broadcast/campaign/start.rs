//! Starting: everything is checked, the message is copied, the audience becomes jobs (R21, R23).

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::audience::Preflight;
use super::transition;
use crate::broadcast::telegram_account;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::{CampaignMode, CampaignStatus, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::Noun;
use storage::broadcast::queue::freeze::{Freeze, remove_jobs};
use storage::broadcast::{batch, campaign, progress, queue, template};

/// Jobs that SQLite makes in one transaction: about 40 ms, so that other writers get their turn.
const CHUNK: i32 = 5_000;

/// Starts a campaign. Returns when its jobs are there and workers have been told.
///
/// # Errors
/// [`Error::Invalid`] with everything that is wrong with its message or audience.
pub async fn start(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<campaign::Model> {
    let found = campaign::Entity::get(on.db.reader(), id).await?;
    if !found.status.next().contains(&CampaignStatus::Running) || found.status != CampaignStatus::Queued {
        return Err(Error::transition("campaign", found.status, CampaignStatus::Running));
    }
    require_same_world(on, &found)?;
    require_accounts(on, id).await?;
    let message = template::Entity::get(on.db.reader(), found.template_id).await?;
    Preflight::of_start(&found, &message)?.check(on).await?;
    let most = if found.mode == CampaignMode::Test { found.test_limit } else { i32::MAX };
    let freeze = Freeze::new(id, found.batch_id, queue::new_key(), on.now(), most);
    let freeze = Freeze { sought_since: found.doubted_since, ..freeze };
    if on.db.is_postgres() {
        return at_once(on, actor, &message, freeze).await;
    }
    // In a task of its own: a caller who stops waiting must not leave it half started.
    let (on, actor) = (on.clone(), actor.clone());
    let task = tokio::spawn(async move { in_chunks(&on, &actor, &message, freeze).await });
    task.await.map_err(Error::internal)?
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
async fn at_once(on: &Services, actor: &Actor, message: &template::Model, freeze: Freeze) -> Result<campaign::Model> {
    let id = freeze.campaign;
    let freeze = &freeze;
    let started = on.write(actor, |w| async move {
        let mut freeze = freeze.clone();
        // Else a channel could be deleted, or leave the batch, while it becomes a job.
        batch::Entity::hold(&w, freeze.batch).await?;
        while freeze.extend(&w, i32::MAX).await? {}
        transition::may_enter(&w, id, CampaignStatus::Running).await?;
        run(&w, message, &freeze).await
    });
    let started = started.await?;
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
async fn in_chunks(on: &Services, actor: &Actor, message: &template::Model, freeze: Freeze) -> Result<campaign::Model> {
    let id = freeze.campaign;
    on.write(actor, |w| async move {
        transition::may_enter(&w, id, CampaignStatus::Running).await?;
        progress::Entity::mark(&w, id, ProgressStatus::Starting).await
    })
    .await?;
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
    started
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
async fn run(w: &Write, message: &template::Model, freeze: &Freeze) -> Result<campaign::Model> {
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

/// Takes back the starts that a crash interrupted. Only for SQLite, and only before anything else runs on it.
pub async fn undo_interrupted(on: &Services) -> Result<()> {
    let interrupted = progress::Entity::find().filter(progress::Column::Status.eq(ProgressStatus::Starting));
    let interrupted = interrupted.all(on.db.reader()).await?;
    for row in interrupted {
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
