//! The hot row of a sequence: its counters, and the number of its last change. Changed last in each transaction (R7).

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{Condition, IdenStatic, Iterable, UpdateMany, Value};

use crate::sql::Dialect;
use domain::error::{Error, Result};
use domain::id::RetentionSequenceId;
use domain::retention::words::{EnrollmentStatus, RetentionSequenceStatus};

/// Where a sequence stands.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sequence_progress")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence_id: RetentionSequenceId,
    /// As the sequence's: leases look at this one.
    pub status: RetentionSequenceStatus,
    /// Rises with every change.
    pub version: i32,
    /// The number of the last change of enrollments.
    pub seq: i64,
    /// Enrollments by status.
    pub active: i32,
    pub paused: i32,
    pub completed: i32,
    pub cancelled: i32,
    pub converted: i32,
    /// Step executions by status.
    pub steps_scheduled: i32,
    pub steps_sent: i32,
    pub steps_delivered: i32,
    pub steps_failed: i32,
    pub steps_skipped: i32,
    pub steps_cancelled: i32,
    pub steps_unknown: i32,
}

joins_nothing!();

impl Entity {
    /// The row of a sequence.
    pub fn of(sequence: RetentionSequenceId) -> Select<Self> {
        Self::find_by_id(sequence)
    }

    /// The rows of these sequences.
    pub fn by_ids(sequences: &[RetentionSequenceId]) -> Select<Self> {
        Self::find().filter(Column::SequenceId.is_in(sequences.iter().copied()))
    }

    /// Archived sequences that still have live enrollments.
    pub fn unswept() -> Select<Self> {
        let is_left = Condition::any().add(Column::Active.gt(0)).add(Column::Paused.gt(0));
        Self::find().filter(Column::Status.eq(RetentionSequenceStatus::Archived)).filter(is_left)
    }

    /// Writes the sequence's new status, for leases.
    pub fn enter(sequence: RetentionSequenceId, status: RetentionSequenceStatus) -> UpdateMany<Self> {
        Self::update_many()
            .col_expr(Column::Status, Expr::value(status))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::SequenceId.eq(sequence))
    }
}

impl Column {
    /// The counter of the enrollments with a status.
    pub const fn of(status: EnrollmentStatus) -> Self {
        match status {
            EnrollmentStatus::Active => Self::Active,
            EnrollmentStatus::Paused => Self::Paused,
            EnrollmentStatus::Completed => Self::Completed,
            EnrollmentStatus::Cancelled => Self::Cancelled,
            EnrollmentStatus::Converted => Self::Converted,
        }
    }
}

/// How many enrollments of all sequences, or of one, have these statuses, or any: a sum over the sequences, not over their enrollments.
pub async fn enrollments(
    db: &impl ConnectionTrait,
    sequence: Option<RetentionSequenceId>,
    statuses: Option<&[EnrollmentStatus]>,
) -> Result<u64> {
    // Each once, however often it is asked for.
    let wanted = EnrollmentStatus::iter().filter(|one| statuses.is_none_or(|statuses| statuses.contains(one)));
    let counters: Vec<&str> = wanted.map(|one| Column::of(one).as_str()).collect();
    if counters.is_empty() {
        return Ok(0);
    }
    let sum = counters.join(" + ");
    let which = if sequence.is_some() { "WHERE sequence_id = $1" } else { "" };
    let sql = format!("SELECT CAST(COALESCE(SUM({sum}), 0) AS bigint) AS enrolled FROM sequence_progress {which}");
    let values = sequence.map(Value::from);
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(&sql, values)).await?;
    let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("a sum has no row")))?;
    Ok(u64::try_from(row.try_get::<i64>("", "enrolled")?).unwrap_or_default())
}

impl Model {
    /// How many enrollments have these statuses, or any.
    pub fn enrolled(&self, statuses: Option<&[EnrollmentStatus]>) -> u64 {
        let count = |status: EnrollmentStatus| match status {
            EnrollmentStatus::Active => self.active,
            EnrollmentStatus::Paused => self.paused,
            EnrollmentStatus::Completed => self.completed,
            EnrollmentStatus::Cancelled => self.cancelled,
            EnrollmentStatus::Converted => self.converted,
        };
        let wanted = EnrollmentStatus::iter().filter(|one| statuses.is_none_or(|statuses| statuses.contains(one)));
        u64::try_from(wanted.map(count).sum::<i32>()).unwrap_or_default()
    }

    /// The row of a new sequence.
    pub fn new(sequence: RetentionSequenceId) -> Self {
        Self {
            sequence_id: sequence,
            status: RetentionSequenceStatus::Draft,
            version: 1,
            seq: 0,
            active: 0,
            paused: 0,
            completed: 0,
            cancelled: 0,
            converted: 0,
            steps_scheduled: 0,
            steps_sent: 0,
            steps_delivered: 0,
            steps_failed: 0,
            steps_skipped: 0,
            steps_cancelled: 0,
            steps_unknown: 0,
        }
    }

    /// Enrollments in all, those that have ended too.
    pub const fn enrollments(&self) -> i32 {
        self.active + self.paused + self.completed + self.cancelled + self.converted
    }

    /// Whether nothing can change any more.
    pub fn has_ended(&self) -> bool {
        self.status == RetentionSequenceStatus::Archived && self.active == 0 && self.paused == 0
    }
}
