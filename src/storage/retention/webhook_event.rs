//! What providers told us, as it came.

use sea_orm::QueryOrder;
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
    /// Whether what it names somebody by stands in [`webhook_event_key`](super::webhook_event_key).
    pub is_keyed: bool,
}

joins_nothing!();

noun!(WebhookEventId);

impl Entity {
    /// Those that have been looked at and have no keys, the oldest first.
    pub fn unkeyed() -> Select<Self> {
        // In the words of the index.
        let unkeyed = Self::find().filter(Expr::cust("NOT is_keyed"));
        unkeyed.filter(Column::Status.ne(WebhookEventStatus::Received)).order_by_asc(Column::ReceivedAt)
    }

    /// From now on these are found by their keys alone.
    pub async fn mark_keyed(tx: &impl ConnectionTrait, ids: impl IntoIterator<Item = WebhookEventId>) -> Result<()> {
        let these = Self::update_many().filter(Column::Id.is_in(ids));
        these.col_expr(Column::IsKeyed, Expr::val(true)).exec(tx).await?;
        Ok(())
    }
}
