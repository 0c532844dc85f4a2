//! Conversions: recorded once, matched to a lead, credited to contacts, and what follows from them.

mod credit;
mod matching;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
};
use serde_json::{Value as Json, json};

pub use self::credit::recompute;
pub use self::matching::match_later;
use super::effects;
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{ContactAttemptId, ConversionId, LeadId, RetentionSequenceId};
use domain::retention::states::State;
use domain::retention::words::ConversionStatus;
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::retention::{contact_attempt, conversion, lead};

/// The longest id, source or currency, in characters.
const LONGEST: usize = 255;
/// The most that a conversion brings, in millionths: a thousand million.
const MOST: i64 = 1_000_000_000_000_000;

/// What somebody tells of a conversion.
#[derive(Debug, Clone)]
pub struct Report {
    /// Who tells it, in small letters: keitaro, manual, webhook.
    pub source: String,
    /// The lead, if that is known.
    pub lead: Option<LeadId>,
    /// The contact whose link was clicked, if that is known.
    pub attempt: Option<ContactAttemptId>,
    /// The sub id of the link.
    pub sub_id: Option<String>,
    /// The id of the click.
    pub click_id: Option<String>,
    /// Tells several conversions of one click apart.
    pub transaction_id: Option<String>,
    /// What it stands for.
    pub status: ConversionStatus,
    /// The status in the words of who tells it.
    pub original_status: Option<String>,
    /// What it brought, in millionths; None if that was not told.
    pub revenue_micros: Option<i64>,
    /// Three capitals, as in ISO 4217.
    pub currency: String,
    /// All that was told, as it came.
    pub data: Option<Json>,
    /// Whether one that is only a LEAD ends sequences, too.
    pub lead_converts: bool,
}

/// A conversion that was recorded, and the sequences in which it changed something.
pub type Recorded = (conversion::Model, Vec<RetentionSequenceId>);

/// Records a conversion that a user tells of.
///
/// # Errors
/// What can't be right about it; `NOT_FOUND` for a lead or a contact that is not there.
pub async fn record(on: &Services, actor: &Actor, report: Report) -> Result<conversion::Model> {
    check(&report)?;
    let report = &report;
    let recorded = on.db.write(|tx| async move {
        let tx = &*tx;
        require_named(tx, report).await?;
        let (row, changed) = record_in(on, tx, report).await?;
        let metadata = json!({ "source": row.source, "status": row.status, "leadId": row.lead_id });
        let subject = Subject("Conversion", row.id.0);
        audit::record(on, tx, actor, Action::ConversionRecorded, subject, metadata).await?;
        Ok((row, changed))
    });
    let (row, changed) = recorded.await?;
    for sequence in changed {
        on.tell(Event::Sequence(sequence));
    }
    on.tell(Event::Report);
    on.tell(Event::Audit);
    Ok(row)
}

fn check(report: &Report) -> Result<()> {
    let mut violations = Violations::default();
    let is_short = |text: &Option<String>| text.as_ref().is_none_or(|text| text.chars().count() <= LONGEST);
    let source = &report.source;
    let is_source =
        (1..=50).contains(&source.len()) && source.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    violations.require(is_source, "source", "must be 1 to 50 small letters or _");
    for (field, text) in
        [("subId", &report.sub_id), ("clickId", &report.click_id), ("transactionId", &report.transaction_id)]
    {
        violations.require(is_short(text), field, "must have at most 255 characters");
    }
    let is_named =
        report.sub_id.is_some() || report.click_id.is_some() || report.lead.is_some() || report.attempt.is_some();
    violations.require(is_named, "leadId", "a lead, a contact, a sub id or a click id is wanted");
    let is_amount = report.revenue_micros.is_none_or(|revenue| (-MOST..=MOST).contains(&revenue));
    violations.require(is_amount, "revenue", "must be at most a thousand million");
    let is_currency = report.currency.len() == 3 && report.currency.bytes().all(|byte| byte.is_ascii_uppercase());
    violations.require(is_currency, "currency", "must be a currency such as EUR");
    violations.into_result()
}

async fn require_named(tx: &Tx, report: &Report) -> Result<()> {
    if let Some(id) = report.lead {
        lead::Entity::require(tx, id).await?;
    }
    if let Some(id) = report.attempt {
        let found = contact_attempt::Entity::by_ids(&[id]).one(tx).await?;
        let attempt = found.ok_or(Error::NotFound("contact attempt"))?;
        if report.lead.is_some_and(|lead| lead != attempt.lead_id) {
            return Err(Error::invalid("contactAttemptId", "this is a contact to another lead"));
        }
    }
    Ok(())
}

