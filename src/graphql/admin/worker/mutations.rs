//! Draining processes.

use super::Worker;
use crate::prelude::*;
use ::service::broadcast::delivery::sender as service;

/// Which process is to be drained, or to go on.
#[derive(InputObject)]
struct DrainWorkerInput {
    /// Which process.
    id: ID,
    /// False: it goes on.
    #[graphql(default = true)]
    is_drained: bool,
}

/// The process.
#[derive(SimpleObject)]
struct DrainWorkerPayload {
    /// It claims nothing more from some seconds from now on, or goes on.
    worker: Worker,
}

/// Drains processes.
#[derive(Default)]
pub struct WorkerMutation;

#[Object]
impl WorkerMutation {
    /// Tells a process to claim nothing more, to settle what is in flight, to give back what it holds, and to stay; others go on with its
    /// work. It holds until it is undone with `isDrained: false`, or until the process starts anew. A second time changes nothing.
    #[graphql(directive = requires::apply(Permission::Administer))]
    async fn drain_worker(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which process.")] input: DrainWorkerInput,
    ) -> Result<DrainWorkerPayload> {
        let id = input.id.input("id")?;
        let worker = service::drain(ctx.services(), &ctx.actor(), id, input.is_drained).boxed().await?;
        Ok(DrainWorkerPayload { worker: worker.into() })
    }
}
