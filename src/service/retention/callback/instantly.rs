//! Webhooks of Instantly: each email that it sends is a contact, and so is what comes of it.

use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value as Json;

use super::Applied;
use crate::retention::contact_attempt::{contacted, has_gone_out};
use crate::retention::effects::{self, told};
use crate::retention::refusal::{self, Said};
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::{ContactAttemptId, RetentionCampaignId};
use domain::json;
use domain::retention::address;
use domain::retention::callback::{self, News};
use domain::retention::credentials::Provider;
use domain::retention::wishes::refused_by;
use domain::retention::words::{AddressKind, ContactAttemptStatus, ContactChannel};
use storage::Noun;
use storage::retention::webhook_event::Model;
use storage::retention::{campaign, contact_attempt, lead};

/// The longest answer that is kept, in characters.
const LONGEST: usize = 1_600;

/// Applies what an event says of the contact that it is about.
pub(super) async fn apply(on: &Services, w: &Write, row: &Model) -> Result<Applied> {
    let event: Json = json::from_outside(&row.body).map_err(|_| Error::invalid("body", "this is no JSON"))?;
    let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let kind = text("event_type").unwrap_or_default();
    let (Some(mut news), Some(email)) = (callback::instantly(kind), text("lead_email")) else {
        return Ok(Applied::Done("nothing that is kept"));
    };
    let email = &address::email(email).unwrap_or_else(|_| email.trim().to_lowercase());
    let is_bounce = news.status == Some(ContactAttemptStatus::Bounced);
    let (refused, said) = refused(w, &event, &news);
    if !refused.is_empty() {
        // Also of somebody who is no lead, or no longer one. To write to a dead address again would harm the sender.
        refusal::keep_at(on, w, (AddressKind::Email, email), &refused, &said).await?;
    }
    let known = lead::Entity::all().filter(lead::Column::Email.eq(email));
    let Some(lead) = known.lock_exclusive().one(w).await? else {
        return Ok(if refused.is_empty() { Applied::Unmatched } else { Applied::Done("emails were refused") });
    };
    if let Some(reply) = text("reply_text_snippet") {
        news.result.insert("reply".into(), reply.chars().take(500).collect::<String>().into());
    }
    let campaign = match text("campaign_id") {
        Some(id) => campaign::Entity::all().filter(campaign::Column::InstantlyCampaignId.eq(id)).one(w).await?,
        None => None,
    };
    let campaign = campaign.map(|row| row.id);
    if news.is_opt_out {
        effects::opt_out_of(on, w, lead.id, &refused, &said).await?;
        return Ok(Applied::Done("emails were refused"));
    }
    let place = (text("campaign_id").is_some(), campaign);
    let attempt = attempt(w, &lead, place, &news, text("email_id")).await?;
    let place = attempt.campaign_id.or(campaign);
    let lead = if has_gone_out(news.status) { contacted(w, lead, place).await? } else { lead };
    effects::advance(on, w, &lead, attempt, news).await?;
    effects::opt_out_of(on, w, lead.id, &refused, &said).await?;
    Ok(Applied::Done(if refused.is_empty() || is_bounce { "what became of an email" } else { "emails were refused" }))
}

/// What an event refuses, and how: by what it is, or by the words of the answer that it brings.
fn refused(w: &Write, event: &Json, news: &News) -> (Vec<ContactChannel>, Said) {
    if news.status == Some(ContactAttemptStatus::Bounced) {
        return (vec![ContactChannel::Email], told(w, refusal::DEAD));
    }
    if news.is_opt_out {
        return (vec![ContactChannel::Email], told(w, "Instantly told so"));
    }
    let mut refused = Vec::new();
    let mut said = told(w, "a reply to an email");
    if news.is_reply {
        for text in callback::instantly_reply(event) {
            let of_text = refused_by(&text, ContactChannel::Email);
            if !of_text.is_empty() {
                said.wording.get_or_insert_with(|| text.chars().take(LONGEST).collect());
            }
            refused.extend(of_text);
        }
    }
    (refused, said)
}

/// The contact that an event is about: that of the email which it names, or the last one by Instantly, or a new one for an email of which
/// nothing is known. An event that names a campaign, which may be none of ours, is about none of another campaign's contacts.
async fn attempt(
    w: &Write,
    lead: &lead::Model,
    (is_named, campaign): (bool, Option<RetentionCampaignId>),
    news: &News,
    email_id: Option<&str>,
) -> Result<contact_attempt::Model> {
    use contact_attempt::Column;
    let by_instantly = contact_attempt::Entity::to(lead.id).filter(Column::Provider.eq(Provider::Instantly.name()));
    let by_instantly = by_instantly.order_by_desc(Column::StartedAt);
    if let Some(id) = email_id
        && let Some(row) = by_instantly.clone().filter(Column::ProviderRef.eq(id)).limit(1).one(w).await?
    {
        return w.require(row.id).await;
    }
    let there = match campaign {
        Some(campaign) => by_instantly.filter(Column::CampaignId.eq(campaign)),
        None if is_named => by_instantly.filter(Column::CampaignId.is_null()),
        None => by_instantly,
    };
    if let Some(row) = there.limit(1).one(w).await? {
        // Another email of the same campaign is another contact.
        let was_sent = row.result.as_ref().is_some_and(|result| result["sent"] == true);
        if news.status != Some(ContactAttemptStatus::Sent) {
            return w.require(row.id).await;
        }
        if !was_sent {
            let row = w.require(row.id).await?;
            // From now on it is known by its email: the next one is another contact.
            let known = email_id.map(ToOwned::to_owned).or_else(|| row.provider_ref.clone());
            return w.replace(&row, contact_attempt::Model { provider_ref: known, ..row.clone() }).await;
        }
    }
    let row = contact_attempt::Model {
        id: ContactAttemptId::generate(),
        lead_id: lead.id,
        campaign_id: campaign,
        step_id: None,
        script_id: None,
        ab_test_id: None,
        ab_variant: None,
        channel: ContactChannel::Email,
        status: ContactAttemptStatus::Pending,
        provider: Some(Provider::Instantly.name().into()),
        provider_ref: email_id.map(ToOwned::to_owned),
        started_at: w.now,
        completed_at: None,
        duration: None,
        cost_micros: None,
        currency: None,
        result: None,
        notes: None,
        tracks_clicks: false,
    };
    Ok(row.into_active_model().insert(w).await?)
}