/// Records what a provider or a user tells, in a larger transaction. Told again it changes nothing; told anew, with a status
/// that may follow the one that is known, the same row moves on.
pub async fn record_in(on: &Services, tx: &Tx, report: &Report) -> Result<Recorded> {
    let found = matching::find(tx, report).await?;
    // The lead before the conversion: in this order all lock.
    let lead = match found.lead {
        Some(id) => lead::Entity::find_by_id(id).lock_exclusive().one(tx).await?,
        None => None,
    };
    let row = match known(tx, report).await? {
        Some(row) => match moved(on, row, report) {
            Ok(row) => row,
            Err(unchanged) => return Ok((*unchanged, Vec::new())),
        },
        None => insert(on, tx, report).await?,
    };
    let row = credit::assign(on, tx, row, lead.as_ref(), found.attempt).await?;
    let changed = follow(on, tx, &row, lead, report.lead_converts).await?;
    Ok((row, changed))
}

/// What a conversion means for its lead.
async fn follow(
    on: &Services,
    tx: &Tx,
    row: &conversion::Model,
    lead: Option<lead::Model>,
    lead_converts: bool,
) -> Result<Vec<RetentionSequenceId>> {
    let counts = match row.status {
        ConversionStatus::Signup | ConversionStatus::Trial | ConversionStatus::Sale => true,
        ConversionStatus::Lead => lead_converts,
        ConversionStatus::Rejected => false,
    };
    match lead {
        Some(lead) if counts => effects::convert(on, tx, lead).await,
        _ => Ok(Vec::new()),
    }
}

/// The click id or the sub id; who has neither is known by the lead or the contact.
fn subject(report: &Report) -> String {
    let told = report.click_id.clone().or_else(|| report.sub_id.clone());
    told.or_else(|| report.attempt.map(|id| id.to_string()))
        .or_else(|| report.lead.map(|id| id.to_string()))
        .unwrap_or_default()
}

async fn known(tx: &Tx, report: &Report) -> Result<Option<conversion::Model>> {
    use conversion::Column;
    let select = conversion::Entity::all()
        .filter(Column::Source.eq(&report.source))
        .filter(Column::SubjectId.eq(subject(report)))
        .filter(Column::TransactionId.eq(report.transaction_id.clone().unwrap_or_default()));
    Ok(select.lock_exclusive().one(tx).await?)
}

/// The row as the report changes it; the row itself if it does not: it is told again, or late.
fn moved(on: &Services, row: conversion::Model, report: &Report) -> Result<conversion::Model, Box<conversion::Model>> {
    if !row.status.may_become(report.status) {
        return Err(Box::new(row));
    }
    let revenue = match report.status {
        // Nothing is left of it.
        ConversionStatus::Rejected => 0,
        _ => report.revenue_micros.unwrap_or(row.revenue_micros),
    };
    Ok(conversion::Model {
        status: report.status,
        original_status: report.original_status.clone(),
        revenue_micros: revenue,
        currency: if report.revenue_micros.is_some() { report.currency.clone() } else { row.currency.clone() },
        postback_data: report.data.clone().or_else(|| row.postback_data.clone()),
        updated_at: on.now(),
        version: row.version + 1,
        ..row
    })
}

/// A new row, which is there from here on.
async fn insert(on: &Services, tx: &Tx, report: &Report) -> Result<conversion::Model> {
    let now = on.now();
    let is_rejected = report.status == ConversionStatus::Rejected;
    let row = conversion::Model {
        id: ConversionId::generate(),
        lead_id: None,
        campaign_id: None,
        contact_attempt_id: None,
        step_id: None,
        channel: None,
        revenue_micros: if is_rejected { 0 } else { report.revenue_micros.unwrap_or_default() },
        currency: report.currency.clone(),
        status: report.status,
        original_status: report.original_status.clone(),
        sub_id: report.sub_id.clone(),
        click_id: report.click_id.clone(),
        source: report.source.clone(),
        subject_id: subject(report),
        transaction_id: report.transaction_id.clone().unwrap_or_default(),
        postback_data: report.data.clone(),
        attribution: None,
        attributed_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let mut key = sea_orm::sea_query::OnConflict::columns([
        conversion::Column::Source,
        conversion::Column::SubjectId,
        conversion::Column::TransactionId,
    ]);
    let made = conversion::Entity::insert(row.clone().into_active_model())
        .on_conflict(key.do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    if made == 0 {
        // The same was told at the same time, and somebody else was quicker: once more.
        return Err(Error::Conflict("the same conversion is just being recorded; repeat it in a moment".into()));
    }
    Ok(row)
}

/// Writes a row that has been changed in memory.
async fn store(tx: &Tx, row: &conversion::Model) -> Result<()> {
    let mut changed = row.clone().into_active_model().reset_all();
    changed.id = sea_orm::ActiveValue::Unchanged(row.id);
    changed.created_at = Set(row.created_at);
    changed.update(tx).await?;
    Ok(())
}
