//! Enrollments: a lead goes through a sequence.

use sea_orm::EntityTrait;
use serde_json::json;

use super::delivery::ledger::{Ledger, scheduled};
use super::{endings, schedule};
use crate::retention::sequence::steps;
use crate::{Actor, Services, Write, barrier};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{LeadId, RetentionSequenceId, SequenceEnrollmentId};
use domain::retention::states::State;
use domain::retention::words::{
    EndReason, EnrollmentStatus, ExecutionStatus, LeadStatus, RetentionSequenceStatus, SequenceAudience,
};
use events::Event;
use storage::Noun;
use storage::retention::queue::enroll::NewEnrollment;
use storage::retention::queue::write::{self, EnrollmentChange, Entries};
use storage::retention::queue::{self, Deltas};
use storage::retention::{enrollment, lead, sequence};

/// Enrolls a lead in a sequence. Once it has ended, a lead may be enrolled again: that is its next attempt.
///
/// # Errors
/// [`Error::Conflict`] if it is in the sequence; [`Error::Precondition`] if the sequence is neither ACTIVE nor PAUSED, or the lead
/// must not be contacted, or is not of the sequence's audience.
pub async fn enroll(
    on: &Services,
    actor: &Actor,
    sequence: RetentionSequenceId,
    lead: LeadId,
) -> Result<enrollment::Model> {
    on.write(actor, |w| async move {
        queue::lock_leads(&w, &[lead]).await?;
        let person = w.require(lead).await?;
        if person.status == LeadStatus::DoNotContact {
            return Err(Error::Precondition("the lead must not be contacted".into()));
        }
        let sequence = sequence::Entity::by_ids(&[sequence]).one(&w).await?;
        let sequence = sequence.ok_or(Error::NotFound("retention sequence"))?;
        if !matches!(sequence.status, RetentionSequenceStatus::Active | RetentionSequenceStatus::Paused) {
            let why =
                format!("leads are enrolled in sequences that are ACTIVE or PAUSED; this one is {}", sequence.status);
            return Err(Error::Precondition(why));
        }
        require_audience(&sequence, &person)?;
        let attempt = queue::enroll::attempts(&w, sequence.id, lead).await? + 1;
        let wanted = [NewEnrollment { id: SequenceEnrollmentId::generate(), lead_id: lead, attempt }];
        let made = enroll_many(on, &w, &sequence, &wanted).await?;
        let row = made.into_iter().next();
        let row = row.ok_or_else(|| Error::Conflict("the lead is in this sequence already".into()))?;
        let metadata = json!({ "sequenceId": sequence.id, "leadId": lead, "attempt": attempt });
        w.note(Action::LeadEnrolled, row.id, metadata).await?;
        Ok(row)
    })
    .await
}

/// Refuses a lead of whom the sequence is not.
fn require_audience(sequence: &sequence::Model, lead: &lead::Model) -> Result<()> {
    let has_converted = lead.status == LeadStatus::Converted;
    match sequence.audience {
        SequenceAudience::Open if has_converted => Err(Error::Precondition(
            "the lead has converted, and this sequence is for those who have not: one whose audience is CONVERTED may write to it".into(),
        )),
        SequenceAudience::Converted if !has_converted => Err(Error::Precondition(format!(
            "this sequence is for leads that have converted, and the lead is {}",
            lead.status
        ))),
        _ => Ok(()),
    }
}

/// Enrolls leads, which the caller holds, and schedules their first step. Who can't be enrolled is passed over.
pub(super) async fn enroll_many(
    on: &Services,
    w: &Write,
    sequence: &sequence::Model,
    wanted: &[NewEnrollment],
) -> Result<Vec<enrollment::Model>> {
    let now = queue::pace::clock(w).await?.at(on.clock.nanos());
    let steps = steps::of(sequence.id, sequence.steps_version).all(w).await?;
    let first = steps.into_iter().find(|step| step.is_active);
    let first = first.ok_or_else(|| Error::Precondition("the sequence has no active step".into()))?;
    let made = queue::enroll::enroll(w, sequence, first.step_order, wanted, now).await?;
    let rows = enrollment::Entity::by_ids(&made).all(w).await?;
    let executions: Vec<_> = rows.iter().map(|row| scheduled(row, &first, now)).collect();
    write::all(w, Entries { made: &executions, ..Entries::default() }).await?;
    let leads: Vec<_> = rows.iter().map(|row| row.lead_id).collect();
    queue::enroll::in_progress(w, &leads, w.now).await?;
    let mut deltas = Deltas::new();
    for row in &rows {
        let delta = deltas.entry(sequence.id).or_default();
        delta.enrollment(None, Some(EnrollmentStatus::Active));
        delta.step(None, Some(ExecutionStatus::Scheduled));
        delta.touched(row.id);
    }
    queue::record(w, &deltas).await?;
    if !rows.is_empty() {
        w.tell(Event::Sequence(sequence.id));
    }
    Ok(rows)
}

/// Stops an enrollment for a while. None of its steps starts after this has returned.
pub async fn pause(on: &Services, actor: &Actor, id: SequenceEnrollmentId) -> Result<enrollment::Model> {
    let paused = enter(on, actor, id, EnrollmentStatus::Paused, Action::EnrollmentPaused).await?;
    barrier::wait(on).await;
    Ok(paused)
}

/// Lets a paused enrollment go on. What is overdue is done as soon as contact hours allow.
pub async fn resume(on: &Services, actor: &Actor, id: SequenceEnrollmentId) -> Result<enrollment::Model> {
    enter(on, actor, id, EnrollmentStatus::Active, Action::EnrollmentResumed).await
}

/// Takes a lead out of a sequence. None of its steps starts after this has returned.
pub async fn cancel(on: &Services, actor: &Actor, id: SequenceEnrollmentId) -> Result<enrollment::Model> {
    let cancelled = enter(on, actor, id, EnrollmentStatus::Cancelled, Action::EnrollmentCancelled).await?;
    barrier::wait(on).await;
    Ok(cancelled)
}

async fn enter(
    on: &Services,
    actor: &Actor,
    id: SequenceEnrollmentId,
    to: EnrollmentStatus,
    action: Action,
) -> Result<enrollment::Model> {
    on.write(actor, |w| async move {
        let known = enrollment::Entity::by_ids(&[id]).one(&w).await?.ok_or(Error::NotFound("enrollment"))?;
        queue::lock_leads(&w, &[known.lead_id]).await?;
        let row = w.require(id).await?;
        row.status.require(to)?;
        if to == EnrollmentStatus::Cancelled {
            endings::end(on, &w, std::slice::from_ref(&row), to, EndReason::Cancelled).await?;
        } else {
            switch(on, &w, &row, to).await?;
        }
        w.note(action, id, json!({ "sequenceId": row.sequence_id, "leadId": row.lead_id })).await?;
        enrollment::Entity::find_by_id(id).one(&w).await?.ok_or(Error::NotFound("enrollment"))
    })
    .await
}

/// From ACTIVE to PAUSED, or back.
async fn switch(on: &Services, w: &Write, row: &enrollment::Model, to: EnrollmentStatus) -> Result<()> {
    let now = schedule::now_in(on, w).await?;
    let mut ledger = Ledger::open(w, now, std::iter::empty()).await?;
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
    ledger.write_rows(w).await?;
    ledger.count(w).await?;
    w.tell(Event::Sequence(row.sequence_id));
    Ok(())
}
