//! Enrollments: a lead goes through a sequence.

use sea_orm::EntityTrait;
use serde_json::json;

use super::delivery::ledger::{Ledger, scheduled};
use super::{endings, schedule};
use crate::access::audit::{self, Subject};
use crate::retention::sequence::steps;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{LeadId, RetentionSequenceId, SequenceEnrollmentId};
use domain::pacing::BARRIER;
use domain::retention::states::State;
use domain::retention::words::{EndReason, EnrollmentStatus, ExecutionStatus, LeadStatus, RetentionSequenceStatus};
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::retention::queue::enroll::NewEnrollment;
use storage::retention::queue::write::{self, EnrollmentChange};
use storage::retention::queue::{self, Deltas};
use storage::retention::{enrollment, lead, sequence};

/// Enrolls a lead in a sequence. Once it has ended, a lead may be enrolled again: that is its next attempt.
///
/// # Errors
/// [`Error::Conflict`] if it is in the sequence; [`Error::Precondition`] if the sequence is neither ACTIVE nor PAUSED, or the lead
/// must not be contacted.
pub async fn enroll(
    on: &Services,
    actor: &Actor,
    sequence: RetentionSequenceId,
    lead: LeadId,
) -> Result<enrollment::Model> {
    let enrolled = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            queue::lock_leads(tx, &[lead]).await?;
            let person = lead::Entity::require(tx, lead).await?;
            if person.status == LeadStatus::DoNotContact {
                return Err(Error::Precondition("the lead must not be contacted".into()));
            }
            let sequence = sequence::Entity::by_ids(&[sequence]).one(tx).await?;
            let sequence = sequence.ok_or(Error::NotFound("retention sequence"))?;
            if !matches!(sequence.status, RetentionSequenceStatus::Active | RetentionSequenceStatus::Paused) {
                let why = format!(
                    "leads are enrolled in sequences that are ACTIVE or PAUSED; this one is {}",
                    sequence.status
                );
                return Err(Error::Precondition(why));
            }
            let attempt = queue::enroll::attempts(tx, sequence.id, lead).await? + 1;
            let wanted = [NewEnrollment { id: SequenceEnrollmentId::generate(), lead_id: lead, attempt }];
            let made = enroll_many(on, tx, &sequence, &wanted).await?;
            let row = made.into_iter().next();
            let row = row.ok_or_else(|| Error::Conflict("the lead is in this sequence already".into()))?;
            let metadata = json!({ "sequenceId": sequence.id, "leadId": lead, "attempt": attempt });
            let subject = Subject("SequenceEnrollment", row.id.0);
            audit::record(on, tx, actor, Action::LeadEnrolled, subject, metadata).await?;
            Ok(row)
        })
        .await?;
    on.tell(Event::Sequence(sequence));
    Ok(enrolled)
}

/// Enrolls leads, which the caller holds, and schedules their first step. Who can't be enrolled is passed over.
pub(super) async fn enroll_many(
    on: &Services,
    tx: &Tx,
    sequence: &sequence::Model,
    wanted: &[NewEnrollment],
) -> Result<Vec<enrollment::Model>> {
    let now = queue::pace::clock(tx).await?.at(on.clock.nanos());
    let steps = steps::of(sequence.id, sequence.steps_version).all(tx).await?;
    let first = steps.into_iter().find(|step| step.is_active);
    let first = first.ok_or_else(|| Error::Precondition("the sequence has no active step".into()))?;
    let made = queue::enroll::enroll(tx, sequence, first.step_order, wanted, now).await?;
    let rows = enrollment::Entity::by_ids(&made).all(tx).await?;
    let executions: Vec<_> = rows.iter().map(|row| scheduled(row, &first, now)).collect();
    write::new_executions(tx, &executions).await?;
    let leads: Vec<_> = rows.iter().map(|row| row.lead_id).collect();
    queue::enroll::in_progress(tx, &leads, on.now()).await?;
    let mut deltas = Deltas::new();
    for row in &rows {
        let delta = deltas.entry(sequence.id).or_default();
        delta.enrollment(None, Some(EnrollmentStatus::Active));
        delta.step(None, Some(ExecutionStatus::Scheduled));
        delta.touched(row.id);
    }
    queue::record(tx, &deltas).await?;
    Ok(rows)
}

/// Stops an enrollment for a while. None of its steps starts after this has returned.
pub async fn pause(on: &Services, actor: &Actor, id: SequenceEnrollmentId) -> Result<enrollment::Model> {
    let paused = enter(on, actor, id, EnrollmentStatus::Paused, Action::EnrollmentPaused).await?;
    on.clock.sleep(BARRIER).await;
    Ok(paused)
}

/// Lets a paused enrollment go on. What is overdue is done as soon as contact hours allow.
pub async fn resume(on: &Services, actor: &Actor, id: SequenceEnrollmentId) -> Result<enrollment::Model> {
    enter(on, actor, id, EnrollmentStatus::Active, Action::EnrollmentResumed).await
}

/// Takes a lead out of a sequence. None of its steps starts after this has returned.
pub async fn cancel(on: &Services, actor: &Actor, id: SequenceEnrollmentId) -> Result<enrollment::Model> {
    let cancelled = enter(on, actor, id, EnrollmentStatus::Cancelled, Action::EnrollmentCancelled).await?;
    on.clock.sleep(BARRIER).await;
    Ok(cancelled)
}

async fn enter(
    on: &Services,
    actor: &Actor,
    id: SequenceEnrollmentId,
    to: EnrollmentStatus,
    action: Action,
) -> Result<enrollment::Model> {
    let changed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let known = enrollment::Entity::by_ids(&[id]).one(tx).await?.ok_or(Error::NotFound("enrollment"))?;
            queue::lock_leads(tx, &[known.lead_id]).await?;
            let row = enrollment::Entity::require(tx, id).await?;
            row.status.require(to)?;
            if to == EnrollmentStatus::Cancelled {
                let now = schedule::now_in(on, tx).await?;
                endings::end(tx, std::slice::from_ref(&row), to, EndReason::Cancelled, now).await?;
            } else {
                switch(on, tx, &row, to).await?;
            }
            let metadata = json!({ "sequenceId": row.sequence_id, "leadId": row.lead_id });
            audit::record(on, tx, actor, action, Subject("SequenceEnrollment", id.0), metadata).await?;
            enrollment::Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound("enrollment"))
        })
        .await?;
    on.tell(Event::Sequence(changed.sequence_id));
    Ok(changed)
}

/// From ACTIVE to PAUSED, or back.
async fn switch(on: &Services, tx: &Tx, row: &enrollment::Model, to: EnrollmentStatus) -> Result<()> {
    let now = schedule::now_in(on, tx).await?;
    let mut ledger = Ledger::open(tx, now, std::iter::empty()).await?;
    ledger.change(
        row,
        EnrollmentChange {
            id: row.id,
            status: to,
            current_step: row.current_step,
            end_reason: None,
            last_step_at: None,
            completed_at: None,
        },
    );
    ledger.write_rows(tx).await?;
    ledger.count(tx).await
}
