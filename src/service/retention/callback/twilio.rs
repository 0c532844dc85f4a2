//! Callbacks of Twilio: what became of a text message, and what leads answer.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{Applied, pairs};
use crate::Services;
use crate::retention::effects::{self, Ending};
use domain::error::Result;
use domain::id::ContactAttemptId;
use domain::retention::callback::{self, News, Wish, wish};
use domain::retention::words::{ContactAttemptStatus, ContactChannel};
use storage::Noun;
use storage::Tx;
use storage::retention::webhook_event::Model;
use storage::retention::{contact_attempt, lead};

/// The longest reply that is kept, in characters.
const LONGEST: usize = 1_600;

/// A status, or a message of a lead.
pub(super) async fn apply(on: &Services, tx: &Tx, row: &Model) -> Result<Applied> {
    let pairs = pairs::all(row);
    match pairs::value(&pairs, "MessageStatus").or_else(|| pairs::value(&pairs, "SmsStatus")) {
        Some("received") | None => inbound(on, tx, &pairs).await,
        Some(status) => {
            let attempt = pairs::value(&pairs, "attempt").and_then(|id| Uuid::try_parse(id).ok());
            let sid = pairs::value(&pairs, "MessageSid").or_else(|| pairs::value(&pairs, "SmsSid"));
            let news = callback::twilio(status, pairs::value(&pairs, "ErrorCode"));
            of_attempt(on, tx, attempt.map(ContactAttemptId), sid, news).await
        }
    }
}

/// What is told of the contact `id`, or of the one that the provider calls `reference`.
pub(super) async fn of_attempt(
    on: &Services,
    tx: &Tx,
    id: Option<ContactAttemptId>,
    reference: Option<&str>,
    news: News,
) -> Result<Applied> {
    let mut found = match id {
        Some(id) => contact_attempt::Entity::by_ids(&[id]).one(tx).await?,
        None => None,
    };
    if let (None, Some(reference)) = (&found, reference) {
        let named = contact_attempt::Entity::all().filter(contact_attempt::Column::ProviderRef.eq(reference));
        found = named.limit(1).one(tx).await?;
    }
    let Some(attempt) = found else { return Ok(Applied::UNMATCHED) };
    let lead = lead::Entity::require(tx, attempt.lead_id).await?;
    // Once more, now that nobody else can change it.
    let attempt = contact_attempt::Entity::require(tx, attempt.id).await?;
    Ok(Applied::of(effects::advance(on, tx, lead, attempt, news).await?))
}

async fn inbound(on: &Services, tx: &Tx, pairs: &[(String, String)]) -> Result<Applied> {
    let (Some(from), body) = (pairs::value(pairs, "From"), pairs::value(pairs, "Body").unwrap_or_default()) else {
        return Ok(Applied::default());
    };
    let known = lead::Entity::all().filter(lead::Column::Phone.eq(from)).lock_exclusive().one(tx).await?;
    // Somebody who is no lead, or not yet one: a STOP holds when he becomes one.
    let Some(lead) = known else { return Ok(Applied::UNMATCHED) };
    let changed = match wish(body, pairs::value(pairs, "OptOutType")) {
        Wish::Stop => effects::opt_out(on, tx, lead, ContactChannel::Sms, "a reply to a text message").await?,
        Wish::Start => {
            effects::opt_in(on, tx, lead, ContactChannel::Sms, "a reply to a text message").await?;
            Vec::new()
        }
        Wish::Talk => replied(on, tx, lead, body).await?,
    };
    Ok(Applied::of(changed))
}

/// A reply is to the last text message that went out.
async fn replied(
    on: &Services,
    tx: &Tx,
    lead: lead::Model,
    body: &str,
) -> Result<Vec<domain::id::RetentionSequenceId>> {
    let last = contact_attempt::Entity::to(lead.id)
        .filter(contact_attempt::Column::Channel.eq(ContactChannel::Sms))
        .order_by_desc(contact_attempt::Column::StartedAt)
        .limit(1)
        .one(tx)
        .await?;
    let Some(last) = last else { return effects::end(on, tx, lead.id, Ending::Reply).await };
    let last = contact_attempt::Entity::require(tx, last.id).await?;
    let reply: String = body.chars().take(LONGEST).collect();
    let result = Map::from_iter([("replied".to_owned(), json!(true)), ("reply".into(), json!(reply))]);
    let news = News { status: Some(ContactAttemptStatus::Success), result, is_reply: true, ..News::default() };
    effects::advance(on, tx, lead, last, news).await
}
