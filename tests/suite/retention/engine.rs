//! Sequences on a flying clock, with the pretend provider: who is contacted when, and what stops it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::clock::nanos;
use domain::error::Error;
use domain::id::{LeadId, RetentionCampaignId, RetentionSequenceId, ScriptId};
use domain::retention::conditions::Conditions;
use domain::retention::schedule_clock::Pace;
use domain::retention::trigger::TriggerConfig;
use domain::retention::window::Window;
use domain::retention::words::{
    ContactAttemptStatus, ContactChannel, ContactDay, DelayUnit, EndReason, EnrollmentStatus, ExecutionReason,
    ExecutionStatus, LeadStatus, SequenceAudience, TriggerType,
};
use providers::simulated::LEDGER;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Statement};
use service::retention::endings::{self, Ending};
use service::retention::sequence::steps::{self, NewStep};
use service::retention::{enrollment, sequence};
use storage::Noun;
use storage::retention::lists::{Channels, Days};
use storage::retention::queue::pace;
use storage::retention::{
    campaign, contact_attempt, enrollment as enrollment_rows, execution, lead, script, sequence as sequence_rows,
    sequence_progress,
};
use worker::{Tools, Worker};

use super::rows;
use crate::delivery::fixture::Office;
use crate::harness::within;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_mins(1);
/// Four days a second.
const SPEED: i64 = 4 * 24 * 3600;

/// An installation whose sequences live in fast times.
pub struct Bureau {
    pub office: Office,
}

impl Bureau {
    /// The clock of sequences starts at `start` and flies.
    pub async fn open(start: &str, speed: i64) -> Self {
        Self::of(Office::open().await, start, speed).await
    }

    /// The same in an office that is there.
    pub async fn of(office: Office, start: &str, speed: i64) -> Self {
        let start = nanos(start.parse().expect("an instant"));
        let flying = Pace { anchor: office.on.clock.nanos(), start, speed, catches_up: false };
        pace::set_clock(office.on.db.reader(), flying).await.expect("the clock is set");
        Self { office }
    }

    pub fn worker(&self) -> Worker {
        let on = &self.office.on;
        let messenger = telegram::simulated::Simulated::open(&self.office.ledger_path(), on.clock.clone());
        Worker::start(Tools {
            on: on.clone(),
            beats: on.db.clone(),
            messenger: Arc::new(messenger.expect("the ledger opens")),
            contacts: self.office.contacts(),
            neighbour: Arc::new(|_| ()),
        })
    }

    pub async fn script(&self, channel: ContactChannel, content: &str) -> ScriptId {
        let row = script::Model { content: Some(content.into()), ..rows::script(channel, self.office.on.now()) };
        let id = row.id;
        script::Entity::insert(row.into_active_model())
            .exec_without_returning(self.office.on.db.reader())
            .await
            .unwrap();
        id
    }

    pub async fn lead(&self, name: &str, change: impl FnOnce(&mut lead::Model)) -> LeadId {
        super::person(&self.office.on, name, change).await
    }

    /// A campaign that contacts leads on weekdays from nine to six.
    pub async fn campaign(&self, change: impl FnOnce(&mut campaign::Model)) -> RetentionCampaignId {
        let weekdays = [ContactDay::Mon, ContactDay::Tue, ContactDay::Wed, ContactDay::Thu, ContactDay::Fri];
        let mut row = campaign::Model {
            channels: Channels(vec![ContactChannel::Email, ContactChannel::Sms]),
            contact_hours_start: Some(9 * 60),
            contact_hours_end: Some(18 * 60),
            contact_days: Days(weekdays.to_vec()),
            ..rows::campaign(self.office.on.now())
        };
        change(&mut row);
        let id = row.id;
        let insert = campaign::Entity::insert(row.into_active_model());
        insert.exec_without_returning(self.office.on.db.reader()).await.unwrap();
        id
    }

    /// An active sequence.
    pub async fn sequence(&self, steps: Vec<NewStep>, change: impl FnOnce(&mut sequence::New)) -> sequence_rows::Model {
        let mut new = sequence::New {
            name: "Welcome back".into(),
            description: None,
            channels: Vec::new(),
            trigger: TriggerType::Manual,
            config: TriggerConfig::default(),
            campaign: None,
            audience: SequenceAudience::Open,
            steps,
        };
        change(&mut new);
        let Office { on, actor, .. } = &self.office;
        let row = sequence::create(on, actor, new).await.expect("created");
        sequence::activate(on, actor, row.id).await.expect("activated")
    }

