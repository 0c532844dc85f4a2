//! Enrolling leads, and stopping them on their way.

use crate::prelude::*;
use ::service::retention::enrollment as service;

/// Who is to go through which sequence.
#[derive(InputObject)]
struct EnrollLeadInput {
    /// The sequence, which is ACTIVE or PAUSED.
    sequence_id: ID,
    /// The lead, who may be contacted and is not on the way through it.
    lead_id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The enrollment that was made.
#[derive(SimpleObject)]
struct EnrollLeadPayload {
    /// The new enrollment, with its first step scheduled.
    enrollment: SequenceEnrollment,
}

/// Which enrollment is to stop for a while.
#[derive(InputObject)]
struct PauseEnrollmentInput {
    /// Which enrollment.
    id: ID,
}

/// The enrollment that stopped.
#[derive(SimpleObject)]
struct PauseEnrollmentPayload {
    /// The enrollment, as it is now.
    enrollment: SequenceEnrollment,
}

/// Which enrollment is to go on.
#[derive(InputObject)]
struct ResumeEnrollmentInput {
    /// Which enrollment.
    id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The enrollment that goes on.
#[derive(SimpleObject)]
struct ResumeEnrollmentPayload {
    /// The enrollment, as it is now.
    enrollment: SequenceEnrollment,
}

/// Which enrollment is to end.
#[derive(InputObject)]
struct CancelEnrollmentInput {
    /// Which enrollment.
    id: ID,
}

/// The enrollment that ended.
#[derive(SimpleObject)]
struct CancelEnrollmentPayload {
    /// The enrollment, as it is now.
    enrollment: SequenceEnrollment,
}

/// Changes enrollments.
#[derive(Default)]
pub struct EnrollmentMutation;

#[Object]
impl EnrollmentMutation {
    /// Lets a lead go through a sequence. CONFLICT while it is on the way through it; once that has ended, this is its next
    /// attempt.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn enroll_lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which lead, and which sequence.")] input: EnrollLeadInput,
    ) -> Result<EnrollLeadPayload> {
        let EnrollLeadInput { sequence_id, lead_id, repeat } = input;
        let (sequence, lead) = (sequence_id.input("sequenceId")?, lead_id.input("leadId")?);
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let enrollment = once(on, &actor, service::enroll(on, &actor, sequence, lead)).await?;
        Ok(EnrollLeadPayload { enrollment: enrollment.into() })
    }

    /// Stops an enrollment for a while. None of its steps starts after this has answered.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn pause_enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which enrollment.")] input: PauseEnrollmentInput,
    ) -> Result<PauseEnrollmentPayload> {
        let enrollment = service::pause(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(PauseEnrollmentPayload { enrollment: enrollment.into() })
    }

    /// Lets a paused enrollment go on where it stopped.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn resume_enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which enrollment.")] input: ResumeEnrollmentInput,
    ) -> Result<ResumeEnrollmentPayload> {
        let ResumeEnrollmentInput { id, repeat } = input;
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let enrollment = once(on, &actor, service::resume(on, &actor, id.input("id")?)).await?;
        Ok(ResumeEnrollmentPayload { enrollment: enrollment.into() })
    }

    /// Takes a lead out of a sequence: the enrollment is CANCELLED. None of its steps starts after this has answered.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn cancel_enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which enrollment.")] input: CancelEnrollmentInput,
    ) -> Result<CancelEnrollmentPayload> {
        let enrollment = service::cancel(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(CancelEnrollmentPayload { enrollment: enrollment.into() })
    }
}
