//! The queue of retention: executions that are due are leased, sent and settled. Raw SQL, because each of these moves many
//! rows at once with values of their own.
//!
//! Lock order of every transaction: leads (by id), executions and enrollments, contact attempts, the sequences' hot rows (by id),
//! the audit log, the channel's pace. Whoever changes an enrollment holds its lead.

use std::collections::BTreeMap;
use std::fmt::Write;

use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use crate::Tx;
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::id::{LeadId, RetentionSequenceId, SequenceEnrollmentId};
use domain::retention::schedule_clock::Pace;
use domain::retention::words::{EnrollmentStatus, ExecutionStatus};

pub mod again;
pub mod changes;
pub mod claim;
pub mod counts;
pub mod enroll;
pub mod leases;
pub mod pace;
pub mod standing;
pub mod surroundings;
pub mod write;

/// The changes of a transaction in one sequence: counted from rows that really changed (R9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    enrollments: BTreeMap<&'static str, i32>,
    steps: BTreeMap<&'static str, i32>,
    changed: Vec<SequenceEnrollmentId>,
}

impl Delta {
    /// Notes that an enrollment changed, if only by one of its steps.
    pub fn touched(&mut self, enrollment: SequenceEnrollmentId) {
        self.changed.push(enrollment);
    }

    /// Notes that an enrollment was made (`from` is None), went from one status to another, or was removed (`to` is None).
    pub fn enrollment(&mut self, from: Option<EnrollmentStatus>, to: Option<EnrollmentStatus>) {
        move_one(&mut self.enrollments, from.map(enrollment_column), to.map(enrollment_column));
    }

    /// Notes the change of a step.
    pub fn step(&mut self, from: Option<ExecutionStatus>, to: Option<ExecutionStatus>) {
        move_one(&mut self.steps, from.map(step_column), to.map(step_column));
    }
}

fn move_one(counters: &mut BTreeMap<&'static str, i32>, from: Option<&'static str>, to: Option<&'static str>) {
    if let Some(from) = from {
        *counters.entry(from).or_default() -= 1;
    }
    if let Some(to) = to {
        *counters.entry(to).or_default() += 1;
    }
}

const fn enrollment_column(status: EnrollmentStatus) -> &'static str {
    match status {
        EnrollmentStatus::Active => "active",
        EnrollmentStatus::Paused => "paused",
        EnrollmentStatus::Completed => "completed",
        EnrollmentStatus::Cancelled => "cancelled",
        EnrollmentStatus::Converted => "converted",
    }
}

const fn step_column(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Pending | ExecutionStatus::Scheduled => "steps_scheduled",
        ExecutionStatus::Sent => "steps_sent",
        ExecutionStatus::Delivered => "steps_delivered",
        ExecutionStatus::Failed => "steps_failed",
        ExecutionStatus::Skipped => "steps_skipped",
        ExecutionStatus::Cancelled => "steps_cancelled",
        ExecutionStatus::Unknown => "steps_unknown",
    }
}

/// Changes of several sequences, in the order in which their hot rows are locked.
pub type Deltas = BTreeMap<RetentionSequenceId, Delta>;

#[derive(Serialize)]
struct Changed {
    id: SequenceEnrollmentId,
}

/// Counts the changes and numbers the enrollments that changed: the last writes of a transaction. The number is taken from the
/// sequence's hot row, which is locked from here to the commit, so numbers are committed in their order (R8).
pub async fn record(tx: &Tx, deltas: &Deltas) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    for (sequence, delta) in deltas {
        let mut set = String::new();
        for (column, by) in delta.enrollments.iter().chain(&delta.steps).filter(|(_, by)| **by != 0) {
            write!(set, ", {column} = {column} + ({by})").expect("a string takes all");
        }
        let sql = format!(
            "UPDATE sequence_progress SET version = version + 1, seq = seq + 1{set} WHERE sequence_id = $1 RETURNING seq"
        );
        let Some(row) = tx.query_one_raw(dialect.statement(&sql, [(*sequence).into()])).await? else { continue };
        let seq: i64 = row.try_get("", "seq")?;
        let mut ids = delta.changed.clone();
        ids.sort_unstable();
        ids.dedup();
        let ids: Vec<Changed> = ids.into_iter().map(|id| Changed { id }).collect();
        let sql = format!(
            "UPDATE sequence_enrollments AS n SET change = $1, version = n.version + 1 FROM {} WHERE n.id = r.id",
            dialect.table("$2", &[("id", "uuid")])
        );
        let values: [Value; 2] = [seq.into(), rows(&ids)];
        tx.execute_raw(dialect.statement(&sql, values)).await?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Lead {
    id: LeadId,
}

/// Locks leads in the order of their ids: whoever changes their enrollments does this first. Returns the clock that sequences go by.
pub async fn lock_leads(tx: &Tx, leads: &[LeadId]) -> Result<Pace> {
    let dialect = Dialect(tx.get_database_backend());
    if leads.is_empty() || !dialect.is_postgres() {
        return pace::clock(tx).await;
    }
    let leads: Vec<Lead> = leads.iter().map(|id| Lead { id: *id }).collect();
    let sql = format!(
        "SELECT {} FROM leads l LEFT JOIN sequence_clock k ON k.id = 1
         WHERE l.id IN (SELECT r.id FROM {}) ORDER BY l.id FOR UPDATE OF l",
        pace::CLOCK,
        dialect.table("$1", &[("id", "uuid")])
    );
    let found = tx.query_all_raw(dialect.statement(&sql, [rows(&leads)])).await?;
    // All of them may have been erased meanwhile.
    found.first().map_or(Ok(Pace::REAL), pace::clock_of)
}
