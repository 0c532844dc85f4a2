//! One step of a sequence for one lead, as it is shown.

use crate::prelude::*;
use crate::retention::lead::may_see_contacts;
use domain::id::{ContactAttemptId, SequenceStepExecutionId};
use domain::retention::words::{ExecutionReason, ExecutionStatus};
use storage::retention::execution;
use storage::retention::queue::standing;

/// An instant, as the services tell it.
type Instant = chrono::DateTime<chrono::Utc>;

/// One step for one lead.
///
/// SCHEDULED goes to SENT and then DELIVERED; to FAILED, or back to SCHEDULED for its one repetition an hour later; to SKIPPED,
/// CANCELLED or UNKNOWN. An UNKNOWN one is never handed over again; the provider may still report what became of it.
#[derive(Description)]
pub struct SequenceStepExecution(execution::Model);

node!(SequenceStepExecution: SequenceStepExecutionId, execution::Model);

#[Object(use_type_description)]
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
        ContactAttempt::by_id(ctx, self.0.contact_attempt_id).await
    }

    /// How far it is.
    async fn status(&self) -> ExecutionStatus {
        self.0.status
    }

    /// Why it was put off, left out or cancelled, or why it waits; null if it is not due yet, or nothing speaks against it.
    async fn reason(&self, ctx: &Context<'_>) -> Result<Option<ExecutionReason>> {
        if self.0.reason.is_some() || self.0.status != ExecutionStatus::Scheduled {
            return Ok(self.0.reason);
        }
        let is_held = ctx.loaders().one(IsHeld((self.0.id, ctx.services().now()))).await?;
        Ok(is_held.map(|()| ExecutionReason::Held))
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
    /// The execution whose last contact this is.
    pub async fn of_attempt(ctx: &Context<'_>, id: ContactAttemptId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(ExecutionOf(id)).await?.map(Self))
    }
}

question! {
    /// The execution whose last contact this is.
    ExecutionOf(ContactAttemptId) -> execution::Model = |db, attempts| {
        let rows = execution::Entity::of_attempts(&attempts).all(db).await?;
        rows.into_iter().filter_map(|row| Some((row.contact_attempt_id?, row))).collect()
    }
}

question! {
    /// Whether a step waits because something that it belongs to does not run at an instant.
    IsHeld((SequenceStepExecutionId, Instant)) -> () = |db, asked| {
        let ids: Vec<SequenceStepExecutionId> = asked.iter().map(|(id, _)| *id).collect();
        let now = asked.iter().map(|(_, at)| *at).max().unwrap_or_default();
        let held = standing::held(db, &ids, now).await?;
        asked.into_iter().filter(|(id, _)| held.contains(id)).map(|key| (key, ())).collect()
    }
}
