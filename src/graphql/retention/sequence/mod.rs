//! A retention sequence, as it is shown.

use crate::prelude::*;
use crate::retention::enrollment::list::{SequenceEnrollmentFilter, SequenceEnrollmentOrder, enrollments_of};
use ::service::retention::sequence as service;
use domain::id::RetentionSequenceId;
use domain::retention::trigger::{self, TriggerConfig};
use domain::retention::words::{
    ContactChannel, EnrollmentStatus, ExecutionStatus, LeadStatus, RetentionSequenceStatus, SequenceAudience,
    TriggerType,
};
use storage::retention::{sequence, sequence_progress, sequence_step};

pub mod list;
pub mod live;
pub mod mutations;

/// Many steps over many channels, through which leads go.
///
/// DRAFT goes to ACTIVE; ACTIVE to PAUSED or ARCHIVED; PAUSED to ACTIVE or ARCHIVED. Nothing leads out of ARCHIVED.
#[derive(Description)]
pub struct RetentionSequence(sequence::Model);

node!(RetentionSequence: RetentionSequenceId, sequence::Model);

impl RetentionSequence {
    /// The steps that a new enrollment goes through.
    pub(crate) async fn present_steps(&self, ctx: &Context<'_>) -> Result<Vec<SequenceStep>> {
        let key = StepsOf(self.0.id, self.0.steps_version);
        Ok(ctx.loaders().one(key).await?.unwrap_or_default().into_iter().map(Into::into).collect())
    }
}

#[Object(use_type_description)]
impl RetentionSequence {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Notes for people; leads never see them.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How far it is.
    async fn status(&self) -> RetentionSequenceStatus {
        self.0.status
    }

    /// Why it paused by itself, or, of one that is DRAFT or PAUSED, why somebody should look before it is activated: the database was
    /// restored, and steps that it believes to be due may have gone out already; or it was activated in simulation, and contacts go out
    /// for real now. Null if there is no such reason. To activate it is to say that somebody has looked.
    async fn pause_reason(&self) -> Option<&str> {
        self.0.pause_reason.as_deref()
    }

    /// What keeps its steps from going as things are now, in a sentence each: a provider that is not set up or was switched off, a script
    /// that is missing, a campaign that does not run. Empty if nothing does, or if it is not ACTIVE, which says it all.
    async fn obstacles(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        if self.0.status != RetentionSequenceStatus::Active {
            return Ok(Vec::new());
        }
        service::obstacles(ctx.services(), &self.0).boxed().await
    }

    /// By which ways its steps go.
    async fn channels(&self) -> &[ContactChannel] {
        &self.0.channels.0
    }

    /// What enrolls leads, besides `enrollLead`.
    async fn trigger_type(&self) -> TriggerType {
        self.0.trigger_type
    }

    /// For which leads it is.
    async fn audience(&self) -> SequenceAudience {
        self.0.audience
    }

    /// Which leads the trigger enrolls.
    async fn trigger_config(&self) -> SequenceTriggerConfig {
        let config: TriggerConfig = serde_json::from_value(self.0.trigger_config.clone()).unwrap_or_default();
        config.into()
    }