    pub async fn enroll(&self, sequence: RetentionSequenceId, lead: LeadId) -> enrollment_rows::Model {
        enrollment::enroll(&self.office.on, &self.office.actor, sequence, lead).await.expect("enrolled")
    }

    pub async fn progress(&self, sequence: RetentionSequenceId) -> sequence_progress::Model {
        let found = sequence_progress::Entity::find_by_id(sequence).one(self.office.on.db.reader()).await;
        found.expect("readable").expect("there")
    }

    /// Waits until nobody is in the sequence any more.
    pub async fn finish(&self, sequence: RetentionSequenceId) -> sequence_progress::Model {
        within(PATIENCE, "all steps are done", async || {
            let row = self.progress(sequence).await;
            if row.active == 0 && row.steps_scheduled == 0 { Ok(row) } else { Err(row) }
        })
        .await
    }

    /// Waits until so many steps were sent.
    pub async fn sent(&self, sequence: RetentionSequenceId, count: i32) {
        within(PATIENCE, "steps are sent", async || {
            let row = self.progress(sequence).await;
            if row.steps_sent >= count { Ok(()) } else { Err(row) }
        })
        .await;
    }

    pub async fn executions(&self, lead: LeadId) -> Vec<execution::Model> {
        let db = self.office.on.db.reader();
        let of = enrollment_rows::Entity::with(lead).all(db).await.unwrap();
        let ids: Vec<_> = of.iter().map(|row| row.id).collect();
        let all = execution::Entity::all().filter(execution::Column::EnrollmentId.is_in(ids));
        all.order_by_asc(execution::Column::Id).all(db).await.unwrap()
    }

    pub async fn attempts(&self, lead: LeadId) -> Vec<contact_attempt::Model> {
        let all = contact_attempt::Entity::to(lead).order_by_asc(contact_attempt::Column::Id);
        all.all(self.office.on.db.reader()).await.unwrap()
    }

    /// How many steps are leased.
    pub async fn leased(&self) -> usize {
        let leased = execution::Entity::all().filter(execution::Column::Lease.is_not_null());
        leased.all(self.office.on.db.reader()).await.unwrap().len()
    }

    /// What the provider took, by lead.
    pub fn taken(&self) -> HashMap<String, usize> {
        let text = std::fs::read_to_string(self.office.folder.path().join(LEDGER)).unwrap_or_default();
        let mut taken = HashMap::new();
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("whole lines");
            *taken.entry(line["lead"].as_str().expect("a lead").to_owned()).or_default() += 1;
        }
        taken
    }

    /// The counters are those of the rows.
    pub async fn counters_are_right(&self, sequence: RetentionSequenceId) {
        let db = self.office.on.db.reader();
        let row = self.progress(sequence).await;
        let sql = "SELECT n.status AS status, COUNT(*) AS n FROM sequence_enrollments n WHERE n.sequence_id = $1 GROUP BY n.status";
        let counted = count(db, sql, sequence).await;
        let enrollments = [
            ("ACTIVE", row.active),
            ("PAUSED", row.paused),
            ("COMPLETED", row.completed),
            ("CANCELLED", row.cancelled),
            ("CONVERTED", row.converted),
        ];
        for (status, known) in enrollments {
            assert_eq!(counted.get(status).copied().unwrap_or_default(), i64::from(known), "{status} {row:?}");
        }
        let sql = "SELECT e.status AS status, COUNT(*) AS n FROM sequence_step_executions e
                   JOIN sequence_enrollments n ON n.id = e.enrollment_id WHERE n.sequence_id = $1 GROUP BY e.status";
        let counted = count(db, sql, sequence).await;
        let steps = [
            ("SCHEDULED", row.steps_scheduled),
            ("SENT", row.steps_sent),
            ("DELIVERED", row.steps_delivered),
            ("FAILED", row.steps_failed),
            ("SKIPPED", row.steps_skipped),
            ("CANCELLED", row.steps_cancelled),
            ("UNKNOWN", row.steps_unknown),
        ];
        for (status, known) in steps {
            assert_eq!(counted.get(status).copied().unwrap_or_default(), i64::from(known), "{status} {row:?}");
        }
    }
}

