//! Settling: providers' answers become states of executions, contact attempts, enrollments and leads, in one transaction.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::ledger::Ledger;
use crate::retention::effects::{self, told};
use crate::retention::endings;
use crate::retention::refusal;
use crate::{Services, Write};
use domain::error::Result;
use domain::id::{ContactAttemptId, LeadId, RetentionCampaignId, SequenceEnrollmentId, SequenceStepExecutionId};
use domain::retention::credentials::Provider;
use domain::retention::schedule_clock::Pace;
use domain::retention::verdict::{Outcome, Verdict, judge};
use domain::retention::words::{ContactAttemptStatus, EnrollmentStatus, ExecutionReason, ExecutionStatus};
use events::Event;
use providers::Receipt;
use storage::Tx;
use storage::retention::queue::write::{self, AttemptChange, ExecutionChange};
use storage::retention::queue::{self, leases};
use storage::retention::{enrollment, execution, instantly_lead};

/// The longest error text that is kept, in characters.
const ERROR_LENGTH: usize = 500;

/// The answer that a worker got for one leased contact.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The execution.
    pub execution: SequenceStepExecutionId,
    /// The step's enrollment.
    pub enrollment: SequenceEnrollmentId,
    /// The lead.
    pub lead: LeadId,
    /// For which campaign it was.
    pub campaign: Option<RetentionCampaignId>,
    /// The contact attempt.
    pub attempt: Option<ContactAttemptId>,
    /// The key of its lease.
    pub key: i64,
    /// The outcome; pauses are in everybody's time.
    pub outcome: Outcome,
    /// The provider's receipt.
    pub receipt: Option<Receipt>,
    /// Why it was not taken.
    pub error: Option<String>,
    /// The lead wants nothing more on the channel.
    pub is_opt_out: bool,
    /// There is nobody at the address: nothing more goes there.
    pub is_dead: bool,
    /// The lease was lost with its holder.
    pub is_lost: bool,
}

/// Settles answers. What is no longer under its lease's key stays as it is: settling twice changes nothing (R9).
pub async fn settle(on: &Services, answers: &[Answer]) -> Result<()> {
    on.system_write(|w| async move { within(on, &w, answers).await }).await
}

async fn within(on: &Services, w: &Write, answers: &[Answer]) -> Result<()> {
    let leads: Vec<LeadId> = answers.iter().map(|answer| answer.lead).collect();
    let clock = queue::lock_leads(w, &leads).await?;
    let now = clock.at(on.clock.nanos());
    let (held, enrollments) = held(w, answers).await?;
    let open = |answer: &&Answer| held.get(&answer.execution).is_some_and(|row| row.lease == Some(answer.key));
    let answers: Vec<&Answer> = answers.iter().filter(open).collect();
    let judged: Vec<(&Answer, Verdict)> =
        answers.into_iter().map(|answer| (answer, verdict(answer, &held[&answer.execution], clock, now))).collect();
    let attempts = attempts(w, &judged, now).await?;
    let mut ledger = Ledger::open(w, now, enrollments.values()).await?;
    for (answer, verdict) in &judged {
        let Some(enrollment) = enrollments.get(&answer.enrollment) else { continue };
        let told = answer.attempt.and_then(|id| attempts.get(&id).copied());
        let change = change(answer, &held[&answer.execution], enrollment, verdict, told, now);
        let is_over = change.status != ExecutionStatus::Scheduled;
        let was_made = matches!(verdict.execution, ExecutionStatus::Sent | ExecutionStatus::Unknown);
        ledger.execution(enrollment, change);
        if is_over {
            ledger.advance(enrollment, was_made.then_some(now));
        } else if verdict.reason.is_some() {
            ledger.touched(enrollment);
        }
    }
    let taken = judged.iter().filter(|(_, verdict)| verdict.execution == ExecutionStatus::Sent);
    let taken: Vec<_> = taken.map(|(answer, _)| (answer.lead, answer.campaign)).collect();
    ledger.write_rows_with(w, &taken, w.now).await?;
    ledger.count(w).await?;
    for (answer, _) in judged.iter().filter(|(answer, _)| may_be_at_instantly(answer)) {
        if let Some(campaign) = answer.campaign {
            instantly_lead::Entity::note_step(w, campaign, answer.lead).await?;
        }
    }
    let mut changed = ledger.sequences();
    let mut lines = Vec::new();
    for (answer, _) in judged.iter().filter(|(answer, _)| answer.is_opt_out || answer.is_dead) {
        let (lead, channel) = (answer.lead, held[&answer.execution].channel);
        let said = told(w, if answer.is_opt_out { refusal::BY_PROVIDER } else { refusal::DEAD });
        tracing::info!(%lead, %channel, "nothing more goes to a lead: {}", said.source);
        if effects::mark(on, w, &w.require(lead).await?, channel, &said).await? {
            lines.push((lead, channel, said));
        }
        if answer.is_opt_out {
            changed.extend(endings::opted_out(w, lead, now).await?);
        }
    }
    for (lead, channel, said) in lines {
        effects::note_refusal(w, lead, channel, &said).await?;
    }
    for sequence in changed {
        w.tell(Event::Sequence(sequence));
    }
    Ok(())
}

/// Whether Instantly has the lead from now on, or may have: it is to be told should the lead buy, or want no more.
fn may_be_at_instantly(answer: &Answer) -> bool {
    let by = answer.receipt.as_ref().map_or("", |receipt| receipt.provider);
    by == Provider::Instantly.name() || matches!(answer.outcome, Outcome::Unknown)
}

type Held = (HashMap<SequenceStepExecutionId, execution::Model>, HashMap<SequenceEnrollmentId, enrollment::Model>);

