//! Two leads that are one person become one, with everything that was ever done for either.

use sea_orm::ModelTrait;
use serde_json::{Map, Value as Json, json};

use super::refusal::{self, Said};
use super::{consent, endings};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, require_version};
use domain::id::LeadId;
use domain::retention::words::LeadStatus;
use events::Event;
use storage::Folded;
use storage::retention::{gone_lead, lead, lead_moves};

/// Which two, and how.
#[derive(Debug, Clone, Copy)]
pub struct Merge {
    /// The lead that stays.
    pub keep: LeadId,
    /// The lead that goes.
    pub duplicate: LeadId,
    /// Whether the one that stays takes the email and the phone of the other where it has none. Otherwise they are free.
    pub takes_addresses: bool,
    /// The version of the lead that stays, as the caller has seen it.
    pub expected_version: Option<i32>,
}

/// Merges. Attempts, conversions, consents, campaigns and enrollments move; what the lead that stays has not, it takes; whoever
/// of the two must not be contacted, is not from now on. Where both are in one sequence, the duplicate's enrollment ends.
///
/// # Errors
/// `NOT_FOUND`, [`Error::Invalid`] if both are the same, [`Error::Conflict`] for another version.
pub async fn merge(on: &Services, actor: &Actor, merge: Merge) -> Result<lead::Model> {
    if merge.keep == merge.duplicate {
        return Err(Error::invalid("duplicateId", "must be another lead than keepId"));
    }
    on.write(actor, |w| async move {
        let (kept, duplicate) = both(&w, merge).await?;
        require_version("lead", kept.version, merge.expected_version)?;
        endings::merged(on, &w, duplicate.id, kept.id).await?;
        let had_agreed = consent::has_agreed(&w, kept.id).await?;
        let moved = lead_moves::all(&w, duplicate.id, kept.id).await?;
        // What is outside, such as the links in mails, leads on to the one that stays.
        let had = (refusal::email_hash(on, &duplicate), duplicate.external_id.clone());
        gone_lead::Entity::note(&w, duplicate.id, Some(kept.id), had, w.now).await?;
        let said = Said { source: "a lead that was merged refused it".into(), wording: None, at: w.now };
        refusal::keep(on, &w, &duplicate, &said).await?;
        let gone = duplicate.clone();
        duplicate.clone().delete(&w).await?;
        let mut both = combined(kept.clone(), duplicate, merge.takes_addresses);
        let refused = refusal::absorb(on, &w, &mut both).await?;
        let kept = w.replace(&kept, both).await?;
        refusal::prove(&w, kept.id, &refused).await?;
        refusal::keep(on, &w, &kept, &said).await?;
        // It is one person who has said no: at the addresses that nobody has from now on, too.
        let elsewhere = lead::Model {
            email: gone.email,
            phone: gone.phone,
            telegram_username: gone.telegram_username.clone(),
            ..kept.clone()
        };
        refusal::keep(on, &w, &elsewhere, &said).await?;
        let has_taken_name = gone.telegram_username == kept.telegram_username;
        if !has_taken_name && !had_agreed {
            consent::end_for_name(&w, kept.id, "the lead that was merged had agreed under another Telegram name")
                .await?;
        }
        let metadata = json!({ "duplicate": merge.duplicate, "attempts": moved.attempts,
                "conversions": moved.conversions, "enrollments": moved.enrollments, "campaigns": moved.campaigns });
        w.tell(Event::Report);
        w.note(Action::LeadsMerged, kept.id, metadata).await?;
        Ok(kept)
    })
    .await
}

/// Both rows, locked in the order of their ids: two merges the other way round don't lock each other out.
async fn both(w: &Write, merge: Merge) -> Result<(lead::Model, lead::Model)> {
    let first = w.require(merge.keep.min(merge.duplicate)).await?;
    let second = w.require(merge.keep.max(merge.duplicate)).await?;
    Ok(if first.id == merge.keep { (first, second) } else { (second, first) })
}

/// The lead that stays with what both have. Each field is named: a new one must be decided on here.
fn combined(kept: lead::Model, other: lead::Model, takes_addresses: bool) -> lead::Model {
    let reached = furthest(kept.status_before.unwrap_or(kept.status), other.status_before.unwrap_or(other.status));
    let is_closed = [kept.status, other.status].contains(&LeadStatus::DoNotContact);
    let address = |kept: Option<String>, other: Option<String>| kept.or(other.filter(|_| takes_addresses));
    lead::Model {
        id: kept.id,
        external_id: kept.external_id.or(other.external_id),
        first_name: kept.first_name.or(other.first_name),
        last_name: kept.last_name.or(other.last_name),
        phone: address(kept.phone, other.phone),
        email: address(kept.email, other.email),
        telegram_username: kept.telegram_username.or(other.telegram_username),
        source: kept.source,
        status: if is_closed { LeadStatus::DoNotContact } else { reached },
        status_before: (is_closed && reached != LeadStatus::DoNotContact).then_some(reached),
        no_email: kept.no_email || other.no_email,
        no_sms: kept.no_sms || other.no_sms,
        no_call: kept.no_call || other.no_call,
        no_webhook: kept.no_webhook || other.no_webhook,
        no_telegram: kept.no_telegram || other.no_telegram,
        meta: merged_meta(kept.meta, other.meta),
        notes: joined(kept.notes, other.notes),
        time_zone: kept.time_zone.or(other.time_zone),
        language: kept.language.or(other.language),
        created_at: kept.created_at,
        updated_at: kept.updated_at,
        version: kept.version,
        names_fold: Folded::default(),
    }
}

/// The one that lies further on the way of a lead.
fn furthest(one: LeadStatus, other: LeadStatus) -> LeadStatus {
    let place = |status: &LeadStatus| match status {
        // Before it was closed it was nothing that anybody remembers.
        LeadStatus::DoNotContact => 0,
        LeadStatus::New => 1,
        LeadStatus::InProgress => 2,
        LeadStatus::Contacted => 3,
        LeadStatus::Converted => 4,
    };
    if place(&other) > place(&one) { other } else { one }
}

fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Some(format!("{one}\n\n{other}")),
        (one, other) => one.or(other),
    }
}

/// All custom fields; of those that both have, the values of the first.
fn merged_meta(one: Json, other: Json) -> Json {
    let object = |meta: Json| match meta {
        Json::Object(meta) => meta,
        _ => Map::new(),
    };
    let mut all = object(other);
    all.extend(object(one));
    Json::Object(all)
}
