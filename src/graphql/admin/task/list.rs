//! Reading and watching tasks.

use futures_util::{Stream, StreamExt};

use crate::engine::id as ids;
use crate::prelude::*;
use ::service::tasks::Watch;
use domain::task::{TaskKind, TaskStatus};
use storage::task;

/// Which tasks are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct TaskFilter {
    /// In one of these states.
    statuses: Option<Vec<TaskStatus>>,
    /// Of one of these kinds.
    kinds: Option<Vec<TaskKind>>,
    /// About what has this id, such as a campaign's.
    subject_id: Option<ID>,
}

impl TaskFilter {
    fn read(self) -> Result<task::TaskFilter> {
        let Self { statuses, kinds, subject_id } = self;
        let wrong =
            || Violation { path: vec!["filter".into(), "subjectId".into()], message: "this is not an id".into() };
        let subject = subject_id.map(|id| ids::decode(&id).ok_or_else(|| Error::Invalid(vec![wrong()]))).transpose()?;
        Ok(task::TaskFilter {
            statuses: statuses.map(each),
            kinds: kinds.map(each),
            subject: subject.map(|(_, uuid)| uuid),
        })
    }
}

/// Reads tasks.
#[derive(Default)]
pub struct TaskQuery;

#[Object]
impl TaskQuery {
    /// The tasks of the last 90 days, the latest first: those that wait or run, and how the others ended.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which tasks.")] filter: Option<TaskFilter>,
    ) -> Result<Option<Connection<Task>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().read()?.cut(task::Entity::all());
        Connection::read(ctx, select, Sort::by_id().descending(true), &args).await.map(Some)
    }

    /// The task with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn task(&self, ctx: &Context<'_>, #[graphql(desc = "The task's id.")] id: ID) -> Result<Option<Task>> {
        Task::by_argument(ctx, &id).await
    }
}

/// Watches tasks.
#[derive(Default)]
pub struct TaskSubscription;

#[Subscription]
impl TaskSubscription {
    /// How far a task is: at first as it is now, then each change, at last how it ended; then complete.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn task_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<Task>> + use<>> {
        let progress = ctx.data_unchecked::<Watch>().progress(id.argument("id")?).await?;
        Ok(progress.map(|row| Ok(row?.into())))
    }
}