async fn count(db: &impl ConnectionTrait, sql: &str, sequence: RetentionSequenceId) -> HashMap<String, i64> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [sequence.into()]);
    let rows = db.query_all_raw(statement).await.expect("counted");
    rows.iter().map(|row| (row.try_get("", "status").unwrap(), row.try_get("", "n").unwrap())).collect()
}

/// A step by email, some days after the one before.
pub fn email(script: ScriptId, days: i32) -> NewStep {
    step(ContactChannel::Email, script, days, DelayUnit::Days)
}

pub fn step(channel: ContactChannel, script: ScriptId, delay_value: i32, delay_unit: DelayUnit) -> NewStep {
    NewStep {
        id: None,
        channel,
        script: Some(script),
        delay_value,
        delay_unit,
        conditions: Conditions::default(),
        is_active: true,
    }
}

pub fn office_hours() -> Window {
    use chrono::Weekday::{Fri, Mon, Thu, Tue, Wed};
    Window::new(9 * 60, 18 * 60, &[Mon, Tue, Wed, Thu, Fri], Tz::Europe__Berlin)
}

#[tokio::test]
async fn five_steps_over_a_change_of_the_clocks_each_once_and_in_contact_hours() {
    // The clocks go back on the 25th.
    let bureau = Bureau::open("2026-10-21T20:00:00Z", SPEED).await;
    let script = bureau.script(ContactChannel::Email, "Hello {{ first_name }}, {{ sub_id }}").await;
    let campaign = bureau.campaign(|_| ()).await;
    let steps = [0, 1, 1, 2, 1].map(|days| email(script, days)).to_vec();
    let sequence = bureau.sequence(steps, |new| new.campaign = Some(campaign)).await;
    let mut leads = Vec::new();
    for n in 0..20 {
        leads.push(bureau.lead(&format!("lead{n}"), |_| ()).await);
        bureau.enroll(sequence.id, leads[n]).await;
    }
    let worker = bureau.worker();
    let row = bureau.finish(sequence.id).await;
    worker.stop().await;
    assert_eq!((row.completed, row.steps_sent), (20, 100), "{row:?}");
    bureau.counters_are_right(sequence.id).await;
    assert!(bureau.taken().values().all(|count| *count == 5), "each step once");
    for lead in &leads {
        let attempts = bureau.attempts(*lead).await;
        let before = Window::always(Tz::Europe__Berlin);
        for attempt in &attempts {
            assert!(office_hours().is_open(attempt.started_at), "{} is outside contact hours", attempt.started_at);
            assert_eq!((attempt.status, attempt.campaign_id), (ContactAttemptStatus::Sent, Some(campaign)));
        }
        let days: Vec<_> = attempts.iter().map(|attempt| before.date(attempt.started_at)).collect();
        assert!(days.windows(2).all(|pair| pair[0] < pair[1]), "a day lies between steps: {days:?}");
        let person = lead::Entity::by_ids(&[*lead]).one(bureau.office.on.db.reader()).await.unwrap().unwrap();
        assert_eq!(person.status, LeadStatus::Contacted);
    }
}

