//! The stop of everything: one button for all that is sent.

use futures_util::{Stream, StreamExt};

use crate::prelude::*;
use crate::server::ServerInfo;
use ::service::stop as service;
use storage::stop;

/// A stop, as the API shows it.
pub struct Stop(stop::Model);

/// Nothing is sent, of any sort, until somebody resumes it.
#[Object]
impl Stop {
    /// What whoever did it said.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Since when.
    async fn at(&self) -> DateTime {
        self.0.stopped_at.into()
    }

    /// Who did it; null if it was done on the command line, and if your role may not see users.
    async fn by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user_id {
            Some(user) => User::if_visible(ctx, user).await,
            None => Ok(None),
        }
    }
}

impl From<stop::Model> for Stop {
    fn from(row: stop::Model) -> Self {
        Self(row)
    }
}

/// Stops everything.
#[derive(InputObject)]
struct StopAllInput {
    /// Why: everybody who looks sees it. 1 to 200 characters.
    reason: String,
}

/// What is stopped.
#[derive(SimpleObject)]
struct StopAllPayload {
    /// The stop that holds now: this one, or an earlier one that nobody has lifted.
    stop: Stop,
    /// The server, which says so to everybody.
    server_info: ServerInfo,
}

/// What goes on.
#[derive(SimpleObject)]
struct ResumeAllPayload {
    /// Whether anything had been stopped.
    has_resumed: bool,
    /// The server, which says so to everybody.
    server_info: ServerInfo,
}

/// Stops everything, and lets it go on.
#[derive(Default)]
pub struct StopMutation;

#[Object]
impl StopMutation {
    /// Stops all sends, in all processes: broadcasts, tests, letters and steps of sequences, whatever they go by. When this has
    /// answered, within a second, none starts any more. Campaigns and sequences keep their states: resumeAll undoes it as a
    /// whole. What was handed over before comes to its end, and deleting sent messages goes on.
    #[graphql(directive = requires::apply(Permission::StopEverything))]
    async fn stop_all(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Why it is done.")] input: StopAllInput,
    ) -> Result<StopAllPayload> {
        let stop = service::stop_all(ctx.services(), &ctx.actor(), &input.reason).await?;
        Ok(StopAllPayload { stop: stop.into(), server_info: ServerInfo::read(ctx.services()).await? })
    }

    /// Lets everything go on that stopAll has stopped, exactly where it was; what was paused before stays paused.
    #[graphql(directive = requires::apply(Permission::StopEverything))]
    async fn resume_all(&self, ctx: &Context<'_>) -> Result<ResumeAllPayload> {
        let has_resumed = service::resume_all(ctx.services(), &ctx.actor()).await?;
        Ok(ResumeAllPayload { has_resumed, server_info: ServerInfo::read(ctx.services()).await? })
    }
}

/// Watches whether everything is stopped.
#[derive(Default)]
pub struct StopSubscription;

#[Subscription]
impl StopSubscription {
    /// The server at first as it is now, then whenever everything was stopped or goes on.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn server_updated(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = async_graphql::Result<ServerInfo>> + use<>> {
        let on = ctx.services().clone();
        let told = service::follow(on.clone());
        Ok(told.map(move |told| Ok(ServerInfo::with(&on, told))))
    }
}
