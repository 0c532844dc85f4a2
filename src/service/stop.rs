//! The stop of everything, and its end: no send of any sort starts in between, in no process.
//!
//! Nothing else changes: campaigns and sequences keep their states, so that what was paused before is paused afterwards, and
//! what ran goes on exactly where it was.

use std::time::Duration;

use futures_util::{Stream, stream};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use crate::{Actor, Services, barrier};
use domain::audit::{Action, Subject};
use domain::broadcast::ProgressStatus;
use domain::error::{Error, Result, Violations};
use domain::retention::words::RetentionSequenceStatus;
use domain::text::{self, Bounds};
use events::Event;
use storage::broadcast::progress;
use storage::retention::sequence;
use storage::stop::{Entity, Model};

/// Who watches looks by himself as often: an event may get lost, and the command line tells none where there is no Redis.
const LOOK: Duration = Duration::from_secs(2);

/// Stops everything. No send starts after this has returned: messages to channels and letters, simulated or not, emails, text
/// messages, calls and webhooks. What was handed over before comes to its end. Where everything is stopped already, that stop
/// and its reason stay.
///
/// # Errors
/// [`Error::Invalid`] unless `reason` says something, in 200 characters at most.
pub async fn stop_all(on: &Services, actor: &Actor, reason: &str) -> Result<Model> {
    let mut wrong = Violations::default();
    let reason = &wrong.take("reason", text::line(reason, Bounds::NAME));
    wrong.into_result()?;
    let stopped = on.write(actor, |w| async move {
        Entity::begin(&w, reason, w.actor.who.user(), w.now).await?;
        w.tell(Event::Stop);
        w.note(Action::EverythingStopped, Subject::NONE, json!({ "reason": reason })).await?;
        Entity::present(&w).await?.ok_or_else(|| Error::internal(anyhow::anyhow!("the stop was not kept")))
    });
    let stopped = stopped.await?;
    // R5: every start that was claimed before the commit is over then.
    barrier::wait(on).await;
    tracing::warn!(reason = stopped.reason, "everything is stopped: nothing is sent");
    Ok(stopped)
}

/// Lets everything go on. False if nothing was stopped.
///
/// # Errors
/// [`Error::Precondition`] if nothing would go on, because the database is damaged.
pub async fn resume_all(on: &Services, actor: &Actor) -> Result<bool> {
    if let Some(damage) = on.health.damage() {
        return Err(Error::Precondition(format!(
            "the database is damaged ({damage}): nothing is sent from it; restore a backup, or see the manual"
        )));
    }
    let was_stopped = on.write(actor, |w| async move {
        let was_stopped = Entity::end(&w).await?;
        if was_stopped {
            w.tell(Event::Stop);
            w.note(Action::EverythingResumed, Subject::NONE, json!({})).await?;
        }
        Ok(was_stopped)
    });
    let was_stopped = was_stopped.await?;
    if was_stopped {
        tracing::warn!("everything goes on");
    }
    Ok(was_stopped)
}

/// The stop that holds; None if nothing is stopped.
pub async fn present(on: &Services) -> Result<Option<Model>> {
    Entity::present(on.db.reader()).await
}

/// The stop that holds at first, None if nothing is stopped, and then each change of it.
pub fn follow(on: Services) -> impl Stream<Item = Option<Model>> + use<> {
    // Subscribed first, read second: what comes in between is seen.
    let events = on.events.subscribe();
    stream::unfold((on, events, None), async |(on, mut events, mut last)| {
        loop {
            match present(&on).await {
                Ok(stop) if last.as_ref() == Some(&stop) => {
                    events.until(LOOK, |event| event == Event::Stop).await;
                }
                Ok(stop) => {
                    last = Some(stop.clone());
                    return Some((stop, (on, events, last)));
                }
                Err(error) => {
                    tracing::debug!(%error, "whether everything is stopped can't be read");
                    on.clock.sleep(LOOK).await;
                }
            }
        }
    })
}

/// Refuses what would make others send while everything is stopped.
///
/// # Errors
/// [`Error::Precondition`] with the reason of the stop.
pub async fn require_none(on: &Services) -> Result<()> {
    match present(on).await? {
        Some(stop) => Err(Error::Precondition(format!("everything is stopped ({}): resumeAll first", stop.reason))),
        None => Ok(()),
    }
}

/// How many broadcast campaigns and sequences run, as far as they themselves are concerned.
pub async fn running(on: &Services) -> Result<(u64, u64)> {
    let campaigns = progress::Entity::find().filter(progress::Column::Status.eq(ProgressStatus::Running));
    let sequences = sequence::Entity::find().filter(sequence::Column::Status.eq(RetentionSequenceStatus::Active));
    Ok((campaigns.count(on.db.reader()).await?, sequences.count(on.db.reader()).await?))
}
