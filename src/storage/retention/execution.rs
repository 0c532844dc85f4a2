//! What became of each step of each enrollment. The row is the queue.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use crate::noun::noun;
use domain::error::Result;
use domain::id::{ContactAttemptId, SenderId, SequenceEnrollmentId, SequenceStepExecutionId, SequenceStepId};
use domain::retention::words::{ContactChannel, ExecutionReason, ExecutionStatus};

/// A step of an enrollment.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sequence_step_executions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SequenceStepExecutionId,
    pub enrollment_id: SequenceEnrollmentId,
    pub step_id: SequenceStepId,
    pub contact_attempt_id: Option<ContactAttemptId>,
    pub status: ExecutionStatus,
    /// Why it was skipped or put off.
    pub reason: Option<ExecutionReason>,
    pub scheduled_at: Option<DateTimeUtc>,
    pub next_attempt_at: Option<DateTimeUtc>,
    pub executed_at: Option<DateTimeUtc>,
    /// Contacts that ended in an answer.
    pub attempt: i32,
    /// Leases that were lost, by a crash or a takeover.
    pub leases: i32,
    /// The process that has leased it.
    pub holder: Option<SenderId>,
    /// The key of the lease: only who has it may settle.
    pub lease: Option<i64>,
    pub leased_until: Option<DateTimeUtc>,
    /// The provider's answer, a JSON object.
    pub result: Option<Json>,
    pub created_at: DateTimeUtc,
    /// The step's: each channel has a queue of its own.
    pub channel: ContactChannel,
}

joins_nothing!();

noun!(SequenceStepExecutionId);

impl Entity {
    /// The executions of enrollments, in order.
    pub fn of_enrollments(enrollments: &[SequenceEnrollmentId]) -> Select<Self> {
        let of_these = Column::EnrollmentId.is_in(enrollments.iter().copied());
        Self::find().filter(of_these).order_by_asc(Column::Id)
    }

    /// The executions whose last contacts these are.
    pub fn of_attempts(attempts: &[ContactAttemptId]) -> Select<Self> {
        Self::find().filter(Column::ContactAttemptId.is_in(attempts.iter().copied()))
    }

    /// The steps of an enrollment.
    pub fn of(enrollment: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::EnrollmentId)).eq(enrollment))
    }

    /// The executions of a step, one for each lead.
    pub fn of_step(step: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::StepId)).eq(step))
    }
}
