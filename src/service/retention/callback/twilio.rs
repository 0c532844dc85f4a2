//! Callbacks of Twilio: what became of a text message, and what leads answer.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{Applied, pairs};
use crate::retention::effects;
use crate::retention::endings::{Ending, end_all};
use crate::retention::refusal::{self, Said};
use crate::{Services, Write};
use domain::error::Result;
use domain::id::ContactAttemptId;
use domain::retention::address;
use domain::retention::callback::{self, News};
use domain::retention::credentials::Provider;
use domain::retention::wishes::{Wish, refused_by, wish};
use domain::retention::words::{AddressKind, ContactAttemptStatus, ContactChannel, WebhookEventStatus};
use storage::Noun;
use storage::retention::webhook_event::Model;
use storage::retention::{contact_attempt, lead};

/// The longest reply that is kept, in characters.
const LONGEST: usize = 1_600;

/// A status, or a message of a lead.
pub(super) async fn apply(on: &Services, w: &Write, row: &Model) -> Result<Applied> {
    let pairs = pairs::all(row);
    match pairs::value(&pairs, "MessageStatus").or_else(|| pairs::value(&pairs, "SmsStatus")) {
        Some("received") | None => inbound(on, w, row, &pairs).await,
        Some(status) => {
            let attempt = pairs::value(&pairs, "attempt").and_then(|id| Uuid::try_parse(id).ok());
            let sid = pairs::value(&pairs, "MessageSid").or_else(|| pairs::value(&pairs, "SmsSid"));
            let price = pairs::value(&pairs, "Price");
            let cost = price.and_then(|price| callback::twilio_cost(price, pairs::value(&pairs, "PriceUnit")));
            let news = News { cost, ..callback::twilio(status, pairs::value(&pairs, "ErrorCode")) };
            of_attempt(on, w, Provider::Twilio, (attempt.map(ContactAttemptId), sid), news).await
        }
    }
}

/// Applies what `provider` tells of the contact `id`, or of the one that it calls `reference`: what another provider calls so, or has
/// taken, is none of its contacts.
pub(super) async fn of_attempt(
    on: &Services,
    w: &Write,
    provider: Provider,
    (id, reference): (Option<ContactAttemptId>, Option<&str>),
    news: News,
) -> Result<Applied> {
    let mut found = match id {
        Some(id) => contact_attempt::Entity::by_ids(&[id]).one(w).await?,
        None => None,
    };
    // It may tell of a contact before its answer was written down.
    found = found.filter(|row| row.provider.as_deref().is_none_or(|name| name == provider.name()));
    if let (None, Some(reference)) = (&found, reference) {
        let named = contact_attempt::Entity::referred_to(reference);
        let named = named.filter(contact_attempt::Column::Provider.eq(provider.name()));
        found = named.order_by_desc(contact_attempt::Column::StartedAt).limit(1).one(w).await?;
    }
    let Some(attempt) = found else { return Ok(Applied::Unmatched) };
    let lead = w.require(attempt.lead_id).await?;
    // Once more, now that nobody else can change it.
    let attempt = w.require(attempt.id).await?;
    effects::advance(on, w, &lead, attempt, news).await?;
    Ok(Applied::Done("what became of a contact"))
}

async fn inbound(on: &Services, w: &Write, row: &Model, pairs: &[(String, String)]) -> Result<Applied> {
    let (Some(from), body) = (pairs::value(pairs, "From"), pairs::value(pairs, "Body").unwrap_or_default()) else {
        return Ok(Applied::Done("nobody is named in it"));
    };
    // Of WhatsApp it comes with the name of that before it.
    let from = from.rsplit(':').next().unwrap_or(from);
    let phone = &address::phone(from).unwrap_or_else(|_| from.to_owned());
    let known = lead::Entity::all().filter(lead::Column::Phone.eq(phone)).lock_exclusive().one(w).await?;
    let said = Said {
        source: refusal::BY_TEXT.into(),
        wording: Some(body.chars().take(LONGEST).collect()),
        at: row.received_at,
    };
    let mut refused = refused_by(body, ContactChannel::Sms);
    let wish = wish(body, pairs::value(pairs, "OptOutType"));
    if wish == Wish::Stop && refused.is_empty() {
        refused.push(ContactChannel::Sms);
    }
    let at = (AddressKind::Phone, phone.as_str());
    if wish == Wish::Stop
        && row.status == WebhookEventStatus::Unmatched
        && !refusal::hold_at(on, w, at, &refused).await?
    {
        // It was obeyed when it came, and has been lifted since.
        return Ok(Applied::Done("a refusal that was lifted since"));
    }
    let outcome = match (wish, known) {
        (Wish::Stop, Some(lead)) => {
            effects::opt_out_of(on, w, lead.id, &refused, &said).await?;
            "text messages were refused"
        }
        // Somebody who is no lead, or not yet one: it holds at once, and is shown at the lead as soon as there is one.
        (Wish::Stop, None) => {
            refusal::keep_at(on, w, at, &refused, &said).await?;
            return Ok(Applied::Unmatched);
        }
        (Wish::Start, Some(lead))
            if lead.has_refused(ContactChannel::Sms)
                && refusal::is_own_word(on, w, &lead, ContactChannel::Sms).await? =>
        {
            effects::opt_in(on, w, lead, ContactChannel::Sms, &said).await?;
            "text messages are wanted again"
        }
        (Wish::Start, None) => {
            refusal::lift_at(on, w, at, ContactChannel::Sms, &said.source).await?;
            "text messages are wanted again, by nobody who is a lead"
        }
        // Who has not refused anything and says yes wants to talk; so does he of whom somebody else wrote down that he refuses.
        (Wish::Start | Wish::Talk, Some(lead)) => {
            replied(on, w, lead, body).await?;
            "a lead has answered"
        }
        (Wish::Talk, None) => return Ok(Applied::Unmatched),
    };
    Ok(Applied::Done(outcome))
}

/// A reply is to the last text message that went out.
async fn replied(on: &Services, w: &Write, lead: lead::Model, body: &str) -> Result<()> {
    let last = contact_attempt::Entity::to(lead.id)
        .filter(contact_attempt::Column::Channel.eq(ContactChannel::Sms))
        .order_by_desc(contact_attempt::Column::StartedAt)
        .limit(1)
        .one(w)
        .await?;
    let Some(last) = last else { return end_all(on, w, lead.id, Ending::Reply).await.map(drop) };
    let last = w.require(last.id).await?;
    let reply: String = body.chars().take(LONGEST).collect();
    let result = Map::from_iter([("replied".to_owned(), json!(true)), ("reply".into(), json!(reply))]);
    let news = News { status: Some(ContactAttemptStatus::Success), result, is_reply: true, ..News::default() };
    effects::advance(on, w, &lead, last, news).await
}
