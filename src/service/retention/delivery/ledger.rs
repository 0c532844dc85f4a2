//! What one transaction does to executions, enrollments and counters, gathered and then written in a few statements.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use domain::error::{Error, Result};
use domain::id::{LeadId, RetentionCampaignId, RetentionSequenceId, SequenceStepExecutionId};
use domain::retention::delay::delay;
use domain::retention::words::{EndReason, EnrollmentStatus, ExecutionStatus};
use storage::Tx;
use storage::retention::queue::write::{EnrollmentChange, Entries, ExecutionChange, NewExecution};
use storage::retention::queue::{self, Delta, Deltas, write};
use storage::retention::{enrollment, sequence_step};

/// Steps of a sequence under one version, by their order. They never change: a sequence gets new ones under another version.
pub type Steps = Arc<HashMap<(RetentionSequenceId, i32), Vec<sequence_step::Model>>>;

/// The writes of one transaction.
#[derive(Debug)]
pub struct Ledger {
    now: DateTime<Utc>,
    steps: Steps,
    executions: Vec<ExecutionChange>,
    enrollments: Vec<EnrollmentChange>,
    made: Vec<NewExecution>,
    deltas: Deltas,
}

impl Ledger {
    /// An empty ledger at `now`, for these enrollments.
    pub async fn open<'a>(
        tx: &Tx,
        now: DateTime<Utc>,
        enrollments: impl Iterator<Item = &'a enrollment::Model>,
    ) -> Result<Self> {
        Ok(Self::new(now, steps(tx, enrollments).await?))
    }

    /// An empty ledger at `now`, for enrollments in sequences of these steps.
    pub fn new(now: DateTime<Utc>, steps: Steps) -> Self {
        Self { now, steps, executions: Vec::new(), enrollments: Vec::new(), made: Vec::new(), deltas: Deltas::new() }
    }

    /// Notes what an execution of `enrollment` becomes. It was SCHEDULED.
    pub fn execution(&mut self, enrollment: &enrollment::Model, change: ExecutionChange) {
        if change.status != ExecutionStatus::Scheduled {
            let delta = self.delta(enrollment);
            delta.step(Some(ExecutionStatus::Scheduled), Some(change.status));
            delta.touched(enrollment.id);
        }
        self.executions.push(change);
    }

    /// Notes a change that only shows when one looks closely: it is told, but counts nothing.
    pub fn touched(&mut self, enrollment: &enrollment::Model) {
        self.delta(enrollment).touched(enrollment.id);
    }

    /// The step that `enrollment` is at is done: the next active one is scheduled, or the enrollment is complete. One that has
    /// ended meanwhile stays ended.
    pub fn advance(&mut self, enrollment: &enrollment::Model, sent_at: Option<DateTime<Utc>>) {
        let mut change = EnrollmentChange {
            id: enrollment.id,
            status: enrollment.status,
            current_step: enrollment.current_step,
            end_reason: enrollment.end_reason,
            last_step_at: sent_at,
            completed_at: enrollment.completed_at,
        };
        if matches!(enrollment.status, EnrollmentStatus::Active | EnrollmentStatus::Paused) {
            if let Some((order, next)) = self.after(enrollment) {
                change.current_step = order;
                self.made.push(next);
                self.delta(enrollment).step(None, Some(ExecutionStatus::Scheduled));
            } else {
                change.status = EnrollmentStatus::Completed;
                change.completed_at = Some(self.now);
                self.delta(enrollment).enrollment(Some(enrollment.status), Some(EnrollmentStatus::Completed));
            }
        }
        self.touched(enrollment);
        self.enrollments.push(change);
    }

    /// An enrollment ends before its last step.
    pub fn end(&mut self, enrollment: &enrollment::Model, to: EnrollmentStatus, reason: EndReason) {
        let delta = self.delta(enrollment);
        delta.enrollment(Some(enrollment.status), Some(to));
        delta.touched(enrollment.id);
        self.enrollments.push(EnrollmentChange {
            id: enrollment.id,
            status: to,
            current_step: enrollment.current_step,
            end_reason: Some(reason),
            last_step_at: None,
            completed_at: Some(self.now),
        });
    }

    /// An enrollment changes its status and goes on.
    pub fn change(&mut self, enrollment: &enrollment::Model, change: EnrollmentChange) {
        let delta = self.delta(enrollment);
        delta.enrollment(Some(enrollment.status), Some(change.status));
        delta.touched(enrollment.id);
        self.enrollments.push(change);
    }

    /// Sequences in which something changed.
    pub fn sequences(&self) -> Vec<RetentionSequenceId> {
        self.deltas.keys().copied().collect()
    }

    /// The counts for the sequence of `enrollment`.
    pub fn delta(&mut self, enrollment: &enrollment::Model) -> &mut Delta {
        self.deltas.entry(enrollment.sequence_id).or_default()
    }

    /// Whether no execution changes.
    pub const fn is_empty(&self) -> bool {
        self.executions.is_empty()
    }

    /// Writes the rows.
    pub async fn write_rows(&self, tx: &Tx) -> Result<()> {
        self.write_rows_with(tx, &[], self.now).await
    }

    /// Writes the rows, and that a provider took contacts to these leads, for these campaigns, at `now` of everybody's clock.
    pub async fn write_rows_with(
        &self,
        tx: &Tx,
        contacted: &[(LeadId, Option<RetentionCampaignId>)],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (executions, enrollments, made) = (&self.executions, &self.enrollments, &self.made);
        let entries = Entries { executions, enrollments, made, contacted, now, ..Entries::default() };
        let changed = write::all(tx, entries).await?;
        if changed.len() != self.executions.len() {
            // Both the lead and the execution are locked: nobody can have been faster.
            return Err(Error::internal(anyhow::anyhow!("an execution changed under its lock")));
        }
        Ok(())
    }

    /// Counts and numbers the changes: the last writes of the transaction.
    pub async fn count(&self, tx: &Tx) -> Result<()> {
        queue::record(tx, &self.deltas).await
    }

    /// The step after the one that `enrollment` is at.
    fn after(&self, enrollment: &enrollment::Model) -> Option<(i32, NewExecution)> {
        let steps = self.steps.get(&(enrollment.sequence_id, enrollment.steps_version))?;
        let next = steps.iter().find(|step| step.is_active && step.step_order > enrollment.current_step)?;
        Some((next.step_order, scheduled(enrollment, next, self.now)))
    }
}

