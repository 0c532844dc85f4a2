//! Deleting what large tables name: a campaign with half a million contacts, a sequence with its enrollments, a script. It is gone at
//! once, for everybody; where more rows name it than a request can wait for, a task loosens it from them, and removes it last.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::tasks::{self, Chunk, New, read, written};
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::{NounId, RetentionCampaignId, RetentionSequenceId, ScriptId, TaskId};
use domain::task::TaskKind;
use events::Event;
use storage::retention::ties::{self, Gone};
use storage::task;

/// Rows that PostgreSQL loosens in one transaction.
const LARGE_CHUNK: i32 = 5_000;
/// Rows that SQLite loosens in one transaction: meanwhile nobody else writes.
const CHUNK: i32 = 1_000;

/// How far the task is.
#[derive(Serialize, Deserialize, Default)]
struct Place {
    at: usize,
}

const fn kind(what: Gone) -> TaskKind {
    match what {
        Gone::Campaign(_) => TaskKind::DeleteRetentionCampaign,
        Gone::Sequence(_) => TaskKind::DeleteRetentionSequence,
        Gone::Script(_) => TaskKind::DeleteScript,
    }
}

/// What a task removes.
fn gone(row: &task::Model) -> Result<Gone> {
    let id = row.subject_id;
    match row.kind {
        TaskKind::DeleteRetentionCampaign => Ok(Gone::Campaign(RetentionCampaignId::from_uuid(id))),
        TaskKind::DeleteRetentionSequence => Ok(Gone::Sequence(RetentionSequenceId::from_uuid(id))),
        TaskKind::DeleteScript => Ok(Gone::Script(ScriptId::from_uuid(id))),
        other => Err(Error::internal(anyhow::anyhow!("a task {other} deletes nothing"))),
    }
}

/// Deletes what the caller has locked, or has it vanish and begins the task that does. The audit line is the caller's.
pub(super) async fn begin(on: &Services, w: &Write, what: Gone) -> Result<Option<TaskId>> {
    let count = ties::count(w, what).await?;
    let is_small = count.is_exact && count.rows <= i64::from(on.rules.at_once);
    if is_small && !ties::is_held(w, what).await? {
        ties::remove(w, what).await?;
        return Ok(None);
    }
    ties::hide(w, what, w.now).await?;
    w.tell(Event::Report);
    go_on(w, kind(what), what.id(), count.is_exact.then_some(count.rows)).await.map(Some)
}

/// Begins the task that removes what is not there any more.
pub(crate) async fn go_on(w: &Write, kind: TaskKind, subject: Uuid, total: Option<i64>) -> Result<TaskId> {
    let new = New { kind, subject, total, input: json!({}), cursor: written(&Place::default())? };
    Ok(tasks::begin(w, new).await?.id)
}

/// What the mutation answers of the task, which is through by then if it can be.
pub(super) async fn soon(on: &Services, begun: Option<TaskId>) -> Result<Option<task::Model>> {
    match begun {
        Some(id) => tasks::soon(on, id).await.map(Some),
        None => Ok(None),
    }
}

/// Loosens it from the next rows. After the last ones it goes itself.
pub(crate) async fn chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let (what, Place { at }) = (gone(row)?, read(&row.cursor)?);
    let some = ties::loosen(w, what, at, tasks::chunk(on, LARGE_CHUNK, CHUNK).into()).await?;
    if some.is_all {
        if ties::is_held(w, what).await? {
            let why = anyhow::anyhow!("an A/B test of what was deleted before it has it still");
            return Err(Error::Unavailable(why));
        }
        ties::remove(w, what).await?;
        w.tell(Event::Report);
    }
    let cursor = written(&Place { at: some.place })?;
    Ok(Chunk { done: row.done + some.rows, cursor, is_through: some.is_all })
}
