//! Sums over time: whatever happens to rows, and however their notes are added up, sums are what would be counted.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::id::{LeadId, RetentionCampaignId, SequenceEnrollmentId, SequenceStepId};
use domain::retention::words::{ContactAttemptStatus, ContactChannel, ConversionStatus, ExecutionStatus};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::{ConnectionTrait, Statement, TryGetable, Value};
use serde_json::json;
use service::Services;
use storage::retention::{campaign, contact_attempt, conversion, enrollment, execution, lead, sequence, sequence_step};
use storage::sums::{self, By, Range, Sum, Summed};
use uuid::Uuid;

use super::rows;
use crate::harness::TestApp;

/// How the rows are counted, without sums.
struct Counted {
    what: Summed,
    table: &'static str,
    at: &'static str,
    places: &'static [(By, &'static str)],
    columns: &'static str,
}

const PLAIN: &str = "0 AS opened, 0 AS clicked, 0 AS replied, 0 AS timed, 0 AS seconds, 0 AS paid, 0 AS micros";

const ALL: [Counted; 5] = [
    Counted {
        what: Summed::Contacts,
        table: "contact_attempts",
        at: "started_at",
        places: &[(By::Channel, "channel"), (By::Owner, "campaign_id"), (By::Step, "step_id")],
        columns: "status, COALESCE(currency, '') AS detail, COUNT(*) AS n,
            SUM(CASE WHEN opened THEN 1 ELSE 0 END) AS opened, SUM(CASE WHEN clicked THEN 1 ELSE 0 END) AS clicked,
            SUM(CASE WHEN replied THEN 1 ELSE 0 END) AS replied, COUNT(duration) AS timed,
            CAST(COALESCE(SUM(duration), 0) AS bigint) AS seconds, COUNT(cost_micros) AS paid,
            CAST(COALESCE(SUM(cost_micros), 0) AS bigint) AS micros",
    },
    Counted {
        what: Summed::Conversions,
        table: "conversions",
        at: "created_at",
        places: &[(By::Channel, "channel"), (By::Owner, "campaign_id"), (By::Step, "step_id")],
        columns: "status, currency AS detail, COUNT(*) AS n, 0 AS opened, 0 AS clicked, 0 AS replied, 0 AS timed,
            0 AS seconds, COUNT(*) AS paid, CAST(SUM(revenue_micros) AS bigint) AS micros",
    },
    Counted {
        what: Summed::Enrollments,
        table: "sequence_enrollments",
        at: "enrolled_at",
        places: &[(By::Owner, "sequence_id")],
        columns: "status, '' AS detail, COUNT(*) AS n, ",
    },
    Counted {
        what: Summed::Executions,
        table: "sequence_step_executions",
        at: "scheduled_at",
        places: &[(By::Step, "step_id")],
        columns: "status, '' AS detail, COUNT(*) AS n, ",
    },
    Counted {
        what: Summed::Leads,
        table: "leads",
        at: "created_at",
        places: &[],
        columns: "'' AS status, '' AS detail, COUNT(*) AS n, ",
    },
];

impl Counted {
    async fn count<K: TryGetable>(&self, on: &Services, range: Range, place: &str) -> Vec<Sum<K>> {
        let Self { table, at, columns, .. } = self;
        let plain = if columns.ends_with(", ") { PLAIN } else { "" };
        let sql = format!(
            "SELECT place, status, detail, n, CAST(opened AS bigint) AS opened, CAST(clicked AS bigint) AS clicked,
                CAST(replied AS bigint) AS replied, CAST(timed AS bigint) AS timed, CAST(seconds AS bigint) AS seconds,
                CAST(paid AS bigint) AS paid, micros
             FROM (SELECT {place} AS place, {columns} {} FROM {table} WHERE {at} >= $1 AND {at} < $2 GROUP BY 1, 2, 3) AS d
             WHERE n > 0",
            plain.replace("0 AS micros", "CAST(0 AS bigint) AS micros"),
        );
        let values = [Value::from(range.from), Value::from(range.to)];
        let db = on.db.reader();
        let found = db.query_all_raw(Statement::from_sql_and_values(on.db.backend(), sql, values)).await.unwrap();
        let number = |row: &sea_orm::QueryResult, name: &str| row.try_get::<i64>("", name).unwrap();
        let sum = |row: &sea_orm::QueryResult| Sum {
            place: row.try_get("", "place").unwrap(),
            status: row.try_get("", "status").unwrap(),
            detail: row.try_get("", "detail").unwrap(),
            n: number(row, "n"),
            opened: number(row, "opened"),
            clicked: number(row, "clicked"),
            replied: number(row, "replied"),
            timed: number(row, "timed"),
            seconds: number(row, "seconds"),
            paid: number(row, "paid"),
            micros: number(row, "micros"),
        };
        found.iter().map(sum).collect()
    }