/// The execution of `step`, due its delay after `now`.
pub fn scheduled(enrollment: &enrollment::Model, step: &sequence_step::Model, now: DateTime<Utc>) -> NewExecution {
    NewExecution {
        id: SequenceStepExecutionId::generate(),
        enrollment_id: enrollment.id,
        step_id: step.id,
        channel: step.channel,
        scheduled_at: now + delay(step.delay_value, step.delay_unit),
        created_at: now,
    }
}

/// The steps of the sequences that these enrollments go through.
pub async fn steps<'a>(
    db: &impl ConnectionTrait,
    enrollments: impl Iterator<Item = &'a enrollment::Model>,
) -> Result<Steps> {
    use sequence_step::Column;
    let mut versions: Vec<_> = enrollments.map(|row| (row.sequence_id, row.steps_version)).collect();
    versions.sort_unstable();
    versions.dedup();
    if versions.is_empty() {
        return Ok(Steps::default());
    }
    let rows = sequence_step::Entity::find()
        .filter(Column::SequenceId.is_in(versions.iter().map(|(id, _)| *id)))
        .filter(Column::StepsVersion.is_in(versions.iter().map(|(_, version)| *version)))
        .order_by_asc(Column::StepOrder)
        .all(db)
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry((row.sequence_id, row.steps_version)).or_default().push(row);
    }
    Ok(Arc::new(found))
}