#[tokio::test]
async fn what_a_provider_answers_decides_what_follows() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED / 4).await;
    let script = bureau.script(ContactChannel::Email, "Hello {{ first_name }}").await;
    let named = bureau.script(ContactChannel::Email, "Dear {{ last_name }}").await;
    let sms = bureau.script(ContactChannel::Sms, "Hello").await;
    let steps =
        vec![email(script, 0), step(ContactChannel::Sms, sms, 0, DelayUnit::Hours), email(named, 0), email(script, 0)];
    let sequence = bureau.sequence(steps, |_| ()).await;
    let names = ["fine", "refused", "failing", "lost", "optout"];
    let mut leads = HashMap::new();
    for name in names {
        let id = bureau.lead(name, |_| ()).await;
        leads.insert(name, id);
        bureau.enroll(sequence.id, id).await;
    }
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    bureau.counters_are_right(sequence.id).await;
    let mut outcomes = HashMap::new();
    for name in names {
        let rows = bureau.executions(leads[name]).await;
        outcomes.insert(name, rows.iter().map(|row| (row.status, row.reason, row.attempt)).collect::<Vec<_>>());
    }
    let skipped = |reason| (ExecutionStatus::Skipped, Some(reason), 0);
    let (no_address, no_script) = (skipped(ExecutionReason::NoAddress), skipped(ExecutionReason::NoScript));
    let sent = (ExecutionStatus::Sent, None, 1);
    assert_eq!(outcomes["fine"], [sent, no_address, no_script, sent]);
    let failed = (ExecutionStatus::Failed, None, 1);
    assert_eq!(outcomes["refused"], [failed, no_address, no_script, failed]);
    let twice = (ExecutionStatus::Skipped, Some(ExecutionReason::FailedTwice), 2);
    assert_eq!(outcomes["failing"], [twice, no_address, no_script, twice]);
    let unknown = (ExecutionStatus::Unknown, None, 1);
    assert_eq!(outcomes["lost"], [unknown, no_address, no_script, unknown], "never handed over again");
    assert_eq!(outcomes["optout"][0].0, ExecutionStatus::Failed);
    let db = bureau.office.on.db.reader();
    let ended = enrollment_rows::Entity::with(leads["optout"]).one(db).await.unwrap().unwrap();
    assert_eq!((ended.status, ended.end_reason), (EnrollmentStatus::Cancelled, Some(EndReason::OptOut)));
    let person = lead::Entity::by_ids(&[leads["optout"]]).one(db).await.unwrap().unwrap();
    assert!(person.no_email, "the channel is refused from now on");
    let tries = bureau.attempts(leads["failing"]).await;
    assert_eq!(tries.len(), 4);
    assert!(tries[1].started_at - tries[0].started_at >= TimeDelta::hours(1), "an hour later");
}

#[tokio::test]
async fn a_conversion_stops_what_is_left_and_a_lead_can_be_enrolled_again() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 1)], |_| ()).await;
    let lead = bureau.lead("ann", |_| ()).await;
    let first = bureau.enroll(sequence.id, lead).await;
    assert!(matches!(enrollment::enroll(on, actor, sequence.id, lead).await, Err(Error::Conflict(_))));
    let convert = on.system_write(|w| async move { endings::end_all(on, &w, lead, Ending::Converted).await });
    assert!(convert.await.unwrap());
    let rows = bureau.executions(lead).await;
    assert_eq!((rows[0].status, rows[0].reason), (ExecutionStatus::Cancelled, Some(ExecutionReason::Ended)));
    let again = bureau.enroll(sequence.id, lead).await;
    assert_eq!((first.attempt, again.attempt), (1, 2));
    assert!(matches!(enrollment::resume(on, actor, first.id).await, Err(Error::Transition(_))), "it has ended");
    enrollment::pause(on, actor, again.id).await.unwrap();
    enrollment::resume(on, actor, again.id).await.unwrap();
    let cancelled = enrollment::cancel(on, actor, again.id).await.unwrap();
    assert_eq!((cancelled.status, cancelled.end_reason), (EnrollmentStatus::Cancelled, Some(EndReason::Cancelled)));
    bureau.counters_are_right(sequence.id).await;
}

#[tokio::test]
async fn new_steps_are_for_those_who_come_later() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 1)], |_| ()).await;
    let (early, late) = (bureau.lead("early", |_| ()).await, bureau.lead("late", |_| ()).await);
    bureau.enroll(sequence.id, early).await;
    let inactive = NewStep { is_active: false, ..email(script, 0) };
    let none = steps::replace(on, actor, sequence.id, vec![inactive.clone()], None).await;
    assert!(matches!(none, Err(Error::Precondition(_))), "an active sequence needs an active step");
    let new = vec![inactive, email(script, 0), email(script, 0), email(script, 0)];
    let replaced = steps::replace(on, actor, sequence.id, new, Some(sequence.version)).await.unwrap();
    assert_eq!(replaced.steps_version, 2);
    bureau.enroll(sequence.id, late).await;
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    assert_eq!((bureau.executions(early).await.len(), bureau.executions(late).await.len()), (2, 3));
}

