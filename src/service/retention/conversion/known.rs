//! The conversion that a report is about, among those that are known.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};

use super::Report;
use domain::error::Result;
use domain::id::LeadId;
use domain::retention::keitaro::{self, same};
use domain::retention::same_conversion::{Facts, Pick, pick};
use storage::Noun;
use storage::Tx;
use storage::retention::conversion::{Column, Entity, Model};

/// Conversions of the same ids or lead that are looked at, the newest.
const MOST: u64 = 200;

/// What is known of a report's conversion.
pub(super) enum Known {
    /// It is this one, which is locked.
    Row(Box<Model>),
    /// Nothing.
    Nothing,
    /// Several may be meant.
    Several,
}

/// Finds the conversion that a report of `lead` is about: that of the same click and transaction, or the only one that it may be.
pub(super) async fn known(tx: &Tx, report: &Report, lead: Option<LeadId>) -> Result<Known> {
    let told = told(report, lead);
    let mut rows = of(tx, report, lead).await?;
    let facts: Vec<Facts> = rows.iter().map(|row| facts(row, lead)).collect();
    Ok(match pick(&facts, &told) {
        Pick::Known(index) => Known::Row(Box::new(rows.swap_remove(index))),
        Pick::New => Known::Nothing,
        Pick::Several => Known::Several,
    })
}

/// The conversions that have an id or the lead in common with the report, locked.
async fn of(tx: &Tx, report: &Report, lead: Option<LeadId>) -> Result<Vec<Model>> {
    let subject = super::subject(report);
    let transaction = report.transaction_id.clone().unwrap_or_default();
    let of_source = || Entity::all().filter(Column::Source.eq(&report.source));
    let exact = of_source().filter(Column::SubjectId.is_in(spellings(&[Some(&subject)])));
    let exact = exact.filter(Column::TransactionId.eq(transaction)).lock_exclusive().all(tx).await?;
    if !exact.is_empty() {
        return Ok(exact);
    }
    let ids = spellings(&[Some(&subject), report.sub_id.as_ref(), report.click_id.as_ref()]);
    let mut common = Condition::any()
        .add(Column::SubjectId.is_in(ids.clone()))
        .add(Column::SubId.is_in(ids.clone()))
        .add(Column::ClickId.is_in(ids));
    if let Some(lead) = lead {
        common = common.add(Column::LeadId.eq(lead));
    }
    let select = of_source().filter(common).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    Ok(select.limit(MOST).lock_exclusive().all(tx).await?)
}

/// The ids as they may have been stored: of one that is a UUID, small letters and capitals.
pub(super) fn spellings(ids: &[Option<&String>]) -> Vec<String> {
    let mut all = BTreeSet::new();
    for id in ids.iter().copied().flatten() {
        let plain = same(id);
        if plain != *id || plain.parse::<uuid::Uuid>().is_ok() {
            all.insert(plain.to_uppercase());
        }
        all.extend([id.clone(), plain]);
    }
    all.into_iter().collect()
}

/// A report as it is compared with what is known.
pub(super) fn told(report: &Report, lead: Option<LeadId>) -> Facts {
    Facts {
        click: report.click_id.clone(),
        sub: report.sub_id.clone(),
        subject: super::subject(report),
        transaction: report.transaction_id.clone().unwrap_or_default(),
        status: report.status,
        amount: report.revenue_micros,
        currency: report.currency.clone(),
        is_additional: report.original_status.as_deref().is_some_and(keitaro::is_additional),
        is_unclear: report.original_status.as_deref().is_some_and(|word| !keitaro::is_known(word)),
        is_same_lead: lead.is_some(),
    }
}

/// A conversion as reports are compared with it.
pub(super) fn facts(row: &Model, lead: Option<LeadId>) -> Facts {
    Facts {
        click: row.click_id.clone(),
        sub: row.sub_id.clone(),
        subject: row.subject_id.clone(),
        transaction: row.transaction_id.clone(),
        status: row.status,
        amount: Some(row.revenue_micros),
        currency: row.currency.clone(),
        is_additional: row.original_status.as_deref().is_some_and(keitaro::is_additional),
        is_unclear: row.original_status.as_deref().is_some_and(|word| !keitaro::is_known(word)),
        is_same_lead: lead.is_some() && row.lead_id == lead,
    }
}
