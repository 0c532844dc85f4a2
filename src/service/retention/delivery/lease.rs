//! Leasing steps that are due: contacts are decided and written down before anything is handed over.
//!
//! The way to the database may be long, and a slot may be used for a moment only. So all that is needed is read and decided about
//! first, without a lock ([`Look`]); the transaction then takes hold of the rows, makes sure that they are as they were, writes, and
//! takes its slots last, from where it will end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde_json::json;

use super::ledger::Ledger;
use super::look::{Look, Plan, Planned};
use crate::retention::refusal;
use crate::{Services, Write};
use domain::clock::duration_nanos;
use domain::error::{Error, Result};
use domain::id::{
    ContactAttemptId, LeadId, RetentionCampaignId, RetentionSequenceId, SenderId, SequenceEnrollmentId,
    SequenceStepExecutionId,
};
use domain::pacing::{DEADLINE, HORIZON, Slots};
use domain::retention::pace::{Lead, slots};
use domain::retention::schedule_clock::Pace;
use domain::retention::words::{ContactChannel, EndReason, EnrollmentStatus, ExecutionReason, ExecutionStatus};
use events::Event;
use providers::Contact;
use storage::retention::lead;
use storage::retention::queue::claim::{self, Due, Holder, Moments, Reached};
use storage::retention::queue::pace::{self, Wish};
use storage::retention::queue::write::{self, Entries, ExecutionChange, NewAttempt};
use storage::retention::refusal::marks_of;
use storage::retention::tracked_links;

/// A claim: who leases what.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The channel.
    pub channel: ContactChannel,
    /// Contacts a minute.
    pub rate: i64,
    /// The clock of sequences.
    pub clock: Pace,
    /// The holder.
    pub sender: SenderId,
    /// The holder's epoch.
    pub epoch: i64,
    /// The key of this lease.
    pub key: i64,
    /// How many contacts at most.
    pub limit: i64,
    /// How far ahead slots begin.
    pub lead: Lead,
}

/// A contact that is leased, to be handed over at its slot.
#[derive(Debug)]
pub struct Ready {
    /// The execution.
    pub execution: SequenceStepExecutionId,
    /// The step's enrollment.
    pub enrollment: SequenceEnrollmentId,
    /// The lead.
    pub lead: LeadId,
    /// For which campaign.
    pub campaign: Option<RetentionCampaignId>,
    /// The contact attempt.
    pub attempt: ContactAttemptId,
    /// The key of the lease.
    pub key: i64,
    /// The contact that is handed over.
    pub contact: Contact,
    /// When, in nanoseconds since 1970. Zero, which is long past, for one that got no slot: others were faster.
    pub slot: i64,
}

/// The result of a claim.
#[derive(Debug, Default)]
pub struct Leased {
    /// Contacts, by their slots.
    pub ready: Vec<Ready>,
    /// Steps that were due, of any kind.
    pub found: usize,
    /// Whether something was to be done about any of them.
    pub has_plan: bool,
    /// Whether something was done about any of them.
    pub is_done: bool,
    /// The channel's last slot that is known to be taken.
    pub last_slot: i64,
    /// When the lease was confirmed to be wanted, on the monotonic clock: from then on its time runs.
    pub claimed: Duration,
    /// How long that took which slots must not begin in.
    pub took: Duration,
}

/// Leases steps that are due on one channel.
///
/// # Errors
/// [`Error::Precondition`] if a sequence or a campaign was just paused, everything was stopped, or the sender was taken over; no
/// contact is leased then. After any other error it is not known whether the lease was committed (R10).
pub async fn lease(on: &Services, claim: &Claim) -> Result<Leased> {
    let look = &Box::pin(Look::take(on, claim)).await?;
    let mut leased = Leased { found: look.due.len(), last_slot: look.last_slot, ..Leased::default() };
    let (mut sends, others): (Vec<Planned<'_>>, Vec<Planned<'_>>) =
        look.plan(on).into_iter().partition(|planned| matches!(planned.plan, Plan::Send { .. }));
    leased.has_plan = !(sends.is_empty() && others.is_empty());
    if !others.is_empty() {
        let others = &others;
        leased.is_done = on.system_write(|w| async move { write_off(on, &w, claim, look, others).await }).await?;
    }
    let from = on.clock.nanos() + duration_nanos(claim.lead.time());
    let until = from + duration_nanos(HORIZON);
    let free = slots(from, until, look.last_slot, claim.rate, claim.limit).map_or(0, |slots| slots.count);
    sends.truncate(usize::try_from(free).unwrap_or(0));
    if sends.is_empty() {
        return Ok(leased);
    }
    let (sends, times) = (&sends, &Mutex::new((Duration::ZERO, Duration::ZERO)));
    let given = on.system_write(|w| async move { hand_out(on, &w, claim, look, sends, times).await }).await?;
    let Some((ready, slots)) = given else { return Ok(leased) };
    let (claimed, began) = *times.lock();
    let took = on.clock.monotonic().saturating_sub(began);
    Ok(Leased { ready, last_slot: slots.last, claimed, took, is_done: true, ..leased })
}