#[tokio::test]
async fn a_paused_sequence_starts_nothing_and_goes_on_where_it_was() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 2), email(script, 2)], |_| ()).await;
    for n in 0..10 {
        let lead = bureau.lead(&format!("paused{n}"), |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
    }
    let worker = bureau.worker();
    bureau.sent(sequence.id, 1).await;
    sequence::pause(on, actor, sequence.id).await.unwrap();
    let taken: usize = bureau.taken().values().sum();
    // Six days of the flying clock: the next steps would be due.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(bureau.taken().values().sum::<usize>(), taken, "nothing starts after the pause has answered");
    sequence::activate(on, actor, sequence.id).await.unwrap();
    let row = bureau.finish(sequence.id).await;
    assert_eq!((row.completed, row.steps_sent), (10, 30), "{row:?}");
    sequence::archive(on, actor, sequence.id).await.unwrap();
    worker.stop().await;
    bureau.counters_are_right(sequence.id).await;
}

#[tokio::test]
async fn triggers_enroll_each_lead_once_also_after_downtime() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let on = &bureau.office.on;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let config = TriggerConfig { source: Some("crm".into()), ..TriggerConfig::default() };
    let new =
        bureau.sequence(vec![email(script, 1)], |new| (new.trigger, new.config) = (TriggerType::NewLead, config)).await;
    let config = TriggerConfig { min_age_hours: Some(48), ..TriggerConfig::default() };
    let old = bureau
        .sequence(vec![email(script, 1)], |new| (new.trigger, new.config) = (TriggerType::NoConversion, config))
        .await;
    let days_ago = |days| on.now() - TimeDelta::days(days);
    bureau.lead("crm", |row| row.source = "CRM".into()).await;
    bureau.lead("api", |_| ()).await;
    bureau.lead("old", |row| row.created_at = days_ago(3)).await;
    bureau.lead("converted", |row| (row.created_at, row.status) = (days_ago(3), LeadStatus::Converted)).await;
    for _ in 0..3 {
        service::retention::trigger::enroll_all(on).await.unwrap();
    }
    let enrolled = async |id| bureau.progress(id).await.active;
    assert_eq!((enrolled(new.id).await, enrolled(old.id).await), (1, 1));
    // Nobody looked for a while: the watermark lies before what came meanwhile.
    let sql = "UPDATE retention_sequences SET watermark = $1 WHERE trigger_type = 'NEW_LEAD'";
    let seen: DateTime<Utc> = days_ago(2);
    let statement = Statement::from_sql_and_values(on.db.backend(), sql, [seen.into()]);
    on.db.reader().execute_raw(statement).await.unwrap();
    bureau.lead("crm-late", |row| (row.source, row.created_at) = ("CRM".into(), days_ago(1))).await;
    service::retention::trigger::enroll_all(on).await.unwrap();
    assert_eq!(enrolled(new.id).await, 2);
    bureau.counters_are_right(new.id).await;
}

#[tokio::test]
async fn a_lead_in_two_sequences_is_contacted_so_often_a_day_and_on_one_channel_at_a_time() {
    let bureau = Bureau::open("2026-03-03T08:00:00Z", SPEED / 2).await;
    let (mail, sms) =
        (bureau.script(ContactChannel::Email, "Hello").await, bureau.script(ContactChannel::Sms, "Hello").await);
    let campaign = bureau
        .campaign(|row| {
            row.max_contacts_per_day = Some(1);
            row.delay_between_channels = Some(26 * 3_600_000);
            row.contact_days = Days::default();
        })
        .await;
    let by_mail = bureau.sequence(vec![email(mail, 0), email(mail, 0)], |new| new.campaign = Some(campaign)).await;
    let by_sms = step(ContactChannel::Sms, sms, 0, DelayUnit::Hours);
    let by_sms = bureau.sequence(vec![by_sms], |new| new.campaign = Some(campaign)).await;
    let lead = bureau.lead("ann", |row| row.phone = Some("+4915112345678".into())).await;
    bureau.enroll(by_mail.id, lead).await;
    bureau.enroll(by_sms.id, lead).await;
    let worker = bureau.worker();
    bureau.finish(by_mail.id).await;
    bureau.finish(by_sms.id).await;
    worker.stop().await;
    let mut attempts = bureau.attempts(lead).await;
    attempts.sort_by_key(|attempt| attempt.started_at);
    assert_eq!(attempts.len(), 3);
    for pair in attempts.windows(2) {
        let (one, two) = (&pair[0], &pair[1]);
        assert_ne!(office_hours().date(one.started_at), office_hours().date(two.started_at), "one a day");
        if one.channel != two.channel {
            assert!(two.started_at - one.started_at >= TimeDelta::hours(26), "{one:?} {two:?}");
        }
    }
}
