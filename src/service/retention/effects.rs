//! What callbacks and conversions do to leads, contacts, enrollments and steps. Parts of larger writes, each of which locks the
//! lead first: so they come one after the other, and never lock each other out. They tell what they change.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Map, Value as Json, json};

use crate::retention::delivery::report::reported;
use crate::retention::endings::{Ending, end_all};
use crate::{Services, Write};
use domain::audit::Action;
use domain::error::Result;
use domain::retention::callback::News;
use domain::retention::states::State;
use domain::retention::words::{CampaignLeadStatus, ContactAttemptStatus, ContactChannel, LeadStatus};
use events::Event;
use storage::retention::{campaign_lead, contact_attempt, lead};

/// Takes a provider's news of a contact, whose lead is locked. What is older than what is known changes no status.
pub async fn advance(
    on: &Services,
    w: &Write,
    lead: lead::Model,
    attempt: contact_attempt::Model,
    news: News,
) -> Result<()> {
    let channel = attempt.channel;
    note(w, attempt, &news).await?;
    if news.is_reply {
        end_all(on, w, lead.id, Ending::Reply).await?;
    }
    if news.is_opt_out {
        opt_out(on, w, lead, channel, "a provider told so").await?;
    }
    Ok(())
}

/// Writes the news down; the step that the contact was made for follows it.
async fn note(w: &Write, attempt: contact_attempt::Model, news: &News) -> Result<()> {
    let to = news.status.filter(|to| attempt.status.may_become(*to));
    let mut result: Map<String, Json> = attempt.result.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
    let is_newer = to.is_some() || news.status.is_none();
    for (name, value) in &news.result {
        // What comes late adds to what is known, but does not take its place.
        if is_newer || !result.contains_key(name) {
            result.insert(name.clone(), value.clone());
        }
    }
    let is_end = to.is_some_and(|to| to != ContactAttemptStatus::Sent);
    let new = contact_attempt::Model {
        result: Some(result.into()),
        duration: news.duration.or(attempt.duration),
        cost_micros: news.cost_micros.or(attempt.cost_micros),
        currency: news.cost_micros.map_or(attempt.currency.clone(), |_| Some("USD".into())),
        status: to.unwrap_or(attempt.status),
        completed_at: attempt.completed_at.or(is_end.then_some(w.now)),
        ..attempt.clone()
    };
    w.replace(&attempt, new).await?;
    w.tell(Event::Report);
    match to {
        // While it was PENDING its sender has yet to settle the step.
        Some(to) if attempt.status != ContactAttemptStatus::Pending => {
            if let Some(sequence) = reported(w, attempt.id, to).await? {
                w.tell(Event::Sequence(sequence));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The lead, which is locked, wants nothing more on `channel`: not from now on, and nothing of what is scheduled.
pub async fn opt_out(on: &Services, w: &Write, lead: lead::Model, channel: ContactChannel, why: &str) -> Result<()> {
    let id = lead.id;
    if !lead.refuses(channel) {
        block(w, lead, channel, true, Action::LeadOptedOut, why).await?;
    }
    end_all(on, w, id, Ending::OptOut).await.map(drop)
}

/// The lead, which is locked, wants to hear from us again on `channel`.
pub async fn opt_in(w: &Write, lead: lead::Model, channel: ContactChannel, why: &str) -> Result<()> {
    // What bars all channels is lifted by people only.
    if lead.refuses(channel) && lead.status != LeadStatus::DoNotContact {
        block(w, lead, channel, false, Action::LeadOptedIn, why).await?;
    }
    Ok(())
}

async fn block(
    w: &Write,
    lead: lead::Model,
    channel: ContactChannel,
    is_blocked: bool,
    action: Action,
    why: &str,
) -> Result<()> {
    let mut new = lead.clone();
    new.refuse(channel, is_blocked);
    w.replace(&lead, new).await?;
    w.note(action, lead.id, json!({ "channel": channel, "source": why })).await
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
