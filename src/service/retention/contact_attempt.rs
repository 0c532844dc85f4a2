//! Contacts that were made outside of Herald: a call by hand, a letter, a talk at a fair.

use async_graphql::MaybeUndefined;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value as Json, json};

use super::delivery::report::reported;
use super::endings::{Ending, end_all};
use super::refusal::Said;
use super::{changed_to, effects, meta};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{ContactAttemptId, LeadId, RetentionCampaignId, ScriptId};
use domain::money::{self, Micros};
use domain::retention::callback::News;
use domain::retention::states::State;
use domain::retention::wishes::refused_by;
use domain::retention::words::{ContactAttemptStatus, ContactChannel, LeadStatus};
use domain::text::{self, Bounds};
use events::Event;
use storage::Noun;
use storage::retention::{campaign, campaign_lead, contact_attempt, lead, script};

/// By how much the clock of who tells of a contact may be ahead.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

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
            let found = campaign::Entity::by_ids(&[id]).lock_shared().one(&w).await?;
            found.ok_or(Error::NotFound("retention campaign"))?;
        }
        if let Some(id) = row.script_id {
            script::Entity::by_ids(&[id]).lock_shared().one(&w).await?.ok_or(Error::NotFound("script"))?;
        }
        contact_attempt::Entity::insert(row.clone().into_active_model()).exec_without_returning(&w).await?;
        if has_gone_out(Some(row.status)) {
            contacted(&w, lead, row.campaign_id).await?;
        }
        let metadata = json!({ "channel": row.channel, "status": row.status, "provider": row.provider });
        w.tell(Event::Report);
        w.note(Action::ContactAttemptRecorded, row.id, metadata).await
    })
    .await?;
    Ok(row.clone())
}

/// What is to change of a contact; what is undefined stays, null removes.
#[derive(Debug, Clone, Default)]
pub struct Correction {
    /// What became of it; only as the table of transitions allows.
    pub status: Option<ContactAttemptStatus>,
    /// When it ended.
    pub completed_at: MaybeUndefined<DateTime<Utc>>,
    /// Seconds.
    pub duration: MaybeUndefined<i32>,
    /// An object of at most 16 KiB, in place of the one that was there.
    pub result: MaybeUndefined<Json>,
    /// At most 10,000 characters.
    pub notes: MaybeUndefined<String>,
}

/// Corrects a contact: what became of one that somebody made, or that nobody could know of. The step that it was made for follows it.
///
/// # Errors
/// `NOT_FOUND`; [`Error::Precondition`] if no such status follows, or while Herald itself is making the contact.
pub async fn correct(
    on: &Services,
    actor: &Actor,
    id: ContactAttemptId,
    correction: Correction,
) -> Result<contact_attempt::Model> {
    let correction = &correction;
    on.write(actor, |w| async move {
        let found = contact_attempt::Entity::by_ids(&[id]).one(&w).await?.ok_or(Error::NotFound("contact attempt"))?;
        // The lead before its contacts: in this order all lock.
        let lead = w.require(found.lead_id).await?;
        let old = w.require(id).await?;
        if old.step_id.is_some() && old.status == ContactAttemptStatus::Pending {
            return Err(Error::Precondition("this contact is just being made: wait for what becomes of it".into()));
        }
        let new = corrected(old.clone(), correction.clone(), w.now)?;
        let row = w.replace(&old, new).await?;
        if row.status != old.status {
            if has_gone_out(Some(row.status)) && !has_gone_out(Some(old.status)) {
                contacted(&w, lead, row.campaign_id).await?;
            }
            if let Some(sequence) = reported(&w, id, row.status).await? {
                w.tell(Event::Sequence(sequence));
            }
            effects::freed(on, &w, &row).await?;
        }
        w.tell(Event::Report);
        w.note(Action::ContactAttemptCorrected, id, json!({ "from": old.status, "to": row.status })).await?;
        Ok(row)
    })
    .await
}

fn corrected(
    old: contact_attempt::Model,
    correction: Correction,
    now: DateTime<Utc>,
) -> Result<contact_attempt::Model> {
    let Correction { status, completed_at, duration, result, notes } = correction;
    let mut wrong = Violations::default();
    let notes = wrong.take_change("notes", notes, |text| text::prose(text, Bounds::NOTES));
    let is_length = !matches!(duration, MaybeUndefined::Value(seconds) if seconds < 0);
    wrong.require(is_length, "duration", "must not be negative");
    let result = match result {
        MaybeUndefined::Undefined => old.result,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(given) => Some(wrong.take("result", meta::object(given))),
    };
    let completed_at = changed_to(old.completed_at, completed_at);
    // What stands there since before stays.
    require_end(&mut wrong, completed_at.filter(|end| old.completed_at != Some(*end)), old.started_at, now);
    wrong.into_result()?;
    if let Some(status) = status.filter(|status| *status != old.status) {
        old.status.require(status)?;
    }
    Ok(contact_attempt::Model {
        status: status.unwrap_or(old.status),
        completed_at,
        duration: changed_to(old.duration, duration),
        result,
        notes: changed_to(old.notes, notes),
        ..old
    })
}

