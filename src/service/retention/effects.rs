//! What callbacks and conversions do to leads, contacts, enrollments and steps. Parts of larger writes, each of which locks the
//! lead first: so they come one after the other, and never lock each other out. They tell what they change.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Map, Value as Json, json};

use crate::retention::delivery::report::reported;
use crate::retention::endings::{Ending, end_all};
use crate::retention::refusal::{self, Said};
use crate::retention::schedule;
use crate::{Services, Write};
use domain::audit::Action;
use domain::error::Result;
use domain::id::LeadId;
use domain::retention::callback::{News, twilio_rank};
use domain::retention::states::State;
use domain::retention::words::{CampaignLeadStatus, ContactAttemptStatus, ContactChannel, LeadStatus};
use events::Event;
use storage::retention::queue::again::{self, Whose};
use storage::retention::{campaign_lead, contact_attempt, lead};

/// Takes a provider's news of a contact, whose lead is locked. What is older than what is known changes no status.
pub async fn advance(
    on: &Services,
    w: &Write,
    lead: &lead::Model,
    attempt: contact_attempt::Model,
    news: News,
) -> Result<()> {
    let channel = attempt.channel;
    if let Some(failed) = note(w, attempt, &news).await? {
        freed(on, w, &failed).await?;
    }
    if news.is_reply {
        end_all(on, w, lead.id, Ending::Reply).await?;
    }
    if news.is_dead {
        let lead = w.require(lead.id).await?;
        refuse(on, w, &lead, channel, &told(w, refusal::DEAD)).await?;
    }
    if news.is_opt_out {
        let channels: Vec<ContactChannel> = std::iter::once(channel).chain(news.also_refused).collect();
        opt_out_of(on, w, lead.id, &channels, &told(w, refusal::BY_PROVIDER)).await?;
    }
    Ok(())
}

/// A contact of the lead, which is locked, has become one that failed: it is no contact any more for the limits, and what they had put off
/// because of it is decided about again.
pub async fn freed(on: &Services, w: &Write, attempt: &contact_attempt::Model) -> Result<()> {
    if attempt.status != ContactAttemptStatus::Failed {
        return Ok(());
    }
    again::decide(w, Whose::Lead(attempt.lead_id), schedule::now_in(on, w).await?).await
}

/// Writes the news down; the step that the contact was made for follows it. Returns the contact if its status is another one now.
async fn note(w: &Write, attempt: contact_attempt::Model, news: &News) -> Result<Option<contact_attempt::Model>> {
    let to = news.status.filter(|to| attempt.status.may_become(*to));
    let mut result: Map<String, Json> = attempt.result.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
    let is_newer = to.is_some() || news.status.is_none();
    for (name, value) in &news.result {
        // What comes late adds to what is known, but does not take its place.
        if is_newer || !result.contains_key(name) || is_further(name, result.get(name), value) {
            result.insert(name.clone(), value.clone());
        }
    }
    let is_end = to.is_some_and(|to| to != ContactAttemptStatus::Sent);
    let new = contact_attempt::Model {
        result: Some(result.into()),
        duration: news.duration.or(attempt.duration),
        cost_micros: news.cost.as_ref().map(|(micros, _)| *micros).or(attempt.cost_micros),
        currency: news.cost.as_ref().map(|(_, currency)| currency.clone()).or_else(|| attempt.currency.clone()),
        status: to.unwrap_or(attempt.status),
        completed_at: attempt.completed_at.or(is_end.then_some(w.now)),
        ..attempt.clone()
    };
    let row = w.replace(&attempt, new).await?;
    w.tell(Event::Report);
    match to {
        // While it was PENDING its sender has yet to settle the step.
        Some(to) if attempt.status != ContactAttemptStatus::Pending => {
            if let Some(sequence) = reported(w, attempt.id, to).await? {
                w.tell(Event::Sequence(sequence));
            }
        }
        _ => {}
    }
    Ok(to.map(|_| row))
}

/// Whether a provider's own word for how far a contact is goes beyond the one that is known.
fn is_further(name: &str, known: Option<&Json>, news: &Json) -> bool {
    let rank = |word: Option<&Json>| word.and_then(Json::as_str).map_or(0, twilio_rank);
    name == "status" && rank(Some(news)) > rank(known)
}

