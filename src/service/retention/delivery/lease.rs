//! Leasing steps that are due: contacts are decided and written down before anything is handed over.

use chrono::{DateTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::json;

use super::hooks::{self, Answers};
use super::ledger::Ledger;
use super::message::{Known, message};
use crate::retention::unsubscribe;
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::{
    ContactAttemptId, LeadId, RetentionCampaignId, SenderId, SequenceEnrollmentId, SequenceStepExecutionId,
};
use domain::pacing::Slots;
use domain::retention::conditions::{Conditions, Facts};
use domain::retention::decision::{Case, Decision};
use domain::retention::frequency::{Limits, Touch};
use domain::retention::window::Window;
use domain::retention::words::{
    ContactChannel, ContactDay, EndReason, EnrollmentStatus, ExecutionReason, ExecutionStatus, LeadStatus,
    RetentionSequenceStatus,
};
use events::Event;
use providers::{Contact, Message};
use storage::Tx;
use storage::retention::queue::claim::{self, Due, Surroundings};
use storage::retention::queue::write::{self, ExecutionChange, NewAttempt};
use storage::retention::queue::{self, pace};
use storage::retention::{campaign, enrollment, lead, script, sequence_step};

/// Steps that one claim looks at, at least: those that are put off or left out take no slot.
const LOOK: i64 = 100;
/// How far back contacts count. Longer than any day, and than any delay between channels.
const MEMORY: TimeDelta = TimeDelta::days(8);
/// Text messages, calls and Telegram reach people where they are: without hours of a campaign, in the day only.
const DAYTIME: (u32, u32) = (9 * 60, 20 * 60);
/// Contacts to one lead on one day, over all sequences, unless its campaign says otherwise.
const PER_DAY: u32 = 5;

/// A claim: who leases what.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The channel.
    pub channel: ContactChannel,
    /// Contacts a minute.
    pub rate: i64,
    /// The holder.
    pub sender: SenderId,
    /// The holder's epoch.
    pub epoch: i64,
    /// The key of this lease.
    pub key: i64,
    /// How many contacts at most.
    pub limit: i64,
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
    /// When, in nanoseconds since 1970.
    pub slot: i64,
}

/// The result of a claim.
#[derive(Debug, Default)]
pub struct Leased {
    /// Contacts, by their slots.
    pub ready: Vec<Ready>,
    /// Steps that were due, of any kind.
    pub found: usize,
    /// Whether one of them waits for a slot.
    pub is_held_up: bool,
    /// Whether nothing could be done about any of them.
    pub is_idle: bool,
}

/// Leases steps that are due on one channel.
///
/// # Errors
/// [`Error::Precondition`] if a sequence was just paused or the sender was taken over; nothing has happened then. After any other
/// error it is not known whether the lease was committed (R10).
pub async fn lease(on: &Services, claim: &Claim) -> Result<Leased> {
    on.system_write(|w| async move {
        let mut round = Round::begin(on, &w, claim).await?;
        for due in std::mem::take(&mut round.due) {
            round.decide(&due);
        }
        round.finish(&w).await
    })
    .await
}

/// One claim, while it is being decided.
struct Round<'a> {
    on: &'a Services,
    claim: &'a Claim,
    now: DateTime<Utc>,
    due: Vec<Due>,
    slots: std::vec::IntoIter<i64>,
    last_slot: Option<i64>,
    around: Surroundings,
    answers: Answers,
    ledger: Ledger,
    attempts: Vec<NewAttempt>,
    leased: Leased,
    sending: Vec<domain::id::RetentionSequenceId>,
}

impl<'a> Round<'a> {
    async fn begin(on: &'a Services, tx: &Tx, claim: &'a Claim) -> Result<Self> {
        claim::require_sender(tx, claim.sender, claim.epoch).await?;
        let now = pace::clock(tx).await?.at(on.clock.nanos());
        let slots = pace::free(tx, claim.channel, claim.rate, on.clock.nanos(), claim.limit).await?;
        let slots: Vec<i64> = slots.into_iter().flat_map(Slots::iter).collect();
        let due = claim::due(tx, claim.channel, now, claim.limit.max(LOOK)).await?;
        let mut around =
            if due.is_empty() { Surroundings::default() } else { Surroundings::read(tx, &due, now - MEMORY).await? };
        let answers = if due.is_empty() { Answers::default() } else { hooks::ask(on, tx, &due, &around, now).await? };
        around.also(tx, answers.assignments.values().map(|one| one.script)).await?;
        let ledger = Ledger::open(tx, now, around.enrollments.values()).await?;
        let leased = Leased { found: due.len(), ..Leased::default() };
        Ok(Self {
            on,
            claim,
            now,
            due,
            slots: slots.into_iter(),
            last_slot: None,
            around,
            answers,
            ledger,
            attempts: Vec::new(),
            leased,
            sending: Vec::new(),
        })
    }