/// The executions that the answers are for, locked, and their enrollments.
async fn held(tx: &Tx, answers: &[Answer]) -> Result<Held> {
    let ids: Vec<_> = answers.iter().map(|answer| answer.execution).collect();
    let (mut executions, mut enrollments) = (HashMap::new(), HashMap::new());
    for (execution, enrollment) in leases::with_enrollments(tx, &ids).await? {
        enrollments.insert(enrollment.id, enrollment);
        if execution.status == ExecutionStatus::Scheduled && execution.lease.is_some() {
            executions.insert(execution.id, execution);
        }
    }
    Ok((executions, enrollments))
}

/// Pauses that a provider asked for are in everybody's time.
fn verdict(answer: &Answer, row: &execution::Model, clock: Pace, now: DateTime<Utc>) -> Verdict {
    let outcome = match answer.outcome {
        Outcome::Wait(pause) => Outcome::Wait(clock.stretched(pause)),
        Outcome::Refused { is_permanent, pause } => {
            Outcome::Refused { is_permanent, pause: pause.map(|pause| clock.stretched(pause)) }
        }
        other => other,
    };
    judge(outcome, row.attempt, now)
}

/// Writes down what became of the contact attempts, and tells what each is now.
async fn attempts(
    tx: &Tx,
    judged: &[(&Answer, Verdict)],
    now: DateTime<Utc>,
) -> Result<HashMap<ContactAttemptId, ContactAttemptStatus>> {
    let (mut changes, mut forgotten) = (Vec::new(), Vec::new());
    for (answer, verdict) in judged {
        let Some(id) = answer.attempt else { continue };
        match verdict.attempt {
            // An answer that there is nobody is a bounce that comes at once.
            Some(ContactAttemptStatus::Failed) if answer.is_dead => {
                changes.push(attempt_change(id, ContactAttemptStatus::Bounced, answer, now));
            }
            Some(status) => changes.push(attempt_change(id, status, answer, now)),
            None => forgotten.push(id),
        }
    }
    write::forget_attempts(tx, &forgotten).await?;
    Ok(write::attempts(tx, &changes).await?.into_iter().collect())
}

fn attempt_change(
    id: ContactAttemptId,
    status: ContactAttemptStatus,
    answer: &Answer,
    now: DateTime<Utc>,
) -> AttemptChange {
    let receipt = answer.receipt.clone().unwrap_or_default();
    let told = (!receipt.result.is_null()).then_some(receipt.result);
    AttemptChange {
        id,
        status,
        provider: (!receipt.provider.is_empty()).then_some(receipt.provider),
        provider_ref: receipt.provider_ref,
        cost_micros: receipt.cost_micros,
        currency: receipt.currency,
        completed_at: now,
        result: told.or_else(|| answer.error.as_deref().map(|error| json!({ "error": kept(error) }))),
    }
}

fn change(
    answer: &Answer,
    row: &execution::Model,
    enrollment: &enrollment::Model,
    verdict: &Verdict,
    told: Option<ContactAttemptStatus>,
    now: DateTime<Utc>,
) -> ExecutionChange {
    let is_live = matches!(enrollment.status, EnrollmentStatus::Active | EnrollmentStatus::Paused);
    let (status, reason) = match (verdict.again, is_live) {
        // Nobody waits for a repetition in an enrollment that has ended.
        (Some(_), false) => (ExecutionStatus::Cancelled, Some(ExecutionReason::Ended)),
        (Some(_), true) => (ExecutionStatus::Scheduled, verdict.reason),
        (None, _) => (report(verdict.execution, told), verdict.reason),
    };
    let is_over = status != ExecutionStatus::Scheduled;
    ExecutionChange {
        id: row.id,
        held: Some(answer.key),
        status,
        reason,
        scheduled_at: verdict.again.filter(|_| !is_over).or(row.scheduled_at).unwrap_or(now),
        next_attempt_at: verdict.again.filter(|_| verdict.counts && !is_over),
        executed_at: is_over.then_some(now),
        tries: i32::from(verdict.counts),
        lost: i32::from(answer.is_lost),
        contact_attempt_id: answer.attempt.filter(|_| verdict.attempt.is_some()),
        holder: None,
        lease: None,
        result: Some(result(answer, verdict)),
    }
}

/// A callback may have been quicker than the answer.
fn report(execution: ExecutionStatus, told: Option<ContactAttemptStatus>) -> ExecutionStatus {
    match (execution, told) {
        (
            ExecutionStatus::Sent | ExecutionStatus::Unknown,
            Some(ContactAttemptStatus::Delivered | ContactAttemptStatus::Success),
        ) => ExecutionStatus::Delivered,
        (
            ExecutionStatus::Sent | ExecutionStatus::Unknown,
            Some(ContactAttemptStatus::Failed | ContactAttemptStatus::Bounced),
        ) => ExecutionStatus::Failed,
        (ExecutionStatus::Unknown, Some(ContactAttemptStatus::Sent)) => ExecutionStatus::Sent,
        _ => execution,
    }
}

/// As the specification has it: `attemptId`, `error`, `retrying`.
fn result(answer: &Answer, verdict: &Verdict) -> Json {
    let mut result = json!({});
    if let Some(attempt) = answer.attempt.filter(|_| verdict.attempt.is_some()) {
        result["attemptId"] = json!(attempt);
    }
    if let Some(error) = &answer.error {
        result["error"] = json!(kept(error));
    }
    if verdict.again.is_some() && verdict.counts {
        result["retrying"] = json!(true);
    }
    result
}

fn kept(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_LENGTH).collect()
}
