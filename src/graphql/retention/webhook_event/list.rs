//! Lists of callbacks.

use sea_orm::{ColumnTrait, QueryFilter};

use crate::prelude::*;
use domain::retention::words::WebhookEventStatus;
use storage::retention::webhook_event;

/// Which callbacks are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct WebhookEventFilter {
    /// Of this provider: `twilio`, `vapi`, `instantly` or `keitaro`.
    provider: Option<String>,
    /// In one of these statuses: FAILED and UNMATCHED are those that wait for somebody.
    statuses: Option<Vec<WebhookEventStatus>>,
    /// Only those that came at this instant or later.
    since: Option<DateTime>,
    /// Only those that came before this instant.
    until: Option<DateTime>,
}

/// Reads callbacks.
#[derive(Default)]
pub struct WebhookEventQuery;

#[Object]
impl WebhookEventQuery {
    /// The log of callbacks: what providers have told, the latest first, with what was made of it.
    #[graphql(directive = requires::apply(Permission::ReadContacts))]
    async fn webhook_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which callbacks.")] filter: Option<WebhookEventFilter>,
    ) -> Result<Option<Connection<WebhookEvent>>> {
        let WebhookEventFilter { provider, statuses, since, until } = filter.unwrap_or_default();
        let mut select = <webhook_event::Entity as Noun>::all();
        if let Some(provider) = provider {
            select = select.filter(webhook_event::Column::Provider.eq(provider.trim().to_lowercase()));
        }
        if let Some(statuses) = statuses {
            select = select.filter(webhook_event::Column::Status.is_in(statuses));
        }
        if let Some(since) = since {
            select = select.filter(webhook_event::Column::ReceivedAt.gte(chrono::DateTime::<chrono::Utc>::from(since)));
        }
        if let Some(until) = until {
            select = select.filter(webhook_event::Column::ReceivedAt.lt(chrono::DateTime::<chrono::Utc>::from(until)));
        }
        let args = PageArgs::new(ctx, first, after, last, before);
        let latest = Sort::by(webhook_event::Column::ReceivedAt).descending(true);
        Connection::read(ctx, select, latest, &args).await.map(Some)
    }
}
