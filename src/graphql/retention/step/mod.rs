//! A step of a sequence, as it is shown and as it is given.

use crate::prelude::*;
use crate::retention::sequence::SequenceExecutionCount;
use domain::id::SequenceStepId;
use domain::retention::conditions::{Conditions, Field};
use domain::retention::words::{ContactChannel, DelayUnit, ExecutionStatus, LeadStatus};
use service::retention::sequence::steps::NewStep;
use storage::retention::queue::counts;
use storage::retention::{execution, sequence_step};

/// One contact of a sequence: which channel, what is said, how long after the step before.
#[derive(Description)]
pub struct SequenceStep(sequence_step::Model);

node!(SequenceStep: SequenceStepId, sequence_step::Model);

#[Object(use_type_description)]
impl SequenceStep {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The id of the step that this is the latest form of: the same in all versions of the sequence's steps. An A/B test goes by it.
    async fn origin_id(&self) -> ID {
        self.0.origin().global()
    }

    /// What it is a part of.
    async fn sequence(&self, ctx: &Context<'_>) -> Result<Option<RetentionSequence>> {
        RetentionSequence::by_id(ctx, self.0.sequence_id).await
    }

    /// The version of the steps that it belongs to. Replaced steps stay, for those who are on the way.
    async fn steps_version(&self) -> i32 {
        self.0.steps_version
    }

    /// Its place, from 1.
    async fn step_order(&self) -> i32 {
        self.0.step_order
    }

    /// By which way leads are contacted.
    async fn channel(&self) -> ContactChannel {
        self.0.channel
    }

    /// What is said; null: the default script of the channel.
    async fn script(&self, ctx: &Context<'_>) -> Result<Option<Script>> {
        Script::by_id(ctx, self.0.script_id).await
    }

    /// How many units after the step before it is due; the first one, after the enrollment.
    async fn delay_value(&self) -> i32 {
        self.0.delay_value
    }

    /// Hours, days of 24 hours, or weeks of seven such days.
    async fn delay_unit(&self) -> DelayUnit {
        self.0.delay_unit
    }

    /// Under which conditions it is done; otherwise it is SKIPPED, and the next step comes.
    async fn conditions(&self) -> StepConditions {
        let conditions: Conditions = serde_json::from_value(self.0.conditions.clone()).unwrap_or_default();
        conditions.into()
    }

    /// Whether it is done at all.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// How many leads it became what for; every status that there is of it is listed.
    async fn execution_counts(&self, ctx: &Context<'_>) -> Result<Vec<SequenceExecutionCount>> {
        let counts = ctx.loaders().one(ExecutionsOf(self.0.id)).await?.unwrap_or_default();
        Ok(counts.into_iter().map(|(status, count)| SequenceExecutionCount { status, count }).collect())
    }

    /// What became of it for each lead that came to it, the latest first.
    async fn executions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SequenceStepExecution>> {
        let list = List::newest(execution::Entity::of_step);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

/// Under which conditions a step is done. All that are given must hold when it is due; an empty list asks for nothing.
#[derive(SimpleObject)]
struct StepConditions {
    /// The lead has one of these statuses.
    lead_statuses: Vec<LeadStatus>,
    /// The lead came from one of these sources.
    lead_sources: Vec<String>,
    /// The lead speaks one of these languages; `en` covers `en-GB` too.
    languages: Vec<String>,
    /// The step before it ended like this.
    previous_statuses: Vec<ExecutionStatus>,
    /// The lead has these custom fields, with these values.
    meta: Vec<MetaCondition>,
}

/// A custom field that a lead must have.
#[derive(SimpleObject)]
struct MetaCondition {
    /// What the field is called.
    name: String,
    /// What must stand in it, as a text.
    value: String,
}

impl From<Conditions> for StepConditions {
    fn from(conditions: Conditions) -> Self {
        let Conditions { lead_statuses, lead_sources, languages, previous_statuses, meta } = conditions;
        let meta = meta.into_iter().map(|Field { name, value }| MetaCondition { name, value }).collect();
        Self { lead_statuses, lead_sources, languages, previous_statuses, meta }
    }
}

/// Under which conditions a step is done. All that are given must hold when it is due.
#[derive(InputObject, Default)]
struct StepConditionsInput {
    /// The lead has one of these statuses.
    lead_statuses: Option<Vec<LeadStatus>>,
    /// The lead came from one of these sources.
    lead_sources: Option<Vec<String>>,
    /// The lead speaks one of these languages; `en` covers `en-GB` too.
    languages: Option<Vec<String>>,
    /// The step before it ended like this: `[SKIPPED, FAILED, UNKNOWN]` is for those whom it did not reach.
    previous_statuses: Option<Vec<ExecutionStatus>>,
    /// The lead has these custom fields, with these values.
    meta: Option<Vec<MetaConditionInput>>,
}

/// A custom field that a lead must have.
#[derive(InputObject)]
struct MetaConditionInput {
    /// What the field is called.
    name: String,
    /// What must stand in it, as a text: `gold`, `3`, `true`.
    value: String,
}

/// A step of a sequence, at its place in the list.
#[derive(InputObject)]
pub struct SequenceStepInput {
    /// The step that it is, of those that the sequence has now: its A/B test goes on with it, whatever changes about it. Where one step has
    /// an id, those without are new. Without any, a step is the one that says the same by the same way.
    id: Option<ID>,
    /// By which way leads are contacted.
    channel: ContactChannel,
    /// What is said: the id of a script for that channel. Without it, the default script of the channel.
    script_id: Option<ID>,
    /// How many units after the step before it is due; the first one, after the enrollment. 0 is at once; at most a year.
    #[graphql(default)]
    delay_value: i32,
    /// Hours, days of 24 hours, or weeks of seven such days; days unless told otherwise.
    #[graphql(default_with = "DelayUnit::Days")]
    delay_unit: DelayUnit,
    /// Under which conditions it is done; without them, always.
    conditions: Option<StepConditionsInput>,
    /// Whether it is done at all.
    #[graphql(default = true)]
    is_active: bool,
}

/// The steps that an input gives.
pub(super) fn read(steps: Vec<SequenceStepInput>) -> Result<Vec<NewStep>> {
    let read = |(index, step): (usize, SequenceStepInput)| {
        let SequenceStepInput { id, channel, script_id, delay_value, delay_unit, conditions, is_active } = step;
        let StepConditionsInput { lead_statuses, lead_sources, languages, previous_statuses, meta } =
            conditions.unwrap_or_default();
        let field = |MetaConditionInput { name, value }| Field { name, value };
        Ok(NewStep {
            id: id.input(&format!("steps.{index}.id"))?,
            channel,
            script: script_id.input(&format!("steps.{index}.scriptId"))?,
            delay_value,
            delay_unit,
            conditions: Conditions {
                lead_statuses: lead_statuses.unwrap_or_default(),
                lead_sources: lead_sources.unwrap_or_default(),
                languages: languages.unwrap_or_default(),
                previous_statuses: previous_statuses.unwrap_or_default(),
                meta: meta.unwrap_or_default().into_iter().map(field).collect(),
            },
            is_active,
        })
    };
    steps.into_iter().enumerate().map(read).collect()
}

question! {
    /// How many executions of a step there are, by status.
    ExecutionsOf(SequenceStepId) -> Vec<(ExecutionStatus, i32)> = |db, steps| {
        let counts = counts::of_steps(db, &steps).await?;
        grouped(counts.into_iter().map(|(step, status, count)| (step, (status, count))))
    }
}