    /// Decides about one step. What lacks a row of its own (a step that was just deleted) is left for its cascade.
    fn decide(&mut self, due: &Due) {
        let Some(enrollment) = self.around.enrollments.get(&due.enrollment_id).cloned() else { return };
        let Some(lead) = self.around.leads.get(&due.lead_id).cloned() else { return };
        let Some(step) = self.around.steps.get(&due.step_id).cloned() else { return };
        if lead.status == LeadStatus::DoNotContact && enrollment.status == EnrollmentStatus::Active {
            self.ledger
                .execution(&enrollment, ended(due, ExecutionStatus::Cancelled, ExecutionReason::Ended, self.now));
            return self.ledger.end(&enrollment, EnrollmentStatus::Cancelled, EndReason::OptOut);
        }
        let attempt = ContactAttemptId::generate();
        let said = self.message(&enrollment, &lead, &step, attempt);
        match self.case(&enrollment, &lead, &step, said.is_ok()).decide(self.now) {
            Decision::Leave => {}
            Decision::Cancel => {
                let change = ended(due, ExecutionStatus::Cancelled, ExecutionReason::Ended, self.now);
                self.ledger.execution(&enrollment, change);
            }
            Decision::Defer(at) => {
                let change = ExecutionChange { reason: Some(ExecutionReason::Limits), scheduled_at: at, ..same(due) };
                self.ledger.execution(&enrollment, change);
                self.ledger.touched(&enrollment);
            }
            Decision::Skip(reason) => {
                let why = said.as_ref().err().filter(|_| reason == ExecutionReason::NoScript);
                let result = why.map(|why| json!({ "error": why }));
                let change = ended(due, ExecutionStatus::Skipped, reason, self.now);
                self.ledger.execution(&enrollment, ExecutionChange { result, ..change });
                self.ledger.advance(&enrollment, None);
            }
            Decision::Send => match (said, self.slots.next()) {
                (Ok(said), Some(slot)) => self.send(due, &enrollment, &step, attempt, said, slot),
                _ => self.leased.is_held_up = true,
            },
        }
    }

    fn send(
        &mut self,
        due: &Due,
        enrollment: &enrollment::Model,
        step: &sequence_step::Model,
        attempt: ContactAttemptId,
        said: Message,
        slot: i64,
    ) {
        let test = self.answers.assignments.get(&(step.id, due.lead_id)).and_then(|assignment| assignment.test);
        let campaign = self.campaign(enrollment).map(|row| row.id);
        self.attempts.push(NewAttempt {
            id: attempt,
            lead_id: due.lead_id,
            campaign_id: campaign,
            step_id: step.id,
            script_id: self.script(step, due.lead_id).map(|script| script.id),
            ab_test_id: test.map(|(id, _)| id),
            ab_variant: test.map(|(_, variant)| variant),
            channel: step.channel,
            started_at: self.now,
        });
        // Another sequence's step for the same lead, in the same claim, sees this contact.
        let touch = Touch { channel: step.channel, at: self.now };
        self.around.touches.entry(due.lead_id).or_default().push(touch);
        let change = ExecutionChange {
            contact_attempt_id: Some(attempt),
            holder: Some(self.claim.sender),
            lease: Some(self.claim.key),
            ..same(due)
        };
        self.ledger.execution(enrollment, change);
        self.sending.push(due.sequence_id);
        self.last_slot = Some(slot);
        self.leased.ready.push(Ready {
            execution: due.id,
            enrollment: due.enrollment_id,
            lead: due.lead_id,
            campaign,
            attempt,
            key: self.claim.key,
            contact: Contact { attempt: attempt.0, lead: due.lead_id.0, message: said },
            slot,
        });
    }

    /// Writes it all down. No lease is given for a sequence that is not ACTIVE, whose hot row is
    /// locked from here on, nor for one whose campaign is PAUSED (R5).
    async fn finish(mut self, w: &Write) -> Result<Leased> {
        if let Some(slot) = self.last_slot {
            pace::used(w, self.claim.channel, slot).await?;
        }
        write::new_attempts(w, &self.attempts).await?;
        let all = self.ledger.all_sequences(&self.sending);
        self.ledger.write_rows(w).await?;
        let locked = queue::lock(w, all).await?;
        let is_active = |id| locked.get(id) == Some(&RetentionSequenceStatus::Active);
        if !self.sending.iter().all(is_active) {
            return Err(Error::Precondition("the sequence has just been paused".into()));
        }
        let campaigns: Vec<_> = self.leased.ready.iter().filter_map(|ready| ready.campaign).collect();
        if !campaigns.is_empty() && !campaign::Entity::paused(w, &campaigns).await?.is_empty() {
            return Err(Error::Precondition("the campaign has just been paused".into()));
        }
        self.ledger.count(w).await?;
        self.leased.is_idle = self.ledger.is_empty();
        for sequence in self.ledger.sequences() {
            w.tell(Event::Sequence(sequence));
        }
        Ok(self.leased)
    }

