//! What ends enrollments before their last step: a conversion, an opt-out, a reply. What was left of them is cancelled.
//!
//! These are parts of larger transactions: that which records the conversion, say, holds the lead from here on. Each returns
//! the sequences that changed, to be told as [`Event::Sequence`](events::Event::Sequence) after the commit.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter};

use super::delivery::ledger::Ledger;
use domain::error::Result;
use domain::id::{LeadId, RetentionSequenceId};
use domain::retention::words::{EndReason, EnrollmentStatus, ExecutionStatus};
use storage::Noun;
use storage::Tx;
use storage::retention::queue::{self, Deltas, write};
use storage::retention::{enrollment, execution};

/// The lead converted: all of its enrollments are CONVERTED.
pub async fn converted(tx: &Tx, lead: LeadId, now: DateTime<Utc>) -> Result<Vec<RetentionSequenceId>> {
    end_all(tx, lead, EnrollmentStatus::Converted, EndReason::Converted, now).await
}

/// The lead wants no more contacts, on one channel or on all: all of its enrollments are CANCELLED.
pub async fn opted_out(tx: &Tx, lead: LeadId, now: DateTime<Utc>) -> Result<Vec<RetentionSequenceId>> {
    end_all(tx, lead, EnrollmentStatus::Cancelled, EndReason::OptOut, now).await
}

/// The lead replied: somebody should talk to it now. All of its enrollments are CANCELLED.
pub async fn replied(tx: &Tx, lead: LeadId, now: DateTime<Utc>) -> Result<Vec<RetentionSequenceId>> {
    end_all(tx, lead, EnrollmentStatus::Cancelled, EndReason::Reply, now).await
}

/// `duplicate` is about to become `kept`: where both are in one sequence, the duplicate's enrollment is CANCELLED.
pub async fn merged(tx: &Tx, duplicate: LeadId, kept: LeadId, now: DateTime<Utc>) -> Result<Vec<RetentionSequenceId>> {
    queue::lock_leads(tx, &[duplicate.min(kept), duplicate.max(kept)]).await?;
    let live = async |lead: LeadId| {
        let is_live = enrollment::Column::Status.is_in([EnrollmentStatus::Active, EnrollmentStatus::Paused]);
        enrollment::Entity::with(lead).filter(is_live).all(tx).await
    };
    let (mut rows, stays) = (live(duplicate).await?, live(kept).await?);
    rows.retain(|row| stays.iter().any(|other| other.sequence_id == row.sequence_id));
    end(tx, &rows, EnrollmentStatus::Cancelled, EndReason::Merged, now).await
}

async fn end_all(
    tx: &Tx,
    lead: LeadId,
    to: EnrollmentStatus,
    reason: EndReason,
    now: DateTime<Utc>,
) -> Result<Vec<RetentionSequenceId>> {
    queue::lock_leads(tx, &[lead]).await?;
    let live = [EnrollmentStatus::Active, EnrollmentStatus::Paused];
    let rows = enrollment::Entity::with(lead).filter(enrollment::Column::Status.is_in(live)).all(tx).await?;
    end(tx, &rows, to, reason, now).await
}

/// Ends these enrollments, whose leads the caller holds, and cancels what is scheduled of them. What is in flight is settled as
/// it turns out, and nothing follows it.
pub async fn end(
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
pub async fn forgotten(tx: &Tx, lead: LeadId) -> Result<Vec<RetentionSequenceId>> {
    queue::lock_leads(tx, &[lead]).await?;
    let rows = enrollment::Entity::with(lead).all(tx).await?;
    let steps = execution::Entity::all()
        .filter(execution::Column::EnrollmentId.is_in(rows.iter().map(|row| row.id)))
        .all(tx)
        .await?;
    let mut deltas = Deltas::new();
    for row in &rows {
        let delta = deltas.entry(row.sequence_id).or_default();
        delta.enrollment(Some(row.status), None);
        for step in steps.iter().filter(|step| step.enrollment_id == row.id) {
            delta.step(Some(step.status), None);
        }
    }
    queue::record(tx, &deltas).await?;
    Ok(deltas.into_keys().collect())
}
