//! What can be watched of sequences: their progress, and each enrollment.

use async_graphql::ComplexObject;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use crate::prelude::*;
use crate::retention::sequence::{
    SequenceEnrollmentCount, SequenceExecutionCount, enrollment_counts, execution_counts,
};
use domain::id::{LeadId, RetentionSequenceId};
use domain::retention::words::RetentionSequenceStatus;
use service::retention::enrollment_updates::{UpdateCursor, chunks};
use service::retention::sequence_live::{Progress, Sequences};
use storage::retention::enrollment;

/// How far a sequence is: a full set of counters, so that nothing is lost with a lost event. Select `sequence` with its id, and
/// a cache that knows things by their ids moves by itself.
#[derive(SimpleObject)]
#[graphql(complex)]
struct SequenceProgress {
    #[graphql(skip)]
    progress: Progress,
    /// Whose counters these are.
    sequence_id: ID,
    /// Rises with each event of this sequence. Give the last one that you have seen as `after` to go on behind it.
    version: i32,
    /// How far the sequence is.
    status: RetentionSequenceStatus,
    /// All enrollments, those that have ended too.
    enrolled: i32,
    /// How many enrollments are how far; every status is listed.
    enrollments: Vec<SequenceEnrollmentCount>,
    /// How many steps became what; every status is listed.
    executions: Vec<SequenceExecutionCount>,
    /// When these counters were read, by the clock that sequences go by.
    at: DateTime,
}

impl From<Progress> for SequenceProgress {
    fn from(progress: Progress) -> Self {
        let Progress { row, at, .. } = &progress;
        Self {
            sequence_id: row.sequence_id.global(),
            version: row.version,
            status: row.status,
            enrolled: row.enrollments(),
            enrollments: enrollment_counts(row),
            executions: execution_counts(row),
            at: (*at).into(),
            progress,
        }
    }
}

#[ComplexObject]
impl SequenceProgress {
    /// The sequence as it is now: as far as these counters at least.
    async fn sequence(&self, ctx: &Context<'_>) -> Result<RetentionSequence> {
        Ok(self.progress.sequence(ctx.services()).await?.into())
    }

    /// Its present steps, in order, each with its own `executionCounts`: as far as these counters at least.
    async fn steps(&self, ctx: &Context<'_>) -> Result<Vec<SequenceStep>> {
        RetentionSequence::from(self.progress.sequence(ctx.services()).await?).present_steps(ctx).await
    }
}

/// An enrollment as it is after a change.
#[derive(SimpleObject)]
struct EnrollmentUpdate {
    /// The update's place among all of the sequence. Give the last one that you have seen as `after` to go on behind it.
    cursor: String,
    /// The enrollment in its present state.
    enrollment: SequenceEnrollment,
}

impl EnrollmentUpdate {
    fn of(row: enrollment::Model) -> Self {
        let place = UpdateCursor { sequence: row.sequence_id, change: row.change, enrollment: row.id };
        Self { cursor: place.to_string(), enrollment: row.into() }
    }
}

/// Watches sequences and enrollments.
#[derive(Default)]
pub struct SequenceSubscription;

#[Subscription]
impl SequenceSubscription {
    /// How far a sequence is: at first as it is now, then each change, with rising versions and at most some events a second;
    /// when it is archived and nobody is on the way any more, its last state, and then the stream completes.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn sequence_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sequence's id.")] id: ID,
        #[graphql(desc = "The last version that was seen: then the present state comes only if it is another.")]
        after: Option<i32>,
    ) -> Result<impl Stream<Item = async_graphql::Result<SequenceProgress>> + use<>> {
        let states = ctx.data_unchecked::<Sequences>().progress(id.argument("id")?, after).await?;
        Ok(states.map(|state| Ok(state?.into())))
    }

    /// The changes of a sequence's enrollments. At first the present state of each, or of those that changed after a cursor; then
    /// each change as it comes. One that changes quickly may skip states, but its last state is always told, and none is told
    /// twice. When the sequence is archived and all was told, the stream completes.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn enrollment_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sequence's id.")] sequence_id: ID,
        #[graphql(desc = "Only the enrollments of this lead.")] lead_id: Option<ID>,
        #[graphql(desc = "Only what came after this update's cursor. Without it, from the beginning.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = async_graphql::Result<EnrollmentUpdate>> + use<>> {
        let sequence: RetentionSequenceId = sequence_id.argument("sequenceId")?;
        let lead: Option<LeadId> = lead_id.argument("leadId")?;
        let after = after.map(|after| UpdateCursor::read(&after, sequence)).transpose()?;
        let chunks = chunks(ctx.services(), sequence, lead, after).await?;
        let updates = chunks.map_ok(|rows| stream::iter(rows.into_iter().map(EnrollmentUpdate::of).map(Ok)));
        Ok(updates.try_flatten().map(|update: Result<EnrollmentUpdate>| Ok(update?)))
    }
}
