//! Reports: figures over ranges of time, kept for a minute or until something changes.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{LeadId, RetentionCampaignId, SequenceStepId};
use domain::retention::words::{
    ContactAttemptStatus, ContactChannel, ConversionStatus, EnrollmentStatus, ExecutionStatus,
};
use events::Event;
use graphql::engine::id::GlobalId;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};
use service::Services;
use service::retention::report::{Asked, Question, Reports};
use storage::retention::{campaign, contact_attempt, conversion, enrollment, execution, lead, sequence, sequence_step};

use super::rows;
use crate::harness::{Postgres, TestApp, only_on};

const FIGURES: &str =
    "figures { attempts pending sent delivered success failed bounced unknown opened clicked replied deliveryRate
    clickRate averageDurationSeconds conversions rejectedConversions conversionRate revenue { amount currency }
    cost { amount currency } returnOnCost }";

/// A month of a small campaign: emails and a call, a sale, a sale that was taken back, and one of which nobody knows more.
struct Month {
    now: DateTime<Utc>,
    campaign: RetentionCampaignId,
    sequence: sequence::Model,
}

async fn month(on: &Services) -> Month {
    let now = on.now();
    let (campaign, sequence) = (rows::campaign(now), rows::sequence(now));
    let steps: Vec<sequence_step::Model> = (1..=2).map(|order| rows::step(sequence.id, order, now)).collect();
    let ann = rows::lead(now - TimeDelta::days(3));
    rows::insert::<campaign::Entity, _>(on, vec![campaign.clone()]).await;
    rows::insert::<sequence::Entity, _>(on, vec![sequence.clone()]).await;
    rows::insert::<sequence_step::Entity, _>(on, steps.clone()).await;
    rows::insert::<lead::Entity, _>(on, vec![ann.clone(), rows::lead(now - TimeDelta::days(200))]).await;
    rows::insert::<contact_attempt::Entity, _>(on, attempts(ann.id, campaign.id, steps[0].id, now)).await;
    rows::insert::<conversion::Entity, _>(on, conversions(ann.id, campaign.id, steps[0].id, now)).await;
    let day = now - TimeDelta::days(2);
    let enrolled =
        enrollment::Model { status: EnrollmentStatus::Converted, ..rows::enrollment(sequence.id, ann.id, day) };
    let executions = vec![
        rows::execution(enrolled.id, steps[0].id, ExecutionStatus::Delivered, day),
        rows::execution(enrolled.id, steps[1].id, ExecutionStatus::Cancelled, now - TimeDelta::days(1)),
        rows::execution(enrolled.id, steps[1].id, ExecutionStatus::Skipped, now - TimeDelta::days(99)),
    ];
    rows::insert::<enrollment::Entity, _>(on, vec![enrolled]).await;
    rows::insert::<execution::Entity, _>(on, executions).await;
    Month { now, campaign: campaign.id, sequence }
}

fn attempts(
    lead: LeadId,
    campaign: RetentionCampaignId,
    step: SequenceStepId,
    now: DateTime<Utc>,
) -> Vec<contact_attempt::Model> {
    let email = contact_attempt::Model {
        campaign_id: Some(campaign),
        step_id: Some(step),
        status: ContactAttemptStatus::Success,
        cost_micros: Some(500_000),
        currency: Some("EUR".into()),
        result: Some(json!({ "opened": true, "clicked": true, "replied": false })),
        ..rows::attempt(lead, ContactChannel::Email, now - TimeDelta::days(2))
    };
    let failed = contact_attempt::Model {
        campaign_id: Some(campaign),
        status: ContactAttemptStatus::Failed,
        ..rows::attempt(lead, ContactChannel::Email, now - TimeDelta::days(1))
    };
    let call = contact_attempt::Model {
        duration: Some(90),
        cost_micros: Some(250_000),
        currency: Some("USD".into()),
        ..rows::attempt(lead, ContactChannel::Call, now - TimeDelta::hours(1))
    };
    let old = rows::attempt(lead, ContactChannel::Email, now - TimeDelta::days(31));
    vec![email, failed, call, old]
}

fn conversions(
    lead: LeadId,
    campaign: RetentionCampaignId,
    step: SequenceStepId,
    now: DateTime<Utc>,
) -> Vec<conversion::Model> {
    let sale = conversion::Model {
        campaign_id: Some(campaign),
        step_id: Some(step),
        channel: Some(ContactChannel::Email),
        ..rows::conversion(lead, 2_000_000, now - TimeDelta::days(1))
    };
    let rejected = conversion::Model {
        id: domain::id::ConversionId::generate(),
        subject_id: "x".into(),
        status: ConversionStatus::Rejected,
        ..sale.clone()
    };
    vec![sale, rejected, rows::conversion(lead, 1_500_000, now - TimeDelta::days(2))]
}

