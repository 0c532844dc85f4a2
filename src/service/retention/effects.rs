//! What callbacks and conversions do to leads, contacts, enrollments and steps. Parts of larger transactions, each of which
//! locks the lead first: so they come one after the other, and never lock each other out.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Map, Value as Json, json};

use crate::access::audit::{self, Subject};
use crate::retention::delivery::report::reported;
use crate::retention::{endings, schedule};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::Result;
use domain::id::{LeadId, RetentionSequenceId};
use domain::retention::callback::News;
use domain::retention::states::State;
use domain::retention::words::{CampaignLeadStatus, ContactAttemptStatus, ContactChannel, LeadStatus};
use storage::Tx;
use storage::retention::{campaign_lead, contact_attempt, lead};

/// Why enrollments end before their last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The lead converted.
    Converted,
    /// The lead wants no more contacts.
    OptOut,
    /// The lead replied: somebody should talk to it now.
    Reply,
}

/// Ends all enrollments of a lead and cancels what is scheduled of them. Returns the sequences that changed.
pub async fn end(on: &Services, tx: &Tx, lead: LeadId, ending: Ending) -> Result<Vec<RetentionSequenceId>> {
    let now = schedule::now_in(on, tx).await?;
    match ending {
        Ending::Converted => endings::converted(tx, lead, now).await,
        Ending::OptOut => endings::opted_out(tx, lead, now).await,
        Ending::Reply => endings::replied(tx, lead, now).await,
    }
}

/// What a provider tells of a contact, whose lead is locked. What is older than what is known changes no status.
pub async fn advance(
    on: &Services,
    tx: &Tx,
    lead: lead::Model,
    attempt: contact_attempt::Model,
    news: News,
) -> Result<Vec<RetentionSequenceId>> {
    let channel = attempt.channel;
    let mut changed: Vec<RetentionSequenceId> = note(on, tx, attempt, &news).await?.into_iter().collect();
    if news.is_reply {
        changed.extend(end(on, tx, lead.id, Ending::Reply).await?);
    }
    if news.is_opt_out {
        changed.extend(opt_out(on, tx, lead, channel, "a provider told so").await?);
    }
    Ok(changed)
}

/// Writes the news down; the step that the contact was made for follows it. Returns the sequence that it changed.
async fn note(
    on: &Services,
    tx: &Tx,
    attempt: contact_attempt::Model,
    news: &News,
) -> Result<Option<RetentionSequenceId>> {
    let to = news.status.filter(|to| attempt.status.may_become(*to));
    let mut result: Map<String, Json> = attempt.result.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
    let is_newer = to.is_some() || news.status.is_none();
    for (name, value) in &news.result {
        // What comes late adds to what is known, but does not take its place.
        if is_newer || !result.contains_key(name) {
            result.insert(name.clone(), value.clone());
        }
    }
    let (id, completed_at, started) = (attempt.id, attempt.completed_at, attempt.status);
    let mut row = attempt.into_active_model();
    row.result = Set(Some(result.into()));
    if let Some(duration) = news.duration {
        row.duration = Set(Some(duration));
    }
    if let Some(cost) = news.cost_micros {
        row.cost_micros = Set(Some(cost));
        row.currency = Set(Some("USD".into()));
    }
    if let Some(to) = to {
        row.status = Set(to);
        let is_end = to != ContactAttemptStatus::Sent;
        row.completed_at = Set(completed_at.or(is_end.then(|| on.now())));
    }
    row.update(tx).await?;
    match to {
        // While it was PENDING its sender has yet to settle the step.
        Some(to) if started != ContactAttemptStatus::Pending => reported(tx, id, to).await,
        _ => Ok(None),
    }
}

/// The lead, which is locked, wants nothing more on `channel`: not from now on, and nothing of what is scheduled.
pub async fn opt_out(
    on: &Services,
    tx: &Tx,
    lead: lead::Model,
    channel: ContactChannel,
    why: &str,
) -> Result<Vec<RetentionSequenceId>> {
    let id = lead.id;
    if !lead.refuses(channel) {
        block(lead, channel, true, on).update(tx).await?;
        let metadata = json!({ "channel": channel, "source": why });
        let subject = Subject("Lead", id.0);
        audit::record(on, tx, &Actor::system(), Action::LeadOptedOut, subject, metadata).await?;
    }
    end(on, tx, id, Ending::OptOut).await
}

/// The lead, which is locked, wants to hear from us again on `channel`.
pub async fn opt_in(on: &Services, tx: &Tx, lead: lead::Model, channel: ContactChannel, why: &str) -> Result<()> {
    let id = lead.id;
    // What bars all channels is lifted by people only.
    if lead.refuses(channel) && lead.status != LeadStatus::DoNotContact {
        block(lead, channel, false, on).update(tx).await?;
        let metadata = json!({ "channel": channel, "source": why });
        let subject = Subject("Lead", id.0);
        audit::record(on, tx, &Actor::system(), Action::LeadOptedIn, subject, metadata).await?;
    }
    Ok(())
}

fn block(mut lead: lead::Model, channel: ContactChannel, is_blocked: bool, on: &Services) -> lead::ActiveModel {
    lead.refuse(channel, is_blocked);
    lead.changed(on.now()).reset_all()
}

/// `handleConversion`: the lead, which is locked, has done what it was contacted for. Its enrollments are CONVERTED, what was
/// left of them is cancelled, campaigns that had contacted it are done with it.
pub async fn convert(on: &Services, tx: &Tx, lead: lead::Model) -> Result<Vec<RetentionSequenceId>> {
    let (id, now) = (lead.id, on.now());
    if lead.status.may_become(LeadStatus::Converted) {
        let mut row = lead.changed(now);
        row.status = Set(LeadStatus::Converted);
        row.update(tx).await?;
    } else if lead.status == LeadStatus::DoNotContact && lead.status_before != Some(LeadStatus::Converted) {
        // It stays barred; should that be lifted, it has converted.
        let mut row = lead.changed(now);
        row.status_before = Set(Some(LeadStatus::Converted));
        row.update(tx).await?;
    }
    campaign_lead::Entity::update_many()
        .col_expr(campaign_lead::Column::Status, Expr::value(CampaignLeadStatus::Completed))
        .col_expr(campaign_lead::Column::CompletedAt, Expr::value(now))
        .filter(campaign_lead::Column::LeadId.eq(id))
        .filter(campaign_lead::Column::Status.eq(CampaignLeadStatus::Contacted))
        .exec(tx)
        .await?;
    end(on, tx, id, Ending::Converted).await
}
