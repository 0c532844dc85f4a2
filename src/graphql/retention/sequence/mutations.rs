//! Creating, changing, running and deleting retention sequences.

use crate::prelude::*;
use crate::retention::step::{self, SequenceStepInput};
use ::service::retention::sequence as service;
use domain::retention::trigger::TriggerConfig;
use domain::retention::words::{ContactChannel, LeadStatus, SequenceAudience, TriggerType};

/// Which leads a trigger enrolls, each once.
#[derive(InputObject)]
struct SequenceTriggerConfigInput {
    /// How many minutes a look reaches behind the one before, 15 by default, at most a week.
    lookback_minutes: Option<i32>,
    /// Only leads from this source.
    source: Option<String>,
    /// Only leads with this status. NEW: whom nobody has contacted, also those whom a campaign or a sequence has taken already.
    status: Option<LeadStatus>,
    /// Of `NO_CONVERSION`: how many hours a lead must have been known, 24 by default, at most a year.
    min_age_hours: Option<i32>,
}

impl From<SequenceTriggerConfigInput> for TriggerConfig {
    fn from(input: SequenceTriggerConfigInput) -> Self {
        let SequenceTriggerConfigInput { lookback_minutes, source, status, min_age_hours } = input;
        Self { lookback_minutes, source, status, min_age_hours }
    }
}

/// What a new sequence is made of.
#[derive(InputObject)]
struct CreateRetentionSequenceInput {
    /// What people call it: 1 to 200 characters.
    name: String,
    /// Notes, at most 2,000 characters.
    description: Option<String>,
    /// By which ways its steps may go. Left out: by those of its first steps.
    channels: Option<Vec<ContactChannel>>,
    /// What enrolls leads, besides `enrollLead`.
    #[graphql(default_with = "TriggerType::Manual")]
    trigger_type: TriggerType,
    /// Which leads the trigger enrolls.
    trigger_config: Option<SequenceTriggerConfigInput>,
    /// For which leads it is: those who have not converted, or those who have.
    #[graphql(default_with = "SequenceAudience::Open")]
    audience: SequenceAudience,
    /// The id of the campaign whose contact hours, days and limits govern it; without one, the defaults do.
    campaign_id: Option<ID>,
    /// Its first steps, in order, at most 50.
    steps: Option<Vec<SequenceStepInput>>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The sequence that was created.
#[derive(SimpleObject)]
struct CreateRetentionSequencePayload {
    /// The new sequence, a DRAFT.
    sequence: RetentionSequence,
}

/// What is to change of a sequence. What is left out stays.
#[derive(InputObject)]
struct UpdateRetentionSequenceInput {
    /// Which sequence.
    id: ID,
    /// What people call it: 1 to 200 characters.
    name: Option<String>,
    /// Notes, at most 2,000 characters; null removes them.
    description: MaybeUndefined<String>,
    /// By which ways its next steps may go.
    channels: Option<Vec<ContactChannel>>,
    /// What enrolls leads, besides `enrollLead`.
    trigger_type: Option<TriggerType>,
    /// For which leads it is: those who have not converted, or those who have. Who is in it stays.
    audience: Option<SequenceAudience>,
    /// Which leads the trigger enrolls, as a whole.
    trigger_config: Option<SequenceTriggerConfigInput>,
    /// The id of the campaign that governs it; null: the defaults do.
    campaign_id: MaybeUndefined<ID>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The sequence that was changed.
#[derive(SimpleObject)]
struct UpdateRetentionSequencePayload {
    /// The sequence, as it is now.
    sequence: RetentionSequence,
}

/// Which sequence gets which steps.
#[derive(InputObject)]
struct ReplaceSequenceStepsInput {
    /// The sequence that gets them.
    sequence_id: ID,
    /// All of its steps from now on, in order, at most 50.
    steps: Vec<SequenceStepInput>,
    /// Do it only if this is still the sequence's version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The sequence with its new steps.
#[derive(SimpleObject)]
struct ReplaceSequenceStepsPayload {
    /// The sequence, as it is now.
    sequence: RetentionSequence,
    /// What the change has cost, such as an A/B test whose step is there no more: a sentence for each.
    warnings: Vec<String>,
}

/// Which sequence is to be deleted.
#[derive(InputObject)]
struct DeleteRetentionSequenceInput {
    /// Which sequence.
    id: ID,
}

/// The sequence that was deleted.
#[derive(SimpleObject)]
struct DeleteRetentionSequencePayload {
    /// The sequence, as it was.
    sequence: RetentionSequence,
    /// The id that it had.
    deleted_id: ID,
    /// Where more than 10,000 rows name it: the task that takes away what is left. Null otherwise.
    task: Option<Task>,
}

/// Which sequence is to go on.
#[derive(InputObject)]
struct ActivateRetentionSequenceInput {
    /// Which sequence.
    id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The sequence that goes on.
#[derive(SimpleObject)]
struct ActivateRetentionSequencePayload {
    /// The sequence, as it is now.
    sequence: RetentionSequence,
    /// What may be wrong with whom its trigger enrolls, such as a source that no lead has: a sentence for each.
    warnings: Vec<String>,
}

/// Which sequence is to stop for a while.
#[derive(InputObject)]
struct PauseRetentionSequenceInput {
    /// Which sequence.
    id: ID,
}

/// The sequence that stopped.
#[derive(SimpleObject)]
struct PauseRetentionSequencePayload {
    /// The sequence, as it is now.
    sequence: RetentionSequence,
}

/// Which sequence is to end for good.
#[derive(InputObject)]
struct ArchiveRetentionSequenceInput {
    /// Which sequence.
    id: ID,
}

/// The sequence that ended.
#[derive(SimpleObject)]
struct ArchiveRetentionSequencePayload {
    /// The sequence, as it is now.
    sequence: RetentionSequence,
}

/// Changes sequences.
#[derive(Default)]
pub struct SequenceMutation;

#[Object]
impl SequenceMutation {
    /// Makes a sequence of steps, a DRAFT.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn create_retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made of.")] input: CreateRetentionSequenceInput,
    ) -> Result<CreateRetentionSequencePayload> {
        let CreateRetentionSequenceInput {
            name,
            description,
            channels,
            trigger_type,
            trigger_config,
            audience,
            campaign_id,
            steps,
            repeat,
        } = input;
        let new = service::New {
            name,
            description,
            channels: channels.unwrap_or_default(),
            trigger: trigger_type,
            config: trigger_config.map(Into::into).unwrap_or_default(),
            campaign: campaign_id.input("campaignId")?,
            audience,
            steps: step::read(steps.unwrap_or_default())?,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let sequence = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(CreateRetentionSequencePayload { sequence: sequence.into() })
    }

    /// Changes a sequence, but not its steps. Another campaign's contact hours hold from the next step on.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn update_retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sequence, and what.")] input: UpdateRetentionSequenceInput,
    ) -> Result<UpdateRetentionSequencePayload> {
        let UpdateRetentionSequenceInput {
            id,
            name,
            description,
            channels,
            trigger_type,
            trigger_config,
            audience,
            campaign_id,
            expected_version,
        } = input;
        let change = service::Change {
            name,
            description,
            channels,
            trigger: trigger_type,
            config: trigger_config.map(Into::into),
            campaign: campaign_id.map_value(|id| id.input("campaignId")).transpose()?,
            audience,
            expected_version,
        };
        let sequence = service::update(ctx.services(), &ctx.actor(), id.input("id")?, change).boxed().await?;
        Ok(UpdateRetentionSequencePayload { sequence: sequence.into() })
    }

