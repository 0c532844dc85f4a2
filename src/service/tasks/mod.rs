//! Tasks: what touches more rows than a request can wait for is asked for by it, and done behind its answer.
//!
//! A task is done in chunks, each in a transaction of its own that begins by locking the task's row and ends by writing how far it is
//! into it. So one process at a time works on it; a chunk is done once, however often it is begun; and where a process was cut off,
//! any other goes on. Tasks take turns, a chunk each. What can't be left half done is taken back, in chunks too, when it fails or is
//! cancelled. What a new kind needs: its word in [`domain::task`], and its lines in [`kinds`].

mod asker;
mod kinds;
mod runner;
mod watch;

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{EntityTrait, IntoActiveModel, QueryOrder, QuerySelect};
use serde::Serialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

pub use self::runner::{run, run_pending};
pub use self::watch::Watch;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::TaskId;
use domain::task::{TaskKind, TaskStatus};
use domain::violation::OnUnique;
use events::Event;
use storage::Noun;
use storage::task::{self, Model};

/// Rows that a mutation touches itself, before it answers; more are a task. See [`Rules::at_once`](crate::Rules::at_once).
pub const AT_ONCE: i32 = 10_000;
/// How much of a task is done before the mutation answers: many are through by then.
const SOON: Duration = Duration::from_millis(400);
/// How often a mutation looks whether others, who are at it, are through.
const LOOK: Duration = Duration::from_millis(20);
/// How long tasks that have ended are kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// What is to be done.
#[derive(Debug)]
pub struct New {
    /// What a task of this kind does.
    pub kind: TaskKind,
    /// What it is about; nil for nothing in particular.
    pub subject: Uuid,
    /// Rows that there are to be done, as far as is known.
    pub total: Option<i64>,
    /// What it was asked for with.
    pub input: Json,
    /// Where it begins.
    pub cursor: Json,
}

/// What a chunk has come to.
#[derive(Debug)]
pub struct Chunk {
    /// Rows that are done, with those of the chunks before.
    pub done: i64,
    /// Where the next one begins.
    pub cursor: Json,
    /// Whether there is no next one.
    pub is_through: bool,
}

/// Asks for a task, in the transaction of a mutation and in its actor's name. After the commit it is begun.
///
/// # Errors
/// [`Error::Transition`] while another one of its kind is at the same.
pub async fn begin(w: &Write, new: New) -> Result<Model> {
    let New { kind, subject, total, input, cursor } = new;
    let row = Model {
        id: TaskId::generate(),
        kind,
        subject_id: subject,
        status: TaskStatus::Queued,
        ends_as: None,
        done: 0,
        total,
        input,
        cursor,
        asker: asker::of(&w.actor)?,
        error: None,
        created_by_id: w.actor.who.user(),
        created_at: w.now,
        started_at: None,
        completed_at: None,
        version: 1,
    };
    let made = task::Entity::insert(row.clone().into_active_model()).exec_without_returning(w).await;
    made.on_any_unique(at_the_same)?;
    w.tell(Event::Task(row.id));
    Ok(row)
}

/// Does as much of a task as a mutation may wait for; whatever is left then, the loop does. Returns the task as it is by then.
///
/// # Errors
/// The database is away.
pub async fn soon(on: &Services, id: TaskId) -> Result<Model> {
    within(on, id, SOON).await
}

