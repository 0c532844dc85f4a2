//! An enrollment, as it is shown, and the executions of its steps.

use crate::prelude::*;
use domain::id::SequenceEnrollmentId;
use domain::retention::words::{EndReason, EnrollmentStatus};
use storage::retention::{enrollment, execution};

pub mod list;
pub mod mutations;

/// A lead on its way through a sequence.
///
/// ACTIVE goes to PAUSED and back, and to COMPLETED after the last step; both go to CONVERTED when the lead converts, and to
/// CANCELLED when it opts out, replies, or somebody ends it. Then it can be enrolled again, as its next attempt.
#[derive(Description)]
pub struct SequenceEnrollment(enrollment::Model);

node!(SequenceEnrollment: SequenceEnrollmentId, enrollment::Model);

#[Object(use_type_description)]
impl SequenceEnrollment {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Which sequence the lead goes through.
    async fn sequence(&self, ctx: &Context<'_>) -> Result<Option<RetentionSequence>> {
        RetentionSequence::by_id(ctx, self.0.sequence_id).await
    }

    /// Who is on the way.
    async fn lead(&self, ctx: &Context<'_>) -> Result<Option<Lead>> {
        Lead::by_id(ctx, self.0.lead_id).await
    }

    /// From 1: how many times the lead has been enrolled in this sequence.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// How far it is.
    async fn status(&self) -> EnrollmentStatus {
        self.0.status
    }

    /// The version of the sequence's steps that it goes through.
    async fn steps_version(&self) -> i32 {
        self.0.steps_version
    }

    /// The place of the step that is next or being done, from 1.
    async fn current_step(&self) -> i32 {
        self.0.current_step
    }

    /// Why it ended before the last step; otherwise null.
    async fn end_reason(&self) -> Option<EndReason> {
        self.0.end_reason
    }

    /// When it began.
    async fn enrolled_at(&self) -> DateTime {
        self.0.enrolled_at.into()
    }

    /// When it ended, in whichever way.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(Into::into)
    }

    /// When the last contact was made.
    async fn last_step_at(&self) -> Option<DateTime> {
        self.0.last_step_at.map(Into::into)
    }

    /// What became of each step so far, and the one that is scheduled, in order.
    async fn executions(&self, ctx: &Context<'_>) -> Result<Vec<SequenceStepExecution>> {
        let found = ctx.loaders().one(ExecutionsOf(self.0.id)).await?;
        Ok(found.unwrap_or_default().into_iter().map(Into::into).collect())
    }

    /// Rises with each change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

question! {
    /// The executions of an enrollment: never more than it has steps, which are 50.
    ExecutionsOf(SequenceEnrollmentId) -> Vec<execution::Model> = |db, enrollments| {
        let rows = execution::Entity::of_enrollments(&enrollments).all(db).await?;
        grouped(rows.into_iter().map(|row| (row.enrollment_id, row)))
    }
}
