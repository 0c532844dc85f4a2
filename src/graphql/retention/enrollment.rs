//! An enrollment, as it is shown, and the executions of its steps.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, Object};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::contact_attempt::ContactAttempt;
use super::lead::{Lead, may_see_contacts};
use super::sequence::RetentionSequence;
use super::step::SequenceStep;
use crate::engine::context::ContextExt;
use crate::engine::id::GlobalId;
use crate::engine::loaders::{Load, LoadError, Reader};
use crate::engine::scalar::{DateTime, Json};
use domain::error::{Error, Result};
use domain::id::{ContactAttemptId, SequenceEnrollmentId, SequenceStepExecutionId};
use domain::retention::words::{EndReason, EnrollmentStatus, ExecutionReason, ExecutionStatus};
use storage::retention::{enrollment, execution};

/// A lead on its way through a sequence.
pub struct SequenceEnrollment(enrollment::Model);

impl From<enrollment::Model> for SequenceEnrollment {
    fn from(row: enrollment::Model) -> Self {
        Self(row)
    }
}

/// A lead on its way through a sequence.
///
/// ACTIVE goes to PAUSED and back, and to COMPLETED after the last step; both go to CONVERTED when the lead converts, and to
/// CANCELLED when it opts out, replies, or somebody ends it. Then it can be enrolled again, as its next attempt.
#[Object]
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
        Ok(found.unwrap_or_default().into_iter().map(SequenceStepExecution).collect())
    }

    /// Rises with each change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

impl SequenceEnrollment {
    /// The enrollment `id`.
    pub async fn by_id(ctx: &Context<'_>, id: SequenceEnrollmentId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
}

/// One step for one lead.
pub struct SequenceStepExecution(execution::Model);

impl From<execution::Model> for SequenceStepExecution {
    fn from(row: execution::Model) -> Self {
        Self(row)
    }
}

/// One step for one lead.
///
/// SCHEDULED goes to SENT and then DELIVERED; to FAILED, or back to SCHEDULED for its one repetition an hour later; to SKIPPED,
/// CANCELLED or UNKNOWN. An UNKNOWN one is never handed over again; the provider may still report what became of it.
#[Object]
impl SequenceStepExecution {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// For which enrollment it is done.
    async fn enrollment(&self, ctx: &Context<'_>) -> Result<Option<SequenceEnrollment>> {
        SequenceEnrollment::by_id(ctx, self.0.enrollment_id).await
    }

    /// Which step is done.
    async fn step(&self, ctx: &Context<'_>) -> Result<Option<SequenceStep>> {
        SequenceStep::by_id(ctx, self.0.step_id).await
    }

    /// The last contact that was made for it.
    async fn contact_attempt(&self, ctx: &Context<'_>) -> Result<Option<ContactAttempt>> {
        match self.0.contact_attempt_id {
            Some(id) => ContactAttempt::by_id(ctx, id).await,
            None => Ok(None),
        }
    }

    /// How far it is.
    async fn status(&self) -> ExecutionStatus {
        self.0.status
    }

    /// Why it was put off, left out or cancelled.
    async fn reason(&self) -> Option<ExecutionReason> {
        self.0.reason
    }

    /// When it is due. What falls outside contact hours or over a limit is put off, never dropped.
    async fn scheduled_at(&self) -> Option<DateTime> {
        self.0.scheduled_at.map(Into::into)
    }

    /// When it is tried again after a failure.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        self.0.next_attempt_at.map(Into::into)
    }

    /// When its fate was known.
    async fn executed_at(&self) -> Option<DateTime> {
        self.0.executed_at.map(Into::into)
    }

    /// Contacts that ended in an answer; it is left out after the second failure.
    #[graphql(name = "attempts")]
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// How often the process that was doing it ended before the answer came.
    async fn leases(&self) -> i32 {
        self.0.leases
    }

    /// What came of it: `attemptId`, `error`, `retrying`. Null if your role may not see how leads are reached.
    async fn result(&self, ctx: &Context<'_>) -> Option<Json> {
        self.0.result.clone().filter(|_| may_see_contacts(ctx)).map(Json)
    }
}

impl SequenceStepExecution {
    /// The execution `id`.
    pub async fn by_id(ctx: &Context<'_>, id: SequenceStepExecutionId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }

    /// The execution whose last contact this is.
    pub async fn of_attempt(ctx: &Context<'_>, id: ContactAttemptId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(ExecutionOf(id)).await?.map(Self))
    }
}

/// Enrollments by id.
impl Loader<SequenceEnrollmentId> for Reader {
    type Value = enrollment::Model;
    type Error = LoadError;

    async fn load(
        &self,
        ids: &[SequenceEnrollmentId],
    ) -> Result<HashMap<SequenceEnrollmentId, enrollment::Model>, LoadError> {
        let rows = enrollment::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Executions by id.
impl Loader<SequenceStepExecutionId> for Reader {
    type Value = execution::Model;
    type Error = LoadError;

    async fn load(
        &self,
        ids: &[SequenceStepExecutionId],
    ) -> Result<HashMap<SequenceStepExecutionId, execution::Model>, LoadError> {
        let rows = execution::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The execution whose last contact this is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ExecutionOf(ContactAttemptId);

impl Loader<ExecutionOf> for Reader {
    type Value = execution::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ExecutionOf]) -> Result<HashMap<ExecutionOf, execution::Model>, LoadError> {
        let rows = execution::Entity::all()
            .filter(execution::Column::ContactAttemptId.is_in(keys.iter().map(|key| key.0)))
            .all(self.db.reader())
            .await
            .map_err(Error::from)?;
        Ok(rows.into_iter().filter_map(|row| Some((ExecutionOf(row.contact_attempt_id?), row))).collect())
    }
}

/// The executions of an enrollment: never more than it has steps, which are 50.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ExecutionsOf(SequenceEnrollmentId);

impl Loader<ExecutionsOf> for Reader {
    type Value = Vec<execution::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[ExecutionsOf]) -> Result<HashMap<ExecutionsOf, Self::Value>, LoadError> {
        let rows = execution::Entity::all()
            .filter(execution::Column::EnrollmentId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(execution::Column::Id)
            .all(self.db.reader())
            .await
            .map_err(Error::from)?;
        let mut found: HashMap<ExecutionsOf, Self::Value> = HashMap::new();
        for row in rows {
            found.entry(ExecutionsOf(row.enrollment_id)).or_default().push(row);
        }
        Ok(found)
    }
}
