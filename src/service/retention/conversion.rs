//! Conversions: recorded once, matched to a lead, credited to contacts, and what follows from them.

mod correct;
mod credit;
mod known;
mod matching;
mod recompute;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value as Json, json};

use self::known::Known;

pub use self::correct::{Correction, correct, delete};
pub use self::matching::{map_later, match_later};
pub use self::recompute::{Recomputed, recompute};
pub(crate) use self::recompute::{drop_computed, recompute_chunk};
use super::effects;
use crate::once::{Again, Done};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{ContactAttemptId, ConversionId, LeadId};
use domain::retention::keitaro;
use domain::retention::same_conversion::says_more;
use domain::retention::words::{ContactAttemptStatus, ConversionStatus, LeadStatus};
use domain::violation::OnUnique;
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::retention::{contact_attempt, conversion, lead};

/// The longest id, source or currency, in characters.
const LONGEST: usize = 255;
/// Conversions of a lead that are looked at, the newest, when one of them is taken back.
const OTHERS: u64 = 500;
/// The most that a conversion brings, in millionths: a thousand million.
const MOST: i64 = 1_000_000_000_000_000;

/// A report of a conversion.
#[derive(Debug, Clone)]
pub struct Report {
    /// The reporter, in small letters: keitaro, manual, webhook.
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
    /// The revenue, in millionths; None if that was not told.
    pub revenue_micros: Option<i64>,
    /// Three capitals, as in ISO 4217.
    pub currency: String,
    /// All that was told, as it came.
    pub data: Option<Json>,
    /// Whether one that is only a LEAD ends sequences, too.
    pub lead_converts: bool,
}

/// Records a conversion that a user tells of.
///
/// # Errors
/// What can't be right about it; `NOT_FOUND` for a lead or a contact that is not there.
pub async fn record(on: &Services, actor: &Actor, report: Report) -> Result<Recorded> {
    check(&report)?;
    let report = &report;
    on.write(actor, |w| async move {
        require_named(&w, report).await?;
        let (row, change) = find_or_record(on, &w, report).await?.ok_or_else(unclear)?;
        let is_new = change == Change::New;
        let metadata = json!({ "source": row.source, "status": row.status, "leadId": row.lead_id, "isNew": is_new });
        w.note_answer(Action::ConversionRecorded, row.id, metadata, &is_new).await?;
        Ok(Recorded { conversion: row, is_new })
    })
    .await
}

/// A conversion that somebody has told of.
#[derive(Debug)]
pub struct Recorded {
    /// The conversion, as it is now.
    pub conversion: conversion::Model,
    /// Whether it was not known before.
    pub is_new: bool,
}

impl Again for Recorded {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let is_new = done.answer(|told| told["isNew"].as_bool().unwrap_or_default())?;
        Ok(Self { conversion: conversion::Model::again(on, done).await?, is_new })
    }
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

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A conversion that was not known before.
    New,
    /// One that is known has moved on.
    Moved,
    /// It says nothing that is not known.
    Nothing,
    /// Several that are known may be meant: none was changed.
    Several,
}

/// Records what a provider tells, in a larger write. Told again it changes nothing; told anew, with a status that may follow the one
/// that is known, the same row moves on.
pub async fn record_in(on: &Services, w: &Write, report: &Report) -> Result<Change> {
    Ok(find_or_record(on, w, report).await?.map_or(Change::Several, |(_, change)| change))
}

/// The conversion and what became of it; None where several may be meant.
async fn find_or_record(on: &Services, w: &Write, report: &Report) -> Result<Option<(conversion::Model, Change)>> {
    let found = matching::find(w, report).await?;
    // The lead before the conversion: in this order all lock.
    let lead = locked(w, found.lead).await?;
    let old = match known::known(w, report, found.lead).await? {
        Known::Row(row) => Some(*row),
        Known::Nothing => None,
        Known::Several => return Ok(None),
    };
    let new = match &old {
        Some(old) if !says_more(&known::facts(old, None), &known::told(report, None)) => {
            return Ok(Some((old.clone(), Change::Nothing)));
        }
        Some(old) => moved(old.clone(), report),
        None => fresh(report, w.now),
    };
    // A report that names nobody we know may be about a conversion of somebody's.
    let lead = match lead {
        None => locked(w, old.as_ref().and_then(|old| old.lead_id)).await?,
        lead => lead,
    };
    let clicked = found.attempt.or_else(|| old.as_ref().and_then(credit::clicked));
    let new = credit::assign(on, w, new, lead.as_ref(), clicked).await?;
    let row = match &old {
        Some(old) => w.replace(old, new).await.on_any_unique(just_recorded)?,
        None => insert(w, new).await?,
    };
    w.tell(Event::Report);
    let is_over = old.as_ref().is_some_and(|old| old.status != row.status) && row.status == ConversionStatus::Rejected;
    match lead {
        Some(lead) if is_over => taken_back(w, lead, report.lead_converts).await?,
        lead => follow(on, w, &row, lead, report.lead_converts).await?,
    }
    Ok(Some((row, if old.is_none() { Change::New } else { Change::Moved })))
}

