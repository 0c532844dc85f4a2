//! A look at what is due on a channel: all that decisions need is read without a lock, and decided about.
//!
//! What is decided holds only as long as that is as it was: each [`Planned`] knows on which state of its rows it rests.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

use super::hooks::{self, Answers};
use super::lease::Claim;
use super::ledger::{self, Steps};
use super::message::{Known, message};
use crate::Services;
use crate::retention::tracking::{Tracked, tracked};
use crate::retention::{mail_tag, unsubscribe};
use domain::error::Result;
use domain::id::{ContactAttemptId, LeadId};
use domain::retention::conditions::{Conditions, Facts};
use domain::retention::decision::{Case, Decision};
use domain::retention::frequency::Limits;
use domain::retention::window::Window;
use domain::retention::words::{ContactChannel, ContactDay, ExecutionReason, LeadStatus};
use storage::retention::queue::claim::{self, Due, Standing};
use storage::retention::queue::pace;
use storage::retention::queue::surroundings::Surroundings;
use storage::retention::{campaign, lead, script};

/// Steps that one claim looks at, at least: those that are put off or left out take no slot.
const LOOK: i64 = 100;
/// How far back contacts count. Longer than any day, and than any delay between channels.
const MEMORY: TimeDelta = TimeDelta::days(8);
/// Text messages, calls and Telegram reach people where they are: without hours of a campaign, in the day only.
const DAYTIME: (u32, u32) = (9 * 60, 20 * 60);
/// Contacts to one lead on one day, over all sequences, unless its campaign says otherwise.
const PER_DAY: u32 = 5;

/// What is due, and what is known of it.
pub struct Look {
    /// The instant of all decisions, by the clock of sequences.
    pub now: DateTime<Utc>,
    /// The steps that are due.
    pub due: Vec<Due>,
    /// The steps of their sequences.
    pub steps: Steps,
    /// The channel's last slot.
    pub last_slot: i64,
    around: Surroundings,
    answers: Answers,
}

/// What is to become of a step that is due.
pub enum Plan {
    /// The contact is made.
    Send {
        /// The contact attempt that will be written down.
        attempt: ContactAttemptId,
        /// The message, as it goes out.
        tracked: Box<Tracked>,
    },
    /// The step waits.
    Defer(DateTime<Utc>),
    /// The step is left out, perhaps for this reason in words.
    Skip(ExecutionReason, Option<String>),
    /// The lead wants no contacts: the enrollment ends.
    OptOut,
    /// The enrollment has ended.
    Cancel,
}

/// A step and what is to become of it.
pub struct Planned<'a> {
    /// The step.
    pub due: &'a Due,
    /// What is to become of it.
    pub plan: Plan,
    /// The sequence's campaign.
    pub campaign: Option<&'a campaign::Model>,
    /// The script, if it has one.
    pub script: Option<&'a script::Model>,
    /// The state of its rows on which this rests.
    pub rests_on: Standing,
}

impl Planned<'_> {
    /// Whether the lead's own row refuses the contact.
    pub fn is_refused(&self) -> bool {
        self.due.lead.refuses(self.due.step.channel)
    }

    /// Whether it holds as things are `now`. What is refused at an address matters to what is sent only.
    pub fn stands(&self, now: &Standing) -> bool {
        let is_sent = matches!(self.plan, Plan::Send { .. });
        let refusals = if is_sent { 0 } else { now.refusals };
        Standing { refusals, ..self.rests_on.clone() } == *now
    }
}

impl Look {
    /// Looks at what is due on a claim's channel. What does not depend on each other is read at the same time.
    pub async fn take(on: &Services, of: &Claim) -> Result<Self> {
        let now = of.clock.at(on.clock.nanos());
        let db = on.db.reader();
        let (due, last_slot) = tokio::try_join!(
            claim::due(db, of.channel, now, of.limit.max(LOOK), on.now()),
            pace::last(&on.db, of.channel)
        )?;
        if due.is_empty() {
            let (steps, around, answers) = (Steps::default(), Surroundings::default(), Answers::default());
            return Ok(Self { now, due, steps, last_slot, around, answers });
        }
        let enrollments = due.iter().map(|due| &due.enrollment);
        let (mut around, answers, steps) = tokio::try_join!(
            Surroundings::read(db, &due, now - MEMORY, on.now()),
            hooks::ask(on, &due, now),
            ledger::steps(db, enrollments),
        )?;
        around.also(db, answers.assignments.values().map(|one| one.script)).await?;
        Ok(Self { now, due, steps, last_slot, around, answers })
    }

    /// Since when contacts count.
    pub fn since(&self) -> DateTime<Utc> {
        self.now - MEMORY
    }