/// [`soon`], for as long as `patience`.
pub(crate) async fn within(on: &Services, id: TaskId, patience: Duration) -> Result<Model> {
    let until = on.clock.monotonic() + patience;
    loop {
        let turn = runner::step(on, id).await;
        let row = task::Entity::get(on.db.reader(), id).await?;
        if row.status.has_ended() || turn.is_err() || on.clock.monotonic() >= until {
            return Ok(row);
        }
        if matches!(turn, Ok(runner::Turn::Elsewhere)) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What is told while a task does the same.
pub(crate) fn at_the_same() -> Error {
    Error::Transition("the same is just being done, by a task that has not ended".into())
}

/// The latest task of a kind about `subject`.
///
/// # Errors
/// The database is away.
pub async fn latest(on: &Services, kind: TaskKind, subject: Uuid) -> Result<Option<Model>> {
    Ok(task::Entity::about(kind, subject).one(on.db.reader()).await?)
}

/// Ends a task before its time: nothing more of it is done after the answer. What can't be left half done is taken back, which may go
/// on behind the answer. A second time changes nothing.
///
/// # Errors
/// `NOT_FOUND`; [`Error::Transition`] if it has ended in another way; [`Error::Precondition`] if it has to come to its end.
pub async fn cancel(on: &Services, actor: &Actor, id: TaskId) -> Result<Model> {
    let cancelled = on.write(actor, |w| async move {
        let old = w.require(id).await?;
        match (old.status, old.ends_as) {
            (TaskStatus::Cancelled, _) | (_, Some(TaskStatus::Cancelled)) => return Ok(false),
            (ended @ (TaskStatus::Completed | TaskStatus::Failed), _) | (_, Some(ended)) => {
                return Err(Error::transition("task", ended, TaskStatus::Cancelled));
            }
            (TaskStatus::Queued | TaskStatus::Running, None) => {}
        }
        if let Some(why) = old.kind.why_it_must_end() {
            return Err(Error::Precondition(why.into()));
        }
        give_up(&w, &old, TaskStatus::Cancelled, None).await?;
        w.note(Action::TaskCancelled, id, json!({ "kind": old.kind, "done": old.done, "total": old.total })).await?;
        Ok(true)
    });
    if cancelled.await? { soon(on, id).await } else { task::Entity::get(on.db.reader(), id).await }
}

/// No chunk of the locked task follows but those that take it back, until it has ended like this.
async fn give_up(w: &Write, old: &Model, ends_as: TaskStatus, why: Option<String>) -> Result<()> {
    let new = Model { ends_as: Some(ends_as), error: why, ..old.clone() };
    w.replace(old, new).await?;
    w.tell(Event::Task(old.id));
    Ok(())
}

/// Ends the task of a kind about `subject`, if one has not ended: the subject itself was ended. It is taken back.
pub(crate) async fn end_about(w: &Write, kind: TaskKind, subject: Uuid, why: &str) -> Result<Option<TaskId>> {
    let found = task::Entity::unfinished_about(kind, subject).lock_exclusive().one(w).await?;
    let Some(old) = found else { return Ok(None) };
    if old.ends_as.is_none() {
        give_up(w, &old, TaskStatus::Cancelled, Some(why.to_owned())).await?;
    }
    Ok(Some(old.id))
}

/// After a restore of the database: nothing that leads to sends goes on by itself, with the reason `why`. Doing it twice changes
/// nothing. Returns how many tasks were ended.
pub async fn doubt_all(on: &Services, why: &str) -> Result<usize> {
    on.system_write(|w| async move {
        let found = task::Entity::unfinished().order_by_asc(task::Column::Id).lock_exclusive().all(&w).await?;
        let mut ended = 0;
        for old in found.iter().filter(|row| row.kind.leads_to_sends() && row.ends_as.is_none()) {
            give_up(&w, old, TaskStatus::Failed, Some(why.to_owned())).await?;
            ended += 1;
        }
        Ok(ended)
    })
    .await
}

/// Forgets tasks that ended long ago.
///
/// # Errors
/// The database is away.
pub async fn sweep(on: &Services) -> Result<()> {
    on.system_write(|w| async move {
        task::Entity::forget(w.now - KEPT).exec(&w).await?;
        Ok(())
    })
    .await
}

/// How many rows one transaction of a task touches: so many on PostgreSQL, and so many on SQLite, where nobody else writes meanwhile.
pub(crate) fn chunk(on: &Services, postgres: i32, sqlite: i32) -> i32 {
    let chunk = if on.db.is_postgres() { postgres } else { sqlite };
    chunk.min(on.rules.at_once)
}

/// A part of a task's row that a kind has written.
pub(crate) fn read<T: serde::de::DeserializeOwned>(json: &Json) -> Result<T> {
    serde_json::from_value(json.clone()).map_err(Error::internal)
}

/// What [`read`] reads.
pub(crate) fn written(value: &impl Serialize) -> Result<Json> {
    serde_json::to_value(value).map_err(Error::internal)
}
