//! Tasks: work over more rows than a request can wait for. The row says how far a task is, and is written in the transaction of each
//! chunk: whoever holds it is the only one at work, and where it was cut off, the next one goes on.

#![expect(missing_docs, reason = "the names of columns say what they hold; the API describes each that it shows")]

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{DeleteMany, QueryOrder, QuerySelect};

use crate::noun::noun;
use domain::error::Result;
use domain::id::{TaskId, UserId};
use domain::task::{TaskKind, TaskStatus};

/// A task.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    pub kind: TaskKind,
    /// What it is about; nil where it is about nothing in particular.
    pub subject_id: Uuid,
    pub status: TaskStatus,
    /// How it will have ended once what was done of it is taken back; None while it goes on.
    pub ends_as: Option<TaskStatus>,
    /// Rows that are done.
    pub done: i64,
    /// Rows that there are to be done, as far as is known.
    pub total: Option<i64>,
    /// What it was asked for with.
    pub input: Json,
    /// Where the next chunk begins.
    pub cursor: Json,
    /// In whose name it is done.
    pub asker: Json,
    /// Why it has failed, or is being taken back.
    pub error: Option<String>,
    pub created_by_id: Option<UserId>,
    pub created_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    /// When it ended, in whatever way.
    pub completed_at: Option<DateTimeUtc>,
    /// Rises with every change, so that subscribers can tell old from new.
    pub version: i32,
}

crate::rows::row!(
    id, kind, subject_id, status, done, input, cursor, asker, created_at, version;
    ends_as, total, error, created_by_id, started_at, completed_at,
);

joins_nothing!();

noun!(TaskId);

impl Entity {
    /// Tasks that have not ended.
    pub fn unfinished() -> Select<Self> {
        Self::find().filter(Column::CompletedAt.is_null())
    }

    /// Those that have not ended, the oldest first.
    pub async fn waiting(db: &impl ConnectionTrait) -> Result<Vec<(TaskId, TaskKind)>> {
        let ids = Self::unfinished().select_only().columns([Column::Id, Column::Kind]).order_by_asc(Column::Id);
        Ok(ids.into_tuple().all(db).await?)
    }

    /// The one of a kind about `subject` that has not ended.
    pub fn unfinished_about(kind: TaskKind, subject: Uuid) -> Select<Self> {
        Self::unfinished().filter(Column::Kind.eq(kind)).filter(Column::SubjectId.eq(subject))
    }

    /// The tasks of a kind about `subject`, the latest first.
    pub fn about(kind: TaskKind, subject: Uuid) -> Select<Self> {
        Self::find().filter(Column::SubjectId.eq(subject)).filter(Column::Kind.eq(kind)).order_by_desc(Column::Id)
    }

    /// Locks a task that has not ended for its next chunk. None: it has ended, or somebody else is at it.
    pub async fn claim(tx: &impl ConnectionTrait, id: TaskId) -> Result<Option<Model>> {
        let row = Self::unfinished().filter(Column::Id.eq(id));
        Ok(row.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).one(tx).await?)
    }

    /// Removes tasks that ended before `until`.
    pub fn forget(until: DateTimeUtc) -> DeleteMany<Self> {
        Self::delete_many().filter(Column::CompletedAt.lt(until))
    }
}

crate::filter::filter! {
    /// Which tasks are wanted.
    TaskFilter of Entity {
        statuses: Vec<TaskStatus> => |statuses| Column::Status.is_in(statuses),
        kinds: Vec<TaskKind> => |kinds| Column::Kind.is_in(kinds),
        subject: Uuid => |id| Column::SubjectId.eq(id),
    }
}
