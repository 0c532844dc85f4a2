//! Tasks, as they are shown: work that goes on behind the answer of a mutation.

use crate::prelude::*;
use domain::id::{self, TaskId};
use domain::task::{TaskKind, TaskStatus};
use storage::task;

pub mod list;
pub mod mutations;

/// Work over more rows than a request can wait for. The mutation that asked for it has answered; the task goes on behind it in chunks,
/// also if Herald is restarted. Nothing half done is ever taken for all of it: until the task is COMPLETED, a campaign that it starts
/// does not send.
#[derive(Description)]
pub struct Task(task::Model);

node!(Task: TaskId, task::Model);

#[Object(use_type_description)]
impl Task {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What it does.
    async fn kind(&self) -> TaskKind {
        self.0.kind
    }

    /// How far it is.
    async fn status(&self) -> TaskStatus {
        self.0.status
    }

    /// The id of what it is about, such as that of the campaign that it starts; null if it is about nothing in particular.
    async fn subject_id(&self) -> Option<ID> {
        let id = self.0.subject_id;
        (!id.is_nil()).then(|| ID(id::global(self.0.kind.subject(), id)))
    }

    /// Rows that are done.
    async fn done(&self) -> i32 {
        int(self.0.done)
    }

    /// Rows that there are to be done, as far as is known; null if it is not.
    async fn total(&self) -> Option<i32> {
        self.0.total.map(int)
    }

    /// Why it FAILED, or was ended without anybody's asking; null otherwise.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// Whether it has failed or was cancelled, and what was done of it is still being taken back: its status will say so then.
    async fn is_being_taken_back(&self) -> bool {
        self.0.ends_as.is_some()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it began; null if it waits.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When it ended, in whatever way; null if it has not.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(Into::into)
    }

    /// Who asked for it; null if Herald did so by itself, and if your role may not see users.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.created_by_id {
            Some(user) => User::if_visible(ctx, user).await,
            None => Ok(None),
        }
    }

    /// Rises with each change, so that an old state can be told from a new one.
    async fn version(&self) -> i32 {
        self.0.version
    }
}
