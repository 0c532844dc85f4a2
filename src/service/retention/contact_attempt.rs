//! Contacts that were made outside of Herald: a call by hand, a letter, a talk at a fair.

use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};

use super::meta;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{ContactAttemptId, LeadId, RetentionCampaignId, ScriptId};
use domain::money::{self, Micros};
use domain::retention::states::State;
use domain::retention::words::{ContactAttemptStatus, ContactChannel, LeadStatus};
use domain::text::{self, Bounds};
use events::Event;
use storage::retention::{campaign, campaign_lead, contact_attempt, lead, script};

/// A contact that was made.
#[derive(Debug, Clone)]
pub struct New {
    /// To whom.
    pub lead: LeadId,
    /// By which way.
    pub channel: ContactChannel,
    /// What became of it.
    pub status: ContactAttemptStatus,
    /// For which campaign.
    pub campaign: Option<RetentionCampaignId>,
    /// With which script.
    pub script: Option<ScriptId>,
    /// By whom, in small letters; manual if it is not said.
    pub provider: Option<String>,
    /// The provider's id of it.
    pub provider_ref: Option<String>,
    /// When; now if it is not said.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// Seconds.
    pub duration: Option<i32>,
    /// The cost.
    pub cost: Option<Micros>,
    /// In which money.
    pub currency: Option<String>,
    /// An object of at most 16 KiB.
    pub result: Option<Json>,
    /// At most 10,000 characters.
    pub notes: Option<String>,
}

/// Notes a contact. If it reached the lead, the lead is CONTACTED, in the campaign too.
///
/// # Errors
/// `NOT_FOUND` if the lead, the campaign or the script is not there.
pub async fn record(on: &Services, actor: &Actor, new: New) -> Result<contact_attempt::Model> {
    let row = &checked(on, new)?;
    on.write(actor, |w| async move {
        let lead = w.require(row.lead_id).await?;
        if let Some(id) = row.campaign_id {
            campaign::Entity::find_by_id(id).one(&w).await?.ok_or(Error::NotFound("retention campaign"))?;
        }
        if let Some(id) = row.script_id {
            script::Entity::find_by_id(id).one(&w).await?.ok_or(Error::NotFound("script"))?;
        }
        contact_attempt::Entity::insert(row.clone().into_active_model()).exec_without_returning(&w).await?;
        if has_gone_out(row.status) {
            follow(&w, row, lead).await?;
        }
        let metadata = json!({ "channel": row.channel, "status": row.status, "provider": row.provider });
        w.tell(Event::Report);
        w.note(Action::ContactAttemptRecorded, row.id, metadata).await
    })
    .await?;
    Ok(row.clone())
}

/// Whether the lead was contacted by it.
fn has_gone_out(status: ContactAttemptStatus) -> bool {
    use ContactAttemptStatus::{Delivered, Sent, Success};
    matches!(status, Sent | Delivered | Success)
}

async fn follow(w: &Write, row: &contact_attempt::Model, lead: lead::Model) -> Result<()> {
    if lead.status.may_become(LeadStatus::Contacted) {
        let new = lead::Model { status: LeadStatus::Contacted, ..lead.clone() };
        w.replace(&lead, new).await?;
    }
    if let Some(campaign) = row.campaign_id {
        campaign_lead::Entity::contacted(campaign, row.lead_id).exec(w).await?;
    }
    Ok(())
}

fn checked(on: &Services, new: New) -> Result<contact_attempt::Model> {
    let mut wrong = Violations::default();
    let name = |text: &str| text::line(text, Bounds::NAME);
    let provider = wrong.take_text("provider", new.provider, name).map(|name| name.to_lowercase());
    let provider_ref = wrong.take_text("providerRef", new.provider_ref, name);
    let currency = wrong.take_text("currency", new.currency, money::currency);
    let notes = wrong.take_text("notes", new.notes, |text| text::prose(text, Bounds::NOTES));
    let result = new.result.map(|given| wrong.take("result", meta::object(given)));
    wrong.require(new.duration.is_none_or(|seconds| seconds >= 0), "duration", "must not be negative");
    wrong.require(new.cost.is_none_or(|cost| cost.0 >= 0), "cost", "must not be negative");
    wrong.require(new.cost.is_some() == currency.is_some(), "currency", "give both cost and currency, or none");
    let started_at = new.started_at.unwrap_or_else(|| on.now());
    let is_in_order = new.completed_at.is_none_or(|end| end >= started_at);
    wrong.require(is_in_order, "completedAt", "must not lie before startedAt");
    wrong.into_result()?;
    Ok(contact_attempt::Model {
        id: ContactAttemptId::generate(),
        lead_id: new.lead,
        campaign_id: new.campaign,
        step_id: None,
        script_id: new.script,
        ab_test_id: None,
        ab_variant: None,
        channel: new.channel,
        status: new.status,
        provider: Some(provider.unwrap_or_else(|| "manual".into())),
        provider_ref,
        started_at,
        completed_at: new.completed_at,
        duration: new.duration,
        cost_micros: new.cost.map(|cost| cost.0),
        currency,
        result,
        notes,
    })
}
