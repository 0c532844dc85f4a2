//! Does tasks, a chunk of each in turns. Any process may: the row of a task belongs to whoever is at its chunk.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{asker, give_up, kinds};
use crate::{Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::TaskId;
use domain::task::TaskStatus;
use domain::text::brief;
use events::Event;
use storage::db::patiently;
use storage::task::{Entity, Model};

/// How often tasks are looked for that nobody told of, and how long one that can't go on is left alone.
const LOOK: Duration = Duration::from_secs(2);

/// What a turn of a task has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is more to do.
    Over,
    /// The task has ended.
    Ended,
    /// It has ended before, or somebody else is at it.
    Elsewhere,
}

/// Does tasks as they come, until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let mut events = on.events.subscribe();
    while !stop.is_cancelled() {
        // What was told before is found by looking.
        events.forget();
        if let Err(error) = run_pending(&on, &stop).await {
            tracing::warn!(error = ?error, "tasks have to wait");
        }
        tokio::select! {
            () = events.until(LOOK, |event| matches!(event, Event::Task(_))) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does all tasks that have not ended, those too that another process left, until none of them gets on. With `stop` it returns after
/// the present chunk.
///
/// # Errors
/// The database is away: to be called again, it goes on where it stopped.
pub async fn run_pending(on: &Services, stop: &CancellationToken) -> Result<()> {
    let mut resting = HashSet::new();
    loop {
        let mut gets_on = false;
        for (id, kind) in Entity::waiting(on.db.reader()).await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            if resting.contains(&id) {
                continue;
            }
            let turn = if kind.ends_at_once() { patiently(step(on, id)).await } else { step(on, id).await };
            match turn {
                Ok(turn) => gets_on |= turn != Turn::Elsewhere,
                Err(error) => {
                    tracing::warn!(task = %id, error = ?error, "a task has to wait");
                    resting.insert(id);
                }
            }
        }
        if !gets_on {
            return Ok(());
        }
    }
}

/// Does the next chunk of a task. What makes the task impossible ends it, and is taken back.
///
/// # Errors
/// It can't go on for now: the database or the disk is away, or what it has done can't be taken back yet.
pub(super) async fn step(on: &Services, id: TaskId) -> Result<Turn> {
    let done = on.system_write(|w| async move {
        let Some(row) = Entity::claim(&w, id).await? else { return Ok((Turn::Elsewhere, None)) };
        let asked = w.by(asker::actor(&row.asker)?);
        w.tell(Event::Task(id));
        match row.ends_as {
            Some(ends_as) => Ok((take_back(on, &asked, &row, ends_as).await?, None)),
            None => Ok((go_on(on, &asked, &row).await?, Some(row.kind))),
        }
    });
    match done.await {
        Ok((Turn::Ended, Some(kind))) => {
            if let Err(error) = kinds::after(on, kind).await {
                tracing::warn!(task = %id, ?error, "what follows a task has failed");
            }
            Ok(Turn::Ended)
        }
        Ok((turn, _)) => Ok(turn),
        Err(error) if is_passing(&error) => Err(error),
        Err(error) => fail(on, id, error).await,
    }
}

/// Whether the same chunk may succeed later.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Unavailable(_) | Error::Timeout => true,
        Error::Shared(error) => is_passing(error),
        _ => false,
    }
}

async fn go_on(on: &Services, w: &Write, row: &Model) -> Result<Turn> {
    let chunk = kinds::chunk(on, w, row).await?;
    let (status, completed_at) =
        if chunk.is_through { (TaskStatus::Completed, Some(w.now)) } else { (TaskStatus::Running, None) };
    let started_at = row.started_at.or(Some(w.now));
    let total = if chunk.is_through { Some(chunk.done) } else { row.total };
    let new = Model { status, done: chunk.done, total, cursor: chunk.cursor, started_at, completed_at, ..row.clone() };
    w.replace(row, new).await?;
    Ok(if chunk.is_through { Turn::Ended } else { Turn::Over })
}

async fn take_back(on: &Services, w: &Write, row: &Model, ends_as: TaskStatus) -> Result<Turn> {
    if !kinds::take_back(on, w, row).await? {
        // That it goes on being taken back can be seen by its version.
        let new = Model { status: TaskStatus::Running, version: row.version + 1, ..row.clone() };
        w.replace(row, new).await?;
        return Ok(Turn::Over);
    }
    w.replace(row, Model { status: ends_as, ends_as: None, completed_at: Some(w.now), ..row.clone() }).await?;
    if ends_as == TaskStatus::Failed {
        let metadata = json!({ "kind": row.kind, "done": row.done, "total": row.total, "error": row.error });
        w.note(Action::TaskFailed, row.id, metadata).await?;
    }
    Ok(Turn::Ended)
}

/// The task can't be done, for the reason `error`: what was done of it will be taken back. One that has to come to its end is tried
/// again later.
async fn fail(on: &Services, id: TaskId, error: Error) -> Result<Turn> {
    let why = &match &error {
        Error::Invalid(violations) => {
            brief(violations.iter().map(|wrong| wrong.message.as_str()).collect::<Vec<_>>().join("; "))
        }
        told => brief(told.to_string()),
    };
    let given_up = on.system_write(|w| async move {
        let old = w.require(id).await?;
        if old.status.has_ended() || old.ends_as.is_some() || old.kind.why_it_must_end().is_some() {
            return Ok(false);
        }
        give_up(&w, &old, TaskStatus::Failed, Some(why.clone())).await?;
        Ok(true)
    });
    if !given_up.await? {
        // It has to come to its end, or was being taken back: that has to succeed some day.
        return Err(error);
    }
    if matches!(error, Error::Internal(_)) {
        tracing::error!(error = ?error, task = %id, "a task failed");
    }
    Ok(Turn::Over)
}
