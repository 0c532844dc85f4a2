//! Having callbacks processed once more.

use crate::prelude::*;
use ::service::retention::callback as service;

/// Which callback is to be processed once more.
#[derive(InputObject)]
struct RetryWebhookEventInput {
    /// Which callback; it must be FAILED or UNMATCHED.
    id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The callback that is processed once more.
#[derive(SimpleObject)]
struct RetryWebhookEventPayload {
    /// The callback as it is now; what becomes of it is seen a moment later.
    webhook_event: WebhookEvent,
}

/// Changes callbacks.
#[derive(Default)]
pub struct WebhookEventMutation;

#[Object]
impl WebhookEventMutation {
    /// Has a callback processed once more, at once: one that is FAILED, or UNMATCHED because what it names was not known.
    /// `PRECONDITION_FAILED` for one that was processed: it is done once only.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn retry_webhook_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which callback.")] input: RetryWebhookEventInput,
    ) -> Result<RetryWebhookEventPayload> {
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let row = once(on, &actor, service::retry(on, &actor, input.id.input("id")?)).await?;
        Ok(RetryWebhookEventPayload { webhook_event: row.into() })
    }
}