/// A lead has answered in a way of which Herald hears nothing: by mail, or on the street.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Who.
    pub lead: LeadId,
    /// To which contact; None: the last one.
    pub attempt: Option<ContactAttemptId>,
    /// What it said, at most 2,000 characters.
    pub words: Option<String>,
}

/// The channels that the words of an answer refuse, to a contact by one of them. Where there was none, no channel is meant more than
/// another.
fn refused(words: Option<&str>, came_by: Option<ContactChannel>) -> Vec<ContactChannel> {
    let words = words.unwrap_or_default();
    match came_by {
        Some(channel) => refused_by(words, channel),
        None => ContactChannel::iter().filter(|channel| refused_by(words, *channel).contains(channel)).collect(),
    }
}

/// Notes an answer of a lead: its sequences end, as after a reply that came by a provider, and what it refuses is obeyed.
///
/// # Errors
/// `NOT_FOUND`; [`Error::Invalid`] if the contact was to another lead.
pub async fn replied(on: &Services, actor: &Actor, reply: Reply) -> Result<lead::Model> {
    let mut wrong = Violations::default();
    let words = wrong.take_text("reply", reply.words, |text| text::prose(text, Bounds::DESCRIPTION));
    wrong.into_result()?;
    let (id, attempt, words) = (reply.lead, reply.attempt, &words);
    on.write(actor, |w| async move {
        let lead = w.require(id).await?;
        let all = contact_attempt::Entity::to(id);
        let found = match attempt {
            Some(attempt) => all.filter(contact_attempt::Column::Id.eq(attempt)).one(&w).await?,
            None => all.order_by_desc(contact_attempt::Column::StartedAt).limit(1).one(&w).await?,
        };
        if attempt.is_some() && found.is_none() {
            return Err(Error::invalid("contactAttemptId", "this is no contact to that lead"));
        }
        let channel = found.as_ref().map(|row| row.channel);
        match found {
            Some(row) => {
                let row = w.require(row.id).await?;
                let mut result = Map::from_iter([("replied".to_owned(), json!(true))]);
                result.extend(words.as_ref().map(|words| ("reply".to_owned(), json!(words))));
                let status = Some(ContactAttemptStatus::Success);
                let news = News { status, result, is_reply: true, ..News::default() };
                effects::advance(on, &w, &lead, row, news).await?;
            }
            None => drop(end_all(on, &w, id, Ending::Reply).await?),
        }
        let said = Said { source: "an answer that was written down".into(), wording: words.clone(), at: w.now };
        effects::opt_out_of(on, &w, id, &refused(words.as_deref(), channel), &said).await?;
        w.note(Action::LeadReplied, id, json!({ "contactAttemptId": attempt })).await?;
        w.require(id).await
    })
    .await
}

/// Whether the lead was contacted by what has this status.
pub(super) fn has_gone_out(status: Option<ContactAttemptStatus>) -> bool {
    use ContactAttemptStatus::{Delivered, Sent, Success};
    matches!(status, Some(Sent | Delivered | Success))
}

/// The lead, which is locked, was contacted: it is CONTACTED, in the campaign too.
pub(super) async fn contacted(
    w: &Write,
    lead: lead::Model,
    campaign: Option<RetentionCampaignId>,
) -> Result<lead::Model> {
    let id = lead.id;
    let lead = if lead.status.may_become(LeadStatus::Contacted) {
        w.replace(&lead, lead::Model { status: LeadStatus::Contacted, ..lead.clone() }).await?
    } else {
        lead
    };
    if let Some(campaign) = campaign {
        campaign_lead::Entity::contacted(campaign, id).exec(w).await?;
    }
    Ok(lead)
}

/// Requires that a contact ended after it began, and not in time to come: reports go by it.
fn require_end(wrong: &mut Violations, end: Option<DateTime<Utc>>, start: DateTime<Utc>, now: DateTime<Utc>) {
    wrong.require(end.is_none_or(|end| end >= start), "completedAt", "must not lie before startedAt");
    wrong.require(end.is_none_or(|end| end <= now + AHEAD), "completedAt", "must not lie in the future");
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
    // The limits of later contacts go by it.
    wrong.require(started_at <= on.now() + AHEAD, "startedAt", "must not lie in the future");
    wrong.require(started_at >= DateTime::UNIX_EPOCH, "startedAt", "must not lie before 1970");
    require_end(&mut wrong, new.completed_at, started_at, on.now());
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
        tracks_clicks: false,
    })
}
