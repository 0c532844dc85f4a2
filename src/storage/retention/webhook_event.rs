//! What providers told us, as it came.

use sea_orm::entity::prelude::*;

use crate::noun::noun;
use domain::error::Result;
use domain::id::WebhookEventId;
use domain::retention::words::WebhookEventStatus;

/// A callback.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookEventId,
    /// In small letters.
    pub provider: String,
    /// The key of a callback, the same when it comes again: it is stored once.
    pub dedupe_key: String,
    pub status: WebhookEventStatus,
    pub query: Option<String>,
    pub content_type: Option<String>,
    pub body: String,
    /// How many times it was looked at.
    pub attempts: i32,
    pub error_message: Option<String>,
    pub received_at: DateTimeUtc,
    /// Not to be looked at again before.
    pub not_before: Option<DateTimeUtc>,
    pub processed_at: Option<DateTimeUtc>,
    /// What was made of it, in a few words.
    pub outcome: Option<String>,
}

joins_nothing!();

noun!(WebhookEventId);
