//! What ends enrollments before their last step: a conversion, an opt-out, a reply. What was left of them is cancelled.
//!
//! These are parts of larger writes: that which records the conversion, say, holds the lead from here on. Each tells the
//! sequences that it changes.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use super::delivery::ledger::Ledger;
use super::schedule;
use crate::{Services, Write};
use domain::error::Result;
use domain::id::{LeadId, RetentionSequenceId};
use domain::retention::words::{EndReason, EnrollmentStatus, ExecutionStatus, SequenceAudience};
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::retention::queue::{self, Deltas, write};
use storage::retention::{enrollment, execution, sequence};

/// Why all enrollments of a lead end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The lead converted: they are CONVERTED.
    Converted,
    /// The lead wants no more contacts, on one channel or on all: they are CANCELLED.
    OptOut,
    /// The lead replied, so somebody should talk to it now: they are CANCELLED.
    Reply,
}

/// Ends all enrollments of a lead. Returns whether there were any.
pub async fn end_all(on: &Services, w: &Write, lead: LeadId, ending: Ending) -> Result<bool> {
    let now = schedule::now_in(on, w).await?;
    let changed = ended(w, lead, ending, now).await?;
    let were_any = !changed.is_empty();
    tell(w, changed);
    Ok(were_any)
}

/// The lead wants no more contacts: as a part of the transaction that settles a step, which tells the sequences that it is given.
pub async fn opted_out(tx: &Tx, lead: LeadId, now: DateTime<Utc>) -> Result<Vec<RetentionSequenceId>> {
    ended(tx, lead, Ending::OptOut, now).await
}

async fn ended(tx: &Tx, lead: LeadId, ending: Ending, now: DateTime<Utc>) -> Result<Vec<RetentionSequenceId>> {
    let (to, reason) = match ending {
        Ending::Converted => (EnrollmentStatus::Converted, EndReason::Converted),
        Ending::OptOut => (EnrollmentStatus::Cancelled, EndReason::OptOut),
        Ending::Reply => (EnrollmentStatus::Cancelled, EndReason::Reply),
    };
    queue::lock_leads(tx, &[lead]).await?;
    let mut live = enrollment::Entity::with_all(lead).filter(is_live());
    if ending == Ending::Converted {
        // Sequences for those who have converted go on.
        let after = sequence::Entity::find().filter(sequence::Column::Audience.eq(SequenceAudience::Converted));
        let after = after.select_only().column(sequence::Column::Id).into_query();
        live = live.filter(enrollment::Column::SequenceId.not_in_subquery(after));
    }
    let rows = live.all(tx).await?;
    write_ends(tx, &rows, to, reason, now).await
}

/// `duplicate` is about to become `kept`: where both are in one sequence, the duplicate's enrollment is CANCELLED.
pub async fn merged(on: &Services, w: &Write, duplicate: LeadId, kept: LeadId) -> Result<()> {
    queue::lock_leads(w, &[duplicate.min(kept), duplicate.max(kept)]).await?;
    let live = async |lead: LeadId| enrollment::Entity::with_all(lead).filter(is_live()).all(w).await;
    let (mut rows, stays) = (live(duplicate).await?, live(kept).await?);
    rows.retain(|row| stays.iter().any(|other| other.sequence_id == row.sequence_id));
    end(on, w, &rows, EnrollmentStatus::Cancelled, EndReason::Merged).await
}

/// Enrollments that have not ended.
pub fn is_live() -> sea_orm::Condition {
    let live = [EnrollmentStatus::Active, EnrollmentStatus::Paused];
    sea_orm::Condition::all().add(enrollment::Column::Status.is_in(live))
}

/// Ends these enrollments, whose leads the caller holds, and cancels what is scheduled of them. What is in flight is settled as
/// it turns out, and nothing follows it.
pub async fn end(
    on: &Services,
    w: &Write,
    rows: &[enrollment::Model],
    to: EnrollmentStatus,
    reason: EndReason,
) -> Result<()> {
    let now = schedule::now_in(on, w).await?;
    tell(w, write_ends(w, rows, to, reason, now).await?);
    Ok(())
}

fn tell(w: &Write, changed: impl IntoIterator<Item = RetentionSequenceId>) {
    changed.into_iter().for_each(|sequence| w.tell(Event::Sequence(sequence)));
}

/// Returns the sequences that changed.
async fn write_ends(
    tx: &Tx,
    rows: &[enrollment::Model],
    to: EnrollmentStatus,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<Vec<RetentionSequenceId>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let cancelled = write::cancel_scheduled(tx, &ids).await?;
    let mut ledger = Ledger::open(tx, now, std::iter::empty()).await?;
    for row in rows {
        ledger.end(row, to, reason);
        for _ in cancelled.iter().filter(|id| **id == row.id) {
            ledger.delta(row).step(Some(ExecutionStatus::Scheduled), Some(ExecutionStatus::Cancelled));
        }
    }
    ledger.write_rows(tx).await?;
    ledger.count(tx).await?;
    Ok(ledger.sequences())
}

/// The lead is about to be deleted with all that hangs on it: its enrollments and steps are taken out of the counters.
pub async fn forgotten(w: &Write, lead: LeadId) -> Result<()> {
    queue::lock_leads(w, &[lead]).await?;
    let rows = enrollment::Entity::with(lead).all(w).await?;
    let steps = execution::Entity::all()
        .filter(execution::Column::EnrollmentId.is_in(rows.iter().map(|row| row.id)))
        .all(w)
        .await?;
    let mut deltas = Deltas::new();
    for row in &rows {
        let delta = deltas.entry(row.sequence_id).or_default();
        delta.enrollment(Some(row.status), None);
        for step in steps.iter().filter(|step| step.enrollment_id == row.id) {
            delta.step(Some(step.status), None);
        }
    }
    queue::record(w, &deltas).await?;
    tell(w, deltas.into_keys());
    Ok(())
}