    async fn hold(&self, on: &Services, range: Range) {
        let about = format!("{} from {} to {}", self.table, range.from, range.to);
        let kept = sums::read::<String>(on.db.reader(), self.what, range, By::Nothing, None).await.unwrap();
        let nothing = if on.db.is_postgres() { "CAST(NULL AS text)" } else { "NULL" };
        assert_eq!(sorted(kept), sorted(self.count(on, range, nothing).await), "{about}");
        for (by, place) in self.places {
            if *by == By::Channel {
                let kept = sums::read::<String>(on.db.reader(), self.what, range, *by, None).await.unwrap();
                assert_eq!(sorted(kept), sorted(self.count(on, range, place).await), "{about} by {place}");
            } else {
                let kept = sums::read::<Uuid>(on.db.reader(), self.what, range, *by, None).await.unwrap();
                assert_eq!(sorted(kept), sorted(self.count(on, range, place).await), "{about} by {place}");
            }
        }
    }
}

fn sorted<K: Ord + Clone>(mut sums: Vec<Sum<K>>) -> Vec<Sum<K>> {
    sums.sort_by_key(|sum| (sum.place.clone(), sum.status.clone(), sum.detail.clone()));
    sums
}

/// What there is to happen to.
struct World {
    campaigns: Vec<RetentionCampaignId>,
    leads: Vec<LeadId>,
    steps: Vec<SequenceStepId>,
    sequence: sequence::Model,
    enrolled: Vec<SequenceEnrollmentId>,
    now: DateTime<Utc>,
    random: StdRng,
}

impl World {
    async fn new(on: &Services, seed: u64) -> Self {
        let now = on.now();
        let campaigns: Vec<_> = (0..3).map(|_| rows::campaign(now)).collect();
        let leads: Vec<_> = (0..8).map(|n| rows::lead(now - TimeDelta::days(n * 40))).collect();
        let sequence = rows::sequence(now);
        let steps: Vec<_> = (1..=3).map(|order| rows::step(sequence.id, order, now)).collect();
        let world = Self {
            campaigns: campaigns.iter().map(|row| row.id).collect(),
            leads: leads.iter().map(|row| row.id).collect(),
            steps: steps.iter().map(|row| row.id).collect(),
            sequence: sequence.clone(),
            enrolled: Vec::new(),
            now,
            random: StdRng::seed_from_u64(seed),
        };
        rows::insert::<campaign::Entity, _>(on, campaigns).await;
        rows::insert::<lead::Entity, _>(on, leads).await;
        rows::insert::<sequence::Entity, _>(on, vec![sequence]).await;
        rows::insert::<sequence_step::Entity, _>(on, steps).await;
        world
    }

    /// Some instant of the last 400 days, often where spans begin and end.
    fn instant(&mut self) -> DateTime<Utc> {
        let length = if self.random.random_bool(0.5) { 90_000 } else { 400 * 86_400 };
        let at = self.now - TimeDelta::seconds(self.random.random_range(0..length));
        let span = [TimeDelta::minutes(15), TimeDelta::hours(1), TimeDelta::days(1)][self.random.random_range(0..3)];
        let begin = at.duration_trunc(span).unwrap();
        match self.random.random_range(0..4) {
            0 => begin,
            1 => begin - TimeDelta::microseconds(1),
            2 => begin + TimeDelta::microseconds(999_999),
            _ => at,
        }
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { Some(all[self.random.random_range(0..all.len())]) }
    }