    /// Decides about each step, but about one of each lead only: what is written down about that one, the others are to see.
    pub fn plan(&self, on: &Services) -> Vec<Planned<'_>> {
        let mut leads: HashSet<LeadId> = HashSet::new();
        let first = self.due.iter().filter(|due| leads.insert(due.lead.id));
        first.filter_map(|due| self.decide(on, due)).collect()
    }

    fn decide<'a>(&'a self, on: &Services, due: &'a Due) -> Option<Planned<'a>> {
        let (campaign, script) = (self.campaign(due), self.script(due));
        let planned = |plan| Planned { due, plan, campaign, script, rests_on: self.rests_on(due, campaign, script) };
        if due.lead.status == LeadStatus::DoNotContact {
            return Some(planned(Plan::OptOut));
        }
        let attempt = ContactAttemptId::generate();
        let said = script.ok_or_else(|| "the step has no script".to_owned()).and_then(|script| {
            let link = unsubscribe::url(on, &due.lead);
            message(
                due.step.channel,
                script,
                campaign,
                &due.lead,
                Known { attempt, link, tag: mail_tag::of(on, attempt) },
            )
        });
        let decision = self.case(due, campaign, said.is_ok()).decide(self.now);
        Some(planned(match (decision, said) {
            (Decision::Leave, _) => return None,
            (Decision::Cancel, _) => Plan::Cancel,
            (Decision::Defer(at), _) => Plan::Defer(at),
            (Decision::Skip(reason), said) => {
                Plan::Skip(reason, said.err().filter(|_| reason == ExecutionReason::NoScript))
            }
            (Decision::Send, Ok(message)) => {
                Plan::Send { attempt, tracked: Box::new(tracked(on, campaign, attempt, message)) }
            }
            // There is nothing to say, which would have been a reason to leave it out.
            (Decision::Send, Err(why)) => Plan::Skip(ExecutionReason::NoScript, Some(why)),
        }))
    }

    fn rests_on(&self, due: &Due, campaign: Option<&campaign::Model>, script: Option<&script::Model>) -> Standing {
        let touches = self.around.touches.get(&due.lead.id).map_or(&[][..], Vec::as_slice);
        Standing {
            enrollment: due.enrollment.version,
            lead: due.lead.version,
            sequence: due.sequence.version,
            campaign: campaign.map(|row| row.version),
            script: script.map(|row| row.version),
            refusals: 0,
            touches: i64::try_from(touches.len()).unwrap_or(i64::MAX),
            last_touch: touches.iter().map(|touch| touch.at).max(),
        }
    }

    fn case<'a>(&'a self, due: &'a Due, campaign: Option<&campaign::Model>, has_script: bool) -> Case<'a> {
        let (lead, step) = (&due.lead, &due.step);
        let conditions: Option<Conditions> = serde_json::from_value(step.conditions.clone()).ok();
        let facts = Facts {
            status: lead.status,
            source: &lead.source,
            language: lead.language.as_deref(),
            meta: &lead.meta,
            previous: self.around.previous.get(&due.enrollment.id).copied(),
        };
        let needs_consent = step.channel == ContactChannel::Telegram;
        Case {
            enrollment: due.enrollment.status,
            channel: step.channel,
            is_refused: lead.refuses(step.channel),
            is_channel_off: campaign.is_some_and(|row| !row.goes_by(step.channel)),
            has_address: lead.address(step.channel).is_some(),
            is_agreed: !needs_consent || self.around.agreed.get(&lead.id).copied().unwrap_or(false),
            conditions_hold: conditions.is_some_and(|conditions| conditions.hold(&facts)),
            has_script,
            is_ruled_out: self.answers.ruled_out.contains(&step.channel),
            limits: limits(campaign, lead, step.channel),
            touches: self.around.touches.get(&lead.id).map_or(&[], Vec::as_slice),
        }
    }

    /// The assignment that an A/B test makes for the contact.
    pub fn assignment(&self, due: &Due) -> Option<hooks::Assignment> {
        self.answers.assignments.get(&(due.step.id, due.lead.id)).copied()
    }

    /// The script of a step: that of an A/B test, the step's own, or the default of its channel.
    fn script(&self, due: &Due) -> Option<&script::Model> {
        let tested = self.assignment(due).map(|assignment| assignment.script);
        let script = tested.or(due.step.script_id).and_then(|id| self.around.scripts.get(&id));
        let default = |of| self.around.defaults.get(&(of, due.step.channel));
        script.or_else(|| default(due.sequence.campaign_id)).or_else(|| default(None))
    }

    fn campaign(&self, due: &Due) -> Option<&campaign::Model> {
        self.around.campaigns.get(&due.sequence.campaign_id?)
    }
}

/// The limits of contacts to a lead on a channel: its campaign's hours, days and limits, or the defaults.
fn limits(campaign: Option<&campaign::Model>, lead: &lead::Model, channel: ContactChannel) -> Limits {
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