#[tokio::test]
async fn figures_of_a_month_are_right_from_every_side() {
    let herald = TestApp::api_only().await;
    let (auditor, on) = (herald.auditor().await, herald.services());
    let month = month(on).await;
    let overview = auditor
        .data(&format!("{{ retentionOverview {{ newLeads enrollments {{ status count }} {FIGURES} }} }}"), json!({}))
        .await["retentionOverview"]
        .clone();
    assert_eq!(
        (&overview["newLeads"], &overview["enrollments"]),
        (&json!(1), &json!([{ "status": "CONVERTED", "count": 1 }]))
    );
    let wanted = json!({
        "attempts": 3, "pending": 0, "sent": 1, "delivered": 0, "success": 1, "failed": 1, "bounced": 0, "unknown": 0,
        "opened": 1, "clicked": 1, "replied": 0, "deliveryRate": 0.5, "clickRate": 0.5, "averageDurationSeconds": 90.0,
        "conversions": 2, "rejectedConversions": 1, "conversionRate": 1.0,
        "revenue": [{ "amount": "3.5", "currency": "EUR" }],
        "cost": [{ "amount": "0.5", "currency": "EUR" }, { "amount": "0.25", "currency": "USD" }], "returnOnCost": null,
    });
    assert_eq!(overview["figures"], wanted);

    let channels = format!("{{ channelReport {{ channels {{ channel {FIGURES} }} }} }}");
    let channels = auditor.data(&channels, json!({})).await["channelReport"]["channels"].clone();
    let seen: Vec<(&Json, &Json, &Json)> = channels
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["channel"], &row["figures"]["attempts"], &row["figures"]["conversions"]))
        .collect();
    let (call, email) = (json!("CALL"), json!("EMAIL"));
    assert_eq!(
        seen,
        [(&call, &json!(1), &json!(0)), (&email, &json!(2), &json!(1)), (&Json::Null, &json!(0), &json!(1))]
    );
    assert_eq!(channels[1]["figures"]["returnOnCost"], 4.0);

    let campaigns =
        "query($id: ID) { campaignReport(campaignId: $id) { campaigns { campaign { name } figures { attempts } } } }";
    let all = auditor.data(campaigns, json!({})).await["campaignReport"]["campaigns"].clone();
    let wanted = json!([{ "campaign": { "name": "Winter" }, "figures": { "attempts": 2 } },
        { "campaign": null, "figures": { "attempts": 1 } }]);
    assert_eq!(all, wanted);
    let one = auditor.data(campaigns, json!({ "id": month.campaign.global() })).await["campaignReport"].clone();
    assert_eq!(one["campaigns"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_funnel_shows_each_step_within_its_dates() {
    let herald = TestApp::api_only().await;
    let (auditor, on) = (herald.auditor().await, herald.services());
    let month = month(on).await;
    let funnel =
        "query($id: ID!, $from: DateTime) { sequenceFunnel(sequenceId: $id, from: $from) { enrollments { status count }
        steps { stepOrder channel executions { status count } figures { attempts conversions clicked } } } }";
    let id = month.sequence.id.global();
    let shown = auditor.data(funnel, json!({ "id": id })).await["sequenceFunnel"].clone();
    assert_eq!(
        shown["steps"],
        json!([
            { "stepOrder": 1, "channel": "EMAIL", "executions": [{ "status": "DELIVERED", "count": 1 }],
              "figures": { "attempts": 1, "conversions": 1, "clicked": 1 } },
            { "stepOrder": 2, "channel": "EMAIL", "executions": [{ "status": "CANCELLED", "count": 1 }],
              "figures": { "attempts": 0, "conversions": 0, "clicked": 0 } },
        ])
    );
    let from = month.now - TimeDelta::days(120);
    let longer = auditor.data(funnel, json!({ "id": id, "from": from.to_rfc3339() })).await["sequenceFunnel"].clone();
    assert_eq!(longer["steps"][1]["executions"].as_array().unwrap().len(), 2);
    let backwards = json!({ "id": id, "from": (month.now + TimeDelta::days(1)).to_rfc3339() });
    assert_eq!(auditor.query(funnel, backwards).await.violations(), ["from"]);
    assert_eq!(auditor.query(funnel, json!({ "id": id, "from": "2020-01-01T00:00:00Z" })).await.violations(), ["from"]);
}

#[tokio::test]
async fn a_report_is_kept_until_somebody_tells_of_a_change() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let ann = rows::lead(on.now());
    rows::insert::<lead::Entity, _>(on, vec![ann.clone()]).await;
    let read = async || {
        let shown = operator.data("{ retentionOverview { range { at } figures { attempts } } }", json!({})).await;
        let shown = shown["retentionOverview"].clone();
        (shown["range"]["at"].clone(), shown["figures"]["attempts"].as_i64().unwrap())
    };
    let first = read().await;
    assert_eq!(first.1, 0);
    let attempt = rows::attempt(ann.id, ContactChannel::Sms, on.now() - TimeDelta::minutes(1));
    rows::insert::<contact_attempt::Entity, _>(on, vec![attempt]).await;
    assert_eq!(read().await, first);
    on.tell(Event::Report);
    let second = read().await;
    assert_eq!((second.1, second.0 == first.0), (1, false));
}