/// Of these, what is held by the transaction and is as it was when it was decided about. Whose address somebody said no at, without
/// being known as the lead by then, is not contacted: the lead's row says so from now on.
async fn still<'a, 'b>(
    on: &Services,
    w: &Write,
    claim: &Claim,
    look: &Look,
    planned: &'a [Planned<'b>],
) -> Result<Vec<&'a Planned<'b>>> {
    let by = Holder { sender: claim.sender, epoch: claim.epoch };
    let held = claim::hold(w, by, planned.iter().map(|planned| planned.due), look.now).await?;
    let held = planned.iter().filter(|planned| held.contains(&planned.due.id));
    let held: Vec<&Planned<'b>> = held.collect();
    if held.is_empty() {
        return Ok(held);
    }
    let scripts = held.iter().map(|planned| (planned.due.id, planned.script.map(|script| script.id)));
    let reached: Vec<Reached> = held.iter().flat_map(|planned| reached(on, planned.due)).collect();
    let moments = Moments { since: look.since(), now: on.now() };
    let standing = claim::standing(w, scripts, &reached, moments).await?;
    let is_refused = |planned: &&&Planned<'_>| {
        let now = standing.get(&planned.due.id);
        now.is_some_and(|now| now.refusals > 0 && now.lead == planned.rests_on.lead && !planned.is_refused())
    };
    let refused: Vec<&lead::Model> = held.iter().filter(is_refused).map(|planned| &planned.due.lead).collect();
    refusal::heal(on, w, &refused).await?;
    let stands = |planned: &&Planned<'_>| standing.get(&planned.due.id).is_some_and(|now| planned.stands(now));
    Ok(held.into_iter().filter(stands).collect())
}

/// The addresses of a step's lead, as refusals know them.
fn reached(on: &Services, due: &Due) -> impl Iterator<Item = Reached> + use<> {
    let (id, channel) = (due.id, due.step.channel);
    marks_of(&on.keys.lasting, &due.lead).into_iter().map(move |mark| Reached { id, channel, mark })
}