    fn case<'b>(
        &'b self,
        enrollment: &enrollment::Model,
        lead: &'b lead::Model,
        step: &sequence_step::Model,
        has_script: bool,
    ) -> Case<'b> {
        let conditions: Option<Conditions> = serde_json::from_value(step.conditions.clone()).ok();
        let facts = Facts {
            status: lead.status,
            source: &lead.source,
            language: lead.language.as_deref(),
            meta: &lead.meta,
            previous: self.around.previous.get(&enrollment.id).copied(),
        };
        let needs_consent = step.channel == ContactChannel::Telegram;
        Case {
            enrollment: enrollment.status,
            channel: step.channel,
            is_refused: lead.refuses(step.channel),
            has_address: lead.address(step.channel).is_some(),
            is_agreed: !needs_consent || self.around.agreed.get(&lead.id).copied().unwrap_or(false),
            conditions_hold: conditions.is_some_and(|conditions| conditions.hold(&facts)),
            has_script,
            is_ruled_out: self.answers.ruled_out.contains(&step.channel),
            limits: limits(self.campaign(enrollment), lead, step.channel),
            touches: self.around.touches.get(&lead.id).map_or(&[], Vec::as_slice),
        }
    }

    fn message(
        &self,
        enrollment: &enrollment::Model,
        lead: &lead::Model,
        step: &sequence_step::Model,
        attempt: ContactAttemptId,
    ) -> Result<Message, String> {
        let script = self.script(step, lead.id).ok_or("the step has no script")?;
        let link = unsubscribe::url(self.on, lead.id);
        message(step.channel, script, self.campaign(enrollment), lead, Known { attempt, link })
    }

    /// The script of a step: that of an A/B test, the step's own, or the default of its channel.
    fn script(&self, step: &sequence_step::Model, lead: LeadId) -> Option<&script::Model> {
        let tested = self.answers.assignments.get(&(step.id, lead)).map(|assignment| assignment.script);
        let script = tested.or(step.script_id).and_then(|id| self.around.scripts.get(&id));
        let campaign = self.around.sequences.get(&step.sequence_id).and_then(|sequence| sequence.campaign_id);
        let default = |of| self.around.defaults.get(&(of, step.channel));
        script.or_else(|| default(campaign)).or_else(|| default(None))
    }

    fn campaign(&self, enrollment: &enrollment::Model) -> Option<&campaign::Model> {
        let sequence = self.around.sequences.get(&enrollment.sequence_id)?;
        self.around.campaigns.get(&sequence.campaign_id?)
    }
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

/// The limits of contacts to a lead on a channel: its campaign's hours, days and limits, or the defaults.
pub fn limits(campaign: Option<&campaign::Model>, lead: &lead::Model, channel: ContactChannel) -> Limits {
    let zone = [lead.time_zone.as_deref(), campaign.and_then(|row| row.time_zone.as_deref())];
    let zone = zone.into_iter().flatten().find_map(|name| name.parse().ok()).unwrap_or(Tz::UTC);
    let reaches_people = matches!(channel, ContactChannel::Sms | ContactChannel::Call | ContactChannel::Telegram);
    let default = if reaches_people { DAYTIME } else { (0, 24 * 60) };
    let minute = |minute: Option<i32>| minute.and_then(|minute| u32::try_from(minute).ok());
    let hours = campaign.and_then(|row| Some((minute(row.contact_hours_start)?, minute(row.contact_hours_end)?)));
    let (start, end) = hours.unwrap_or(default);
    let days: Vec<Weekday> = campaign.iter().flat_map(|row| &row.contact_days.0).map(|day| weekday(*day)).collect();
    let per_day = campaign.and_then(|row| row.max_contacts_per_day).and_then(|most| u32::try_from(most).ok());
    let pause = campaign.and_then(|row| row.delay_between_channels).unwrap_or(0);
    Limits {
        window: Window::new(start, end, &days, zone),
        per_day: Some(per_day.unwrap_or(PER_DAY)),
        between_channels: TimeDelta::milliseconds(pause.clamp(0, MEMORY.num_milliseconds())),
    }
}

const fn weekday(day: ContactDay) -> Weekday {
    match day {
        ContactDay::Mon => Weekday::Mon,
        ContactDay::Tue => Weekday::Tue,
        ContactDay::Wed => Weekday::Wed,
        ContactDay::Thu => Weekday::Thu,
        ContactDay::Fri => Weekday::Fri,
        ContactDay::Sat => Weekday::Sat,
        ContactDay::Sun => Weekday::Sun,
    }
}