    /// Replaces all steps of a sequence. Who is on the way keeps the old ones; their history stays.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn replace_sequence_steps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sequence, and which steps.")] input: ReplaceSequenceStepsInput,
    ) -> Result<ReplaceSequenceStepsPayload> {
        let ReplaceSequenceStepsInput { sequence_id, steps, expected_version } = input;
        let (id, steps) = (sequence_id.input("sequenceId")?, step::read(steps)?);
        let (on, actor) = (ctx.services(), ctx.actor());
        let sequence = service::steps::replace(on, &actor, id, steps, expected_version).boxed().await?;
        let warnings = service::lost_tests(on.db.reader(), &sequence).await?;
        Ok(ReplaceSequenceStepsPayload { sequence: sequence.into(), warnings })
    }

    /// Deletes a sequence with its steps and enrollments; the contacts that were made stay. It is gone at once; of a large one a `task`
    /// goes on behind the answer. `PRECONDITION_FAILED` while it is ACTIVE or PAUSED.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sequence.")] input: DeleteRetentionSequenceInput,
    ) -> Result<DeleteRetentionSequencePayload> {
        let (sequence, task) = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        let (deleted_id, task) = (sequence.id.global(), task.map(Into::into));
        Ok(DeleteRetentionSequencePayload { sequence: sequence.into(), deleted_id, task })
    }

    /// Lets leads go through a sequence, for the first time or again. It needs an active step. What is overdue by then runs at
    /// the pace of its channel.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn activate_retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sequence.")] input: ActivateRetentionSequenceInput,
    ) -> Result<ActivateRetentionSequencePayload> {
        let ActivateRetentionSequenceInput { id, repeat } = input;
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let id = id.input("id")?;
        let caution = service::caution(on, id).await?;
        let sequence = once(on, &actor, service::activate(on, &actor, id)).await?;
        let warnings = caution.into_iter().chain(service::doubts(on, &sequence).await?).collect();
        Ok(ActivateRetentionSequencePayload { sequence: sequence.into(), warnings })
    }

    /// Pauses a sequence. No step starts after this has answered.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn pause_retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sequence.")] input: PauseRetentionSequenceInput,
    ) -> Result<PauseRetentionSequencePayload> {
        let sequence = service::pause(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(PauseRetentionSequencePayload { sequence: sequence.into() })
    }

    /// Ends a sequence for good. No step starts after this has answered; the enrollments that are left become CANCELLED, many of
    /// them in the seconds that follow.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn archive_retention_sequence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sequence.")] input: ArchiveRetentionSequenceInput,
    ) -> Result<ArchiveRetentionSequencePayload> {
        let sequence = service::archive(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(ArchiveRetentionSequencePayload { sequence: sequence.into() })
    }
}