/// What is said just now, without words.
pub fn told(w: &Write, source: &str) -> Said {
    Said { source: source.into(), wording: None, at: w.now }
}

/// The lead, which is locked, wants nothing more on `channel`: not from now on, and nothing of what is scheduled.
pub async fn opt_out(on: &Services, w: &Write, lead: lead::Model, channel: ContactChannel, said: &Said) -> Result<()> {
    let is_new = mark(on, w, &lead, channel, said).await?;
    end_all(on, w, lead.id, Ending::OptOut).await?;
    if is_new { note_refusal(w, lead.id, channel, said).await } else { Ok(()) }
}

/// [`opt_out`] on several channels at once.
pub async fn opt_out_of(
    on: &Services,
    w: &Write,
    lead: LeadId,
    channels: &[ContactChannel],
    said: &Said,
) -> Result<()> {
    for channel in channels {
        let lead = w.require(lead).await?;
        opt_out(on, w, lead, *channel, said).await?;
    }
    Ok(())
}

/// Nothing more goes to the lead, which is locked, on `channel`, at the addresses that it has now; other channels go on.
pub async fn refuse(on: &Services, w: &Write, lead: &lead::Model, channel: ContactChannel, said: &Said) -> Result<()> {
    let is_new = mark(on, w, lead, channel, said).await?;
    if is_new { note_refusal(w, lead.id, channel, said).await } else { Ok(()) }
}

/// [`refuse`] without its audit line, which is written last. Returns whether that is new.
pub async fn mark(on: &Services, w: &Write, lead: &lead::Model, channel: ContactChannel, said: &Said) -> Result<bool> {
    let mut new = lead.clone();
    new.refuse(channel, true);
    refusal::keep_one(on, w, &new, Some(channel), said).await?;
    if lead.has_refused(channel) {
        return Ok(false);
    }
    w.replace(lead, new).await?;
    refusal::prove_one(w, lead.id, Some(channel), said).await?;
    Ok(true)
}

/// The audit line of a refusal.
pub async fn note_refusal(w: &Write, lead: LeadId, channel: ContactChannel, said: &Said) -> Result<()> {
    w.note(Action::LeadOptedOut, lead, json!({ "channel": channel, "source": said.source })).await
}

/// The lead, which is locked, wants to hear from us again on `channel`, which it has refused by its own word there. What bars all
/// channels, and what was not its own word, is lifted by people only.
pub async fn opt_in(on: &Services, w: &Write, lead: lead::Model, channel: ContactChannel, said: &Said) -> Result<()> {
    refusal::lift_of(on, w, &lead, Some(channel), &said.source).await?;
    if !lead.has_refused(channel) {
        return Ok(());
    }
    let mut new = lead.clone();
    new.refuse(channel, false);
    w.replace(&lead, new).await?;
    w.note(Action::LeadOptedIn, lead.id, json!({ "channel": channel, "source": said.source })).await
}

/// `handleConversion`: the lead, which is locked, has done what it was contacted for. Its enrollments are CONVERTED, what was
/// left of them is cancelled, campaigns that had contacted it are done with it.
pub async fn convert(on: &Services, w: &Write, lead: lead::Model) -> Result<()> {
    let id = lead.id;
    if lead.status.may_become(LeadStatus::Converted) {
        let new = lead::Model { status: LeadStatus::Converted, ..lead.clone() };
        w.replace(&lead, new).await?;
    } else if lead.status == LeadStatus::DoNotContact {
        // It stays barred; should that be lifted, it has converted.
        let new = lead::Model { status_before: Some(LeadStatus::Converted), ..lead.clone() };
        w.replace(&lead, new).await?;
    }
    campaign_lead::Entity::update_many()
        .col_expr(campaign_lead::Column::Status, Expr::value(CampaignLeadStatus::Completed))
        .col_expr(campaign_lead::Column::CompletedAt, Expr::value(w.now))
        .filter(campaign_lead::Column::LeadId.eq(id))
        .filter(campaign_lead::Column::Status.eq(CampaignLeadStatus::Contacted))
        .exec(w)
        .await?;
    end_all(on, w, id, Ending::Converted).await.map(drop)
}