async fn locked(w: &Write, lead: Option<LeadId>) -> Result<Option<lead::Model>> {
    match lead {
        Some(id) => Ok(lead::Entity::find_by_id(id).lock_exclusive().one(w).await?),
        None => Ok(None),
    }
}

fn unclear() -> Error {
    let why =
        "several conversions that are known may be meant: name the transactionId, the clickId or the subId of the one";
    Error::Precondition(why.into())
}

/// A conversion of the lead, which is locked, was taken back. Without another one it has not converted, and can be written to again:
/// it is where its contacts have brought it.
async fn taken_back(w: &Write, lead: lead::Model, lead_converts: bool) -> Result<()> {
    use conversion::Column;
    let others = conversion::Entity::all()
        .filter(Column::LeadId.eq(lead.id))
        .filter(Column::Status.ne(ConversionStatus::Rejected));
    let others = others.order_by_desc(Column::CreatedAt).limit(OTHERS).all(w).await?;
    if others.iter().any(|other| counts(other, lead_converts)) {
        return Ok(());
    }
    let gone_out = [ContactAttemptStatus::Sent, ContactAttemptStatus::Delivered, ContactAttemptStatus::Success];
    let contacts = contact_attempt::Entity::to(lead.id).filter(contact_attempt::Column::Status.is_in(gone_out));
    let is_contacted = contacts.limit(1).one(w).await?.is_some();
    let reached = if is_contacted { LeadStatus::Contacted } else { LeadStatus::InProgress };
    let new = match lead.status {
        LeadStatus::Converted => lead::Model { status: reached, ..lead.clone() },
        LeadStatus::DoNotContact if lead.status_before == Some(LeadStatus::Converted) => {
            lead::Model { status_before: Some(reached), ..lead.clone() }
        }
        _ => return Ok(()),
    };
    w.replace(&lead, new).await.map(drop)
}

/// Whether somebody has converted by it.
fn counts(row: &conversion::Model, lead_converts: bool) -> bool {
    match row.status {
        ConversionStatus::Signup | ConversionStatus::Trial | ConversionStatus::Sale => true,
        // Of a word that nobody understands nothing follows.
        ConversionStatus::Lead => lead_converts && row.original_status.as_deref().is_none_or(keitaro::is_known),
        ConversionStatus::Rejected => false,
    }
}

/// Draws the consequences of a conversion for its lead.
async fn follow(
    on: &Services,
    w: &Write,
    row: &conversion::Model,
    lead: Option<lead::Model>,
    lead_converts: bool,
) -> Result<()> {
    match lead {
        Some(lead) if counts(row, lead_converts) => effects::convert(on, w, lead).await,
        _ => Ok(()),
    }
}

/// The click id or the sub id; who has neither is known by the lead or the contact.
fn subject(report: &Report) -> String {
    let told = report.click_id.clone().or_else(|| report.sub_id.clone());
    told.map(|id| keitaro::same(&id))
        .or_else(|| report.attempt.map(|id| id.to_string()))
        .or_else(|| report.lead.map(|id| id.to_string()))
        .unwrap_or_default()
}

/// The row as the report changes it.
fn moved(row: conversion::Model, report: &Report) -> conversion::Model {
    let revenue = match report.status {
        // Nothing is left of it.
        ConversionStatus::Rejected => 0,
        _ => report.revenue_micros.unwrap_or(row.revenue_micros),
    };
    let click_id = report.click_id.clone().or_else(|| row.click_id.clone());
    let transaction = report.transaction_id.clone().filter(|_| row.transaction_id.is_empty());
    conversion::Model {
        sub_id: report.sub_id.clone().or_else(|| row.sub_id.clone()),
        // From now on it is known by the click.
        subject_id: report.click_id.as_deref().map_or_else(|| row.subject_id.clone(), keitaro::same),
        click_id,
        transaction_id: transaction.unwrap_or_else(|| row.transaction_id.clone()),
        status: report.status,
        original_status: report.original_status.clone(),
        revenue_micros: revenue,
        currency: if report.revenue_micros.is_some() { report.currency.clone() } else { row.currency.clone() },
        postback_data: report.data.clone().or_else(|| row.postback_data.clone()),
        ..row
    }
}

/// A conversion of which nothing was told before.
fn fresh(report: &Report, now: DateTime<Utc>) -> conversion::Model {
    let is_rejected = report.status == ConversionStatus::Rejected;
    conversion::Model {
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
    }
}

async fn insert(w: &Write, row: conversion::Model) -> Result<conversion::Model> {
    let mut key = sea_orm::sea_query::OnConflict::columns([
        conversion::Column::Source,
        conversion::Column::SubjectId,
        conversion::Column::TransactionId,
    ]);
    let made = conversion::Entity::insert(row.clone().into_active_model())
        .on_conflict(key.do_nothing().to_owned())
        .exec_without_returning(w)
        .await?;
    if made == 0 {
        // The same was told at the same time, and somebody else was quicker: once more.
        return Err(just_recorded());
    }
    Ok(row)
}

fn just_recorded() -> Error {
    Error::Conflict("the same conversion is just being recorded; repeat it in a moment".into())
}
