//! What an admin looks at when something is the matter: who is signed in, what sends, and what keeps the database busy.

use super::session::Session;
use super::statement::Statement;
use super::task::Task;
use super::worker::Worker;
use crate::prelude::*;
use domain::id::UserId;
use sea_orm::QueryOrder;
use storage::access::session;
use storage::broadcast::sender;
use storage::db::slow;
use storage::task;

/// What Herald is doing, in all its processes.
#[derive(Description)]
pub struct Admin;

/// Which sessions are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct SessionFilter {
    /// Of this user; left out: the sessions of everybody.
    user_id: Option<ID>,
}

#[Object(use_type_description)]
impl Admin {
    /// The sessions that have not ended, of all users, the latest first. API tokens are none: see `apiTokens`.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which sessions.")] filter: Option<SessionFilter>,
    ) -> Result<Option<Connection<Session>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let SessionFilter { user_id } = filter.unwrap_or_default();
        let user = user_id.argument::<UserId>("filter.userId")?;
        let select = session::SessionFilter { user }.cut(session::Entity::live(ctx.services().now()));
        Connection::read(ctx, select, Sort::by_id().descending(true), &args).await.map(Some)
    }

    /// The processes that send, or are drained, the oldest first.
    async fn workers(&self, ctx: &Context<'_>) -> Result<Vec<Worker>> {
        let rows = sender::Entity::working().order_by_asc(sender::Column::Id).all(ctx.services().db.reader()).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The statements of the database that take longer than a second: those that run now, the longest first, and then those that this
    /// process has run since its start, the latest first. None of them has values.
    async fn statements(&self, ctx: &Context<'_>) -> Result<Vec<Statement>> {
        let mut all: Vec<Statement> =
            slow::running(ctx.services().db.reader()).await?.into_iter().map(Statement).collect();
        all.extend(slow::remembered().into_iter().map(Statement));
        Ok(all)
    }

    /// The tasks that have not ended, the oldest first; at most 100 of them. All there are, those too that have ended: see the query
    /// `tasks`.
    async fn tasks(&self, ctx: &Context<'_>) -> Result<Vec<Task>> {
        use sea_orm::QuerySelect;
        let waiting = task::Entity::unfinished().order_by_asc(task::Column::Id).limit(100);
        Ok(waiting.all(ctx.services().db.reader()).await?.into_iter().map(Into::into).collect())
    }
}

/// Reads what Herald is doing.
#[derive(Default)]
pub struct AdminOverviewQuery;

#[Object]
impl AdminOverviewQuery {
    /// What Herald is doing: who is signed in, which processes send, and what keeps the database busy.
    #[graphql(directive = requires::apply(Permission::Administer))]
    async fn admin(&self) -> Admin {
        Admin
    }
}