    fn some<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        if self.random.random_bool(0.3) { None } else { self.one(all) }
    }

    async fn happen(&mut self, on: &Services) {
        match self.random.random_range(0..12) {
            0..=2 => self.contact(on).await,
            3 => self.convert(on).await,
            4 => self.enroll(on).await,
            _ => self.change(on).await,
        }
    }

    async fn contact(&mut self, on: &Services) {
        use ContactAttemptStatus::{Failed, Pending, Sent, Success};
        let mut made = Vec::new();
        for _ in 0..self.random.random_range(1..6) {
            let Some(lead) = self.one(&self.leads.clone()) else { return };
            let channel = self.one(&[ContactChannel::Email, ContactChannel::Sms, ContactChannel::Call]).unwrap();
            let at = self.instant();
            made.push(contact_attempt::Model {
                campaign_id: self.some(&self.campaigns.clone()),
                step_id: self.some(&self.steps.clone()),
                status: self.one(&[Pending, Sent, Failed, Success]).unwrap(),
                duration: self.some(&[0, 30, 90]),
                cost_micros: self.some(&[0, 500, 70_000]),
                currency: self.some(&["EUR", "USD"]).map(Into::into),
                result: self.some(&[true, false]).map(|is| json!({ "opened": is, "clicked": !is, "replied": is })),
                ..rows::attempt(lead, channel, at)
            });
        }
        rows::insert::<contact_attempt::Entity, _>(on, made).await;
    }

    async fn convert(&mut self, on: &Services) {
        let Some(lead) = self.one(&self.leads.clone()) else { return };
        let at = self.instant();
        let made = conversion::Model {
            campaign_id: self.some(&self.campaigns.clone()),
            step_id: self.some(&self.steps.clone()),
            channel: self.some(&[ContactChannel::Email, ContactChannel::Sms]),
            status: self.one(&[ConversionStatus::Sale, ConversionStatus::Lead, ConversionStatus::Rejected]).unwrap(),
            ..rows::conversion(lead, 1_000, at)
        };
        rows::insert::<conversion::Entity, _>(on, vec![made]).await;
    }

    async fn enroll(&mut self, on: &Services) {
        let Some(lead) = self.one(&self.leads.clone()) else { return };
        let at = self.instant();
        let attempt = i32::try_from(self.enrolled.len()).unwrap() + 1;
        let status = domain::retention::words::EnrollmentStatus::Completed;
        let row = enrollment::Model { attempt, status, ..rows::enrollment(self.sequence.id, lead, at) };
        self.enrolled.push(row.id);
        let steps = self.steps.clone();
        let due = steps.iter().map(|step| {
            let scheduled_at = self.random.random_bool(0.8).then(|| self.now - TimeDelta::hours(5));
            execution::Model { scheduled_at, ..rows::execution(row.id, *step, ExecutionStatus::Scheduled, at) }
        });
        let due = due.collect();
        rows::insert::<enrollment::Entity, _>(on, vec![row]).await;
        rows::insert::<execution::Entity, _>(on, due).await;
    }

    /// Changes or takes away some rows, by statements over several of them.
    async fn change(&mut self, on: &Services) {
        let all = [
            ("contact_attempts", "UPDATE contact_attempts SET status = 'DELIVERED', cost_micros = 9, currency = 'EUR'"),
            ("contact_attempts", "UPDATE contact_attempts SET status = 'BOUNCED', duration = NULL, currency = NULL"),
            ("contact_attempts", "UPDATE contact_attempts SET result = '{\"opened\": true, \"replied\": true}'"),
            ("contact_attempts", "UPDATE contact_attempts SET result = NULL, notes = 'x'"),
            ("contact_attempts", "DELETE FROM contact_attempts"),
            ("conversions", "UPDATE conversions SET status = 'REJECTED', revenue_micros = 0"),
            ("conversions", "UPDATE conversions SET status = 'SALE', revenue_micros = 77, currency = 'USD'"),
            ("conversions", "DELETE FROM conversions"),
            ("sequence_enrollments", "UPDATE sequence_enrollments SET status = 'CONVERTED'"),
            (
                "sequence_step_executions",
                "UPDATE sequence_step_executions SET status = 'SENT', scheduled_at = created_at",
            ),
            ("sequence_step_executions", "UPDATE sequence_step_executions SET scheduled_at = NULL"),
            ("contact_attempts", "UPDATE contact_attempts SET step_id = NULL"),
        ];
        let (table, sql) = all[self.random.random_range(0..all.len())];
        let (some, from) = (self.random.random_range(1..5), self.random.random_range(0..20));
        let sql = format!("{sql} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT {some} OFFSET {from})");
        run(on, &sql).await;
        if self.random.random_bool(0.04) {
            // Their contacts go on without them, and those of leads go with them.
            let gone = self.campaigns.pop();
            run(on, &format!("DELETE FROM retention_campaigns WHERE id = {}", id(on, gone.map(|id| id.0)))).await;
            let gone = self.leads.pop();
            run(on, &format!("DELETE FROM leads WHERE id = {}", id(on, gone.map(|id| id.0)))).await;
        }
    }
}