/// Writes down what is not to be sent. False if there was nothing any more.
async fn write_off(on: &Services, w: &Write, claim: &Claim, look: &Look, planned: &[Planned<'_>]) -> Result<bool> {
    let mut ledger = Ledger::new(look.now, look.steps.clone());
    for planned in still(on, w, claim, look, planned).await? {
        note(&mut ledger, planned, look.now);
    }
    if ledger.is_empty() {
        return Ok(false);
    }
    ledger.write_rows(w).await?;
    ledger.count(w).await?;
    for sequence in ledger.sequences() {
        w.tell(Event::Sequence(sequence));
    }
    Ok(true)
}

fn note(ledger: &mut Ledger, planned: &Planned<'_>, now: DateTime<Utc>) {
    let (due, enrollment) = (planned.due, &planned.due.enrollment);
    match &planned.plan {
        Plan::Send { .. } => {}
        Plan::OptOut => {
            ledger.execution(enrollment, ended(due, ExecutionStatus::Cancelled, ExecutionReason::Ended, now));
            ledger.end(enrollment, EnrollmentStatus::Cancelled, EndReason::OptOut);
        }
        Plan::Cancel => {
            ledger.execution(enrollment, ended(due, ExecutionStatus::Cancelled, ExecutionReason::Ended, now));
        }
        Plan::Defer(at) => {
            let change = ExecutionChange { reason: Some(ExecutionReason::Limits), scheduled_at: *at, ..same(due) };
            ledger.execution(enrollment, change);
            ledger.touched(enrollment);
        }
        Plan::Skip(reason, why) => {
            let result = why.as_ref().map(|why| json!({ "error": why }));
            let change = ended(due, ExecutionStatus::Skipped, *reason, now);
            ledger.execution(enrollment, ExecutionChange { result, ..change });
            ledger.advance(enrollment, None);
        }
    }
}

/// Writes contacts down and takes their slots. No lease is given for a sequence that is not ACTIVE, whose hot row is held from
/// here on, for one whose campaign is PAUSED, or while everything is stopped (R5). `times` are when its time began to run, and when
/// its slots were asked for.
async fn hand_out(
    on: &Services,
    w: &Write,
    claim: &Claim,
    look: &Look,
    sends: &[Planned<'_>],
    times: &Mutex<(Duration, Duration)>,
) -> Result<Option<(Vec<Ready>, Slots)>> {
    let still = still(on, w, claim, look, sends).await?;
    if still.is_empty() {
        return Ok(None);
    }
    let wrote = on.clock.monotonic();
    let (attempts, changes): (Vec<_>, Vec<_>) =
        still.iter().filter_map(|planned| contact(claim, look, planned)).unzip();
    let links: Vec<tracked_links::New> = still.iter().filter_map(|planned| links(planned)).collect();
    let entries = Entries { attempts: &attempts, links: &links, executions: &changes, ..Entries::default() };
    let changed = write::all(w, entries).await?;
    if changed.len() != changes.len() {
        // Both the lead and the execution are locked: nobody can have been faster.
        return Err(Error::internal(anyhow::anyhow!("an execution changed under its lock")));
    }
    // As long as two more statements are likely to take: that which takes the slots, and the commit.
    let ahead = 2 * on.clock.monotonic().saturating_sub(wrote);
    let sequences: Vec<RetentionSequenceId> = still.iter().map(|planned| planned.due.sequence.id).collect();
    claim::require_active(w, &sequences).await?;
    let (began, now) = (on.clock.monotonic(), on.clock.nanos());
    *times.lock() = (began, began);
    let lead = duration_nanos(claim.lead.time().max(ahead).min(DEADLINE / 2));
    let campaigns: Vec<RetentionCampaignId> =
        still.iter().filter_map(|planned| planned.campaign).map(|row| row.id).collect();
    let wish = Wish {
        channel: claim.channel,
        rate: claim.rate,
        from: now + lead,
        until: (now + lead + duration_nanos(HORIZON)).min(now + duration_nanos(DEADLINE)),
        count: i64::try_from(still.len()).unwrap_or(i64::MAX),
        campaigns: &campaigns,
        clocked: on.db.is_clocked().then_some(now),
    };
    let Some(slots) = pace::take(w, wish).await? else {
        if on.db.is_clocked() {
            on.db.doubt();
        }
        return Err(Error::Precondition("others were faster, or a campaign has just been paused".into()));
    };
    let mut given = slots.iter();
    let ready = still.iter().filter_map(|planned| ready(claim, planned, given.next().unwrap_or(0))).collect();
    Ok(Some((ready, slots)))
}

/// The contact that is written down, and what becomes of its execution.
fn contact(claim: &Claim, look: &Look, planned: &Planned<'_>) -> Option<(NewAttempt, ExecutionChange)> {
    let Plan::Send { attempt, tracked } = &planned.plan else { return None };
    let attempt = *attempt;
    let due = planned.due;
    let test = look.assignment(due).and_then(|assignment| assignment.test);
    let new = NewAttempt {
        id: attempt,
        lead_id: due.lead.id,
        campaign_id: planned.campaign.map(|row| row.id),
        step_id: due.step.id,
        script_id: planned.script.map(|script| script.id),
        ab_test_id: test.map(|(id, _)| id),
        ab_variant: test.map(|(_, variant)| variant),
        channel: due.step.channel,
        started_at: look.now,
        tracks_clicks: tracked.tracks_clicks,
    };
    let change = ExecutionChange {
        contact_attempt_id: Some(attempt),
        holder: Some(claim.sender),
        lease: Some(claim.key),
        ..same(due)
    };
    Some((new, change))
}

/// The addresses of links in a contact that don't carry them.
fn links(planned: &Planned<'_>) -> Option<tracked_links::New> {
    let Plan::Send { tracked, .. } = &planned.plan else { return None };
    tracked.links.clone()
}

fn ready(claim: &Claim, planned: &Planned<'_>, slot: i64) -> Option<Ready> {
    let Plan::Send { attempt, tracked } = &planned.plan else { return None };
    let due = planned.due;
    Some(Ready {
        execution: due.id,
        enrollment: due.enrollment.id,
        lead: due.lead.id,
        campaign: planned.campaign.map(|row| row.id),
        attempt: *attempt,
        key: claim.key,
        contact: Contact { attempt: attempt.0, lead: due.lead.id.0, message: tracked.message.clone() },
        slot,
    })
}

/// The execution as it is: scheduled, leased by nobody.
fn same(due: &Due) -> ExecutionChange {
    ExecutionChange {
        id: due.id,
        held: None,
        status: ExecutionStatus::Scheduled,
        reason: None,
        scheduled_at: due.scheduled_at,
        next_attempt_at: None,
        executed_at: None,
        tries: 0,
        lost: 0,
        contact_attempt_id: None,
        holder: None,
        lease: None,
        result: None,
    }
}

fn ended(due: &Due, status: ExecutionStatus, reason: ExecutionReason, now: DateTime<Utc>) -> ExecutionChange {
    ExecutionChange { status, reason: Some(reason), executed_at: Some(now), ..same(due) }
}