    /// The campaign whose contact hours, days and limits govern it; null: the defaults.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_id(ctx, self.0.campaign_id).await
    }

    /// Rises when its steps are replaced; 0 before there are any. Who is on the way keeps the version with which it began.
    async fn steps_version(&self) -> i32 {
        self.0.steps_version
    }

    /// Its present steps, in order.
    async fn steps(&self, ctx: &Context<'_>) -> Result<Vec<SequenceStep>> {
        self.present_steps(ctx).await
    }

    /// How many enrollments there are, those that have ended too.
    async fn enrollment_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.progress(ctx).await?.map_or(0, |row| row.enrollments()))
    }

    /// How many enrollments are how far; every status is listed.
    async fn enrollment_counts(&self, ctx: &Context<'_>) -> Result<Vec<SequenceEnrollmentCount>> {
        let row = self.progress(ctx).await?;
        Ok(row.map(|row| enrollment_counts(&row)).unwrap_or_default())
    }

    /// How many steps of all enrollments became what; every status is listed.
    async fn execution_counts(&self, ctx: &Context<'_>) -> Result<Vec<SequenceExecutionCount>> {
        let row = self.progress(ctx).await?;
        Ok(row.map(|row| execution_counts(&row)).unwrap_or_default())
    }

    /// Its enrollments, the latest first unless told otherwise.
    async fn enrollments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which enrollments.")] filter: Option<SequenceEnrollmentFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<SequenceEnrollmentOrder>,
    ) -> Result<Connection<SequenceEnrollment>> {
        enrollments_of(ctx, self.0.id, PageArgs::new(ctx, first, after, last, before), filter, order_by).await
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When its settings, its steps or its status were last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change of settings, steps or status. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

impl RetentionSequence {
    async fn progress(&self, ctx: &Context<'_>) -> Result<Option<sequence_progress::Model>> {
        ctx.loaders().one(ProgressOf(self.0.id)).await
    }
}

/// Which leads a trigger enrolls.
#[derive(SimpleObject)]
struct SequenceTriggerConfig {
    /// How many minutes a look reaches behind the one before: an overlap for what was committed late. Nobody is enrolled
    /// twice.
    lookback_minutes: i32,
    /// Only leads from this source; null: from any.
    source: Option<String>,
    /// Only leads with this status; null: with any but `DO_NOT_CONTACT` and `CONVERTED`.
    status: Option<LeadStatus>,
    /// Of `NO_CONVERSION`: how many hours a lead must have been known.
    min_age_hours: i32,
}

impl From<TriggerConfig> for SequenceTriggerConfig {
    fn from(config: TriggerConfig) -> Self {
        let TriggerConfig { lookback_minutes, source, status, min_age_hours } = config;
        Self {
            lookback_minutes: lookback_minutes.unwrap_or(trigger::LOOKBACK),
            source,
            status,
            min_age_hours: min_age_hours.unwrap_or(trigger::MIN_AGE),
        }
    }
}

/// How many enrollments are this far.
#[derive(SimpleObject)]
pub struct SequenceEnrollmentCount {
    /// How far they are.
    status: EnrollmentStatus,
    /// How many there are.
    count: i32,
}

/// How many steps became this.
#[derive(SimpleObject)]
pub struct SequenceExecutionCount {
    /// What became of them.
    pub(super) status: ExecutionStatus,
    /// How many there are.
    pub(super) count: i32,
}

pub(super) fn enrollment_counts(row: &sequence_progress::Model) -> Vec<SequenceEnrollmentCount> {
    use EnrollmentStatus as S;
    let all = [
        (S::Active, row.active),
        (S::Paused, row.paused),
        (S::Completed, row.completed),
        (S::Cancelled, row.cancelled),
        (S::Converted, row.converted),
    ];
    all.into_iter().map(|(status, count)| SequenceEnrollmentCount { status, count }).collect()
}

pub(super) fn execution_counts(row: &sequence_progress::Model) -> Vec<SequenceExecutionCount> {
    use ExecutionStatus as S;
    let all = [
        (S::Scheduled, row.steps_scheduled),
        (S::Sent, row.steps_sent),
        (S::Delivered, row.steps_delivered),
        (S::Failed, row.steps_failed),
        (S::Skipped, row.steps_skipped),
        (S::Cancelled, row.steps_cancelled),
        (S::Unknown, row.steps_unknown),
    ];
    all.into_iter().map(|(status, count)| SequenceExecutionCount { status, count }).collect()
}

question! {
    /// The counters of a sequence.
    pub(crate) ProgressOf(RetentionSequenceId) -> sequence_progress::Model = |db, sequences| {
        let rows = sequence_progress::Entity::by_ids(&sequences).all(db).await?;
        rows.into_iter().map(|row| (row.sequence_id, row)).collect()
    }
}

/// The steps of a sequence under one version.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct StepsOf(RetentionSequenceId, i32);

#[async_trait]
impl Loader<StepsOf> for Reader {
    type Value = Vec<sequence_step::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[StepsOf]) -> Result<HashMap<StepsOf, Self::Value>, LoadError> {
        let (sequences, versions): (Vec<_>, Vec<_>) = keys.iter().map(|key| (key.0, key.1)).unzip();
        let rows = sequence_step::Entity::under(&sequences, &versions).all(self.db.reader()).await;
        let rows = rows.map_err(Error::from)?;
        Ok(grouped(rows.into_iter().map(|row| (StepsOf(row.sequence_id, row.steps_version), row))))
    }
}