async fn run(on: &Services, sql: &str) {
    on.db.reader().execute_raw(Statement::from_string(on.db.backend(), sql)).await.unwrap();
}

/// An id as a text of SQL.
fn id(on: &Services, id: Option<Uuid>) -> String {
    let id = id.unwrap_or_default();
    if on.db.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
}

async fn all_hold(on: &Services, world: &mut World) {
    for _ in 0..4 {
        let (one, other) = (world.instant(), world.instant());
        let range = Range { from: one.min(other), to: one.max(other) + TimeDelta::microseconds(1) };
        for counted in &ALL {
            counted.hold(on, range).await;
        }
    }
    for counted in &ALL {
        counted.hold(on, Range { from: sums::begin(), to: sums::end() }).await;
    }
}

#[tokio::test]
async fn sums_are_what_would_be_counted_whatever_happens() {
    let seed = rand::random();
    println!("seed {seed}");
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let mut world = World::new(on, seed).await;
    for _ in 0..6 {
        for _ in 0..25 {
            world.happen(on).await;
        }
        all_hold(on, &mut world).await;
        let (one, other) = tokio::join!(sums::add_some(&on.db), sums::add_some(&on.db));
        assert!(one.unwrap() | other.unwrap());
        all_hold(on, &mut world).await;
    }
    // Counted anew, as the update does in a database that is full.
    forget(on).await;
    assert_eq!(on.db.migrate().await.unwrap(), 1);
    all_hold(on, &mut world).await;
}

/// The state before the sums.
async fn forget(on: &Services) {
    run(on, "DELETE FROM seaql_migrations WHERE version LIKE '%000310%'").await;
    for table in ["leads", "contact_attempts", "conversions", "sequence_enrollments", "sequence_step_executions"] {
        if on.db.is_postgres() {
            run(on, &format!("DROP FUNCTION sums_{table} CASCADE")).await;
        } else {
            for event in ["insert", "delete", "update"] {
                run(on, &format!("DROP TRIGGER IF EXISTS {table}_sums_{event}")).await;
            }
        }
    }
    if on.db.is_postgres() {
        run(on, "DROP FUNCTION sums_moved_leads CASCADE").await;
    }
    for table in ["time_notes", "time_sums"] {
        run(on, &format!("DROP TABLE {table}")).await;
    }
    run(on, "CREATE INDEX contact_attempts_report ON contact_attempts (started_at)").await;
    run(on, "CREATE INDEX conversions_report ON conversions (created_at)").await;
    run(on, "CREATE INDEX sequence_step_executions_report ON sequence_step_executions (step_id, scheduled_at)").await;
}

#[tokio::test]
async fn sums_that_nothing_is_left_of_are_taken_away() {
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let ann = rows::lead(on.now());
    rows::insert::<lead::Entity, _>(on, vec![ann.clone()]).await;
    rows::insert::<contact_attempt::Entity, _>(on, vec![rows::attempt(ann.id, ContactChannel::Sms, on.now())]).await;
    let count = async || {
        let sql = "SELECT COUNT(*) AS n FROM time_sums WHERE what = 'contact_attempts'";
        let row = on.db.reader().query_one_raw(Statement::from_string(on.db.backend(), sql)).await.unwrap();
        row.unwrap().try_get::<i64>("", "n").unwrap()
    };
    assert!(sums::add_some(&on.db).await.unwrap());
    assert_eq!(count().await, 4);
    run(on, "UPDATE contact_attempts SET status = 'DELIVERED'").await;
    assert!(sums::add_some(&on.db).await.unwrap());
    assert_eq!(count().await, 4);
    run(on, "DELETE FROM contact_attempts").await;
    assert!(sums::add_some(&on.db).await.unwrap());
    assert_eq!(count().await, 0);
}
