//! A callback of a provider, as it is shown.

use crate::prelude::*;
use domain::id::WebhookEventId;
use domain::retention::words::WebhookEventStatus;
use storage::retention::webhook_event;

pub mod list;
pub mod mutations;

/// What a provider has told, as it came, and what was made of it. It is kept for a month.
#[derive(Description)]
pub struct WebhookEvent(webhook_event::Model);

node!(WebhookEvent: WebhookEventId, webhook_event::Model);

#[Object(use_type_description)]
impl WebhookEvent {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who has told it: `twilio`, `vapi`, `instantly` or `keitaro`.
    async fn provider(&self) -> &str {
        &self.0.provider
    }

    /// How far Herald is with it.
    async fn status(&self) -> WebhookEventStatus {
        self.0.status
    }

    /// What was made of it, in a few words; null before it was processed, and for what came before Herald noted that.
    async fn outcome(&self) -> Option<&str> {
        self.0.outcome.as_deref()
    }

    /// Why it could not be processed, the last time it was tried.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// The query of its URL, without secrets.
    async fn query(&self) -> Option<&str> {
        self.0.query.as_deref()
    }

    /// The type of the body, as the provider named it.
    async fn content_type(&self) -> Option<&str> {
        self.0.content_type.as_deref()
    }

    /// The body, as it came.
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// How many times it was looked at.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// When it came.
    async fn received_at(&self) -> DateTime {
        self.0.received_at.into()
    }

    /// When it is looked at again; null: it is not, or at once.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        let waits = matches!(self.0.status, WebhookEventStatus::Received | WebhookEventStatus::Unmatched);
        self.0.not_before.filter(|_| waits).map(Into::into)
    }

    /// When it was done with.
    async fn processed_at(&self) -> Option<DateTime> {
        self.0.processed_at.map(Into::into)
    }
}