/// `HERALD_TEST_REPORT_ATTEMPTS` says how many attempts lie in `HERALD_TEST_REPORT_DAYS`, a year by default; the time of a report
/// of 30 days is printed.
#[tokio::test]
async fn heavy_a_month_out_of_many_attempts_is_read_from_sums() {
    if !only_on(Postgres, "plans and statistics are PostgreSQL's") {
        return;
    }
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let attempts: i64 =
        std::env::var("HERALD_TEST_REPORT_ATTEMPTS").map_or(20_000, |text| text.parse().expect("a number"));
    let days: i64 = std::env::var("HERALD_TEST_REPORT_DAYS").map_or(365, |text| text.parse().expect("a number"));
    let seconds = days * 86_400;
    let (now, campaign) = (on.now(), rows::campaign(on.now()));
    rows::insert::<campaign::Entity, _>(on, vec![campaign]).await;
    let sequence = rows::sequence(now);
    rows::insert::<sequence::Entity, _>(on, vec![sequence.clone()]).await;
    let steps = (1..=5).map(|order| rows::step(sequence.id, order, now)).collect();
    rows::insert::<sequence_step::Entity, _>(on, steps).await;
    rows::insert::<lead::Entity, _>(on, (0..1_000).map(|_| rows::lead(now)).collect()).await;
    fill(on, attempts, seconds).await;
    storage::sums::add_up(&on.db).await.unwrap();
    on.db.analyze("time_sums").await.unwrap();
    let db = on.db.reader();
    for question in [Question::Overview, Question::Channels, Question::Campaigns(None), Question::Funnel(sequence.id)] {
        let mut times = Vec::new();
        for _ in 0..50 {
            // A new one each time: nothing is kept.
            let reports = Reports::new(on);
            let began = std::time::Instant::now();
            reports.read(question, Asked::default()).await.unwrap();
            times.push(began.elapsed());
        }
        times.sort();
        println!("{question:?}: {attempts} attempts, median {:?}, p99 {:?}", times[25], times[49]);
    }
    // Of a year of many attempts, a month is days and hours of sums: no contact is read but those of a quarter of an hour at both ends.
    let sql = "EXPLAIN (ANALYZE, FORMAT TEXT) SELECT channel, status, detail, SUM(n) FROM time_sums
        WHERE what = 'contact_attempts' AND span = 86400 AND at >= EXTRACT(EPOCH FROM now() - interval '30 days')::bigint
          AND at < EXTRACT(EPOCH FROM now())::bigint GROUP BY 1, 2, 3";
    let plan = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("time_sums_pkey"), "{plan}");
}

/// So many attempts, and as many executions, within so many seconds; a conversion for each twentieth.
async fn fill(on: &Services, attempts: i64, seconds: i64) {
    let db = on.db.reader();
    let seed = [
        format!(
            "INSERT INTO contact_attempts (id, lead_id, campaign_id, channel, status, started_at, cost_micros, currency, result)
             SELECT gen_random_uuid(), l.ids[1 + n % 1000], CASE WHEN n % 3 = 0 THEN c.id END,
                (ARRAY['EMAIL', 'SMS', 'CALL'])[1 + n % 3], (ARRAY['SENT', 'DELIVERED', 'FAILED', 'SUCCESS'])[1 + n % 4],
                now() - make_interval(secs => n * {seconds}.0 / {attempts}), n % 1000, 'EUR',
                CASE WHEN n % 5 = 0 THEN '{{\"opened\": true, \"clicked\": true}}'::jsonb END
             FROM generate_series(1, {attempts}) n, (SELECT array_agg(id) AS ids FROM leads) l, retention_campaigns c"
        ),
        format!(
            "INSERT INTO conversions (id, channel, revenue_micros, currency, status, source, subject_id, created_at, updated_at)
             SELECT gen_random_uuid(), 'EMAIL', 1000000, 'EUR', 'SALE', 'test', n::text,
                now() - make_interval(secs => n * {seconds}.0 * 20 / {attempts}), now()
             FROM generate_series(1, {attempts} / 20) n"
        ),
        format!(
            "INSERT INTO sequence_enrollments (id, sequence_id, lead_id, status, steps_version, attempt, enrolled_at, meta)
             SELECT gen_random_uuid(), s.id, l.ids[1 + n % 1000], 'COMPLETED', 1, n, now(), '{{}}'
             FROM generate_series(1, {attempts} / 5) n, retention_sequences s, (SELECT array_agg(id) AS ids FROM leads) l"
        ),
        format!(
            "INSERT INTO sequence_step_executions (id, enrollment_id, step_id, status, scheduled_at, created_at, channel)
             SELECT gen_random_uuid(), n.id, s.id, CASE WHEN random() < 0.9 THEN 'SENT' ELSE 'FAILED' END,
                now() - random() * make_interval(secs => {seconds}.0), now(), 'EMAIL'
             FROM sequence_enrollments n, sequence_steps s"
        ),
        "VACUUM ANALYZE contact_attempts".into(),
        "VACUUM ANALYZE conversions".into(),
        "VACUUM ANALYZE sequence_step_executions".into(),
    ];
    for sql in seed {
        db.execute_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    }
}
