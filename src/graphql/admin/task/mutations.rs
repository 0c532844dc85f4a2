//! Ending tasks.

use crate::prelude::*;
use ::service::tasks as service;

/// Which task is to be cancelled.
#[derive(InputObject)]
struct CancelTaskInput {
    /// Which task.
    id: ID,
}

/// The task that was cancelled.
#[derive(SimpleObject)]
struct CancelTaskPayload {
    /// The task. It is CANCELLED now, or will be once what was done of it is taken back.
    task: Task,
}

/// Ends tasks.
#[derive(Default)]
pub struct TaskMutation;

#[Object]
impl TaskMutation {
    /// Cancels a task: nothing more of it is done after the answer. What must not be left half done is taken back, if need be behind
    /// the answer: a campaign that was being started is QUEUED again. A second time changes nothing.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn cancel_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task.")] input: CancelTaskInput,
    ) -> Result<CancelTaskPayload> {
        let id = input.id.input("id")?;
        let task = service::cancel(ctx.services(), &ctx.actor(), id).boxed().await?;
        Ok(CancelTaskPayload { task: task.into() })
    }
}
