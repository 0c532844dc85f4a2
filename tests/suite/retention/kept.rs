//! Rows that are kept no longer: what nothing needs goes, what is needed stays, and reports say what they said.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{AbTestId, ContactAttemptId, LeadId};
use domain::retention::words::{AbTestStatus, ContactAttemptStatus, ContactChannel, EnrollmentStatus, ExecutionStatus};
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::{Value as Json, json};
use service::Services;
use service::keep::{self, Gone};
use storage::retention::{
    ab_test, campaign, contact_attempt, conversion, enrollment, execution, lead, script, sequence, sequence_step,
};

use super::rows;
use crate::harness::{Client, TestApp, eventually};

const KEPT: [&str; 3] = ["--keep-attempts=90", "--keep-executions=90", "--keep-imports=7"];

async fn run(on: &Services, sql: &str) {
    on.db.reader().execute_raw(Statement::from_string(on.db.backend(), sql)).await.unwrap();
}

async fn contacts(on: &Services) -> Vec<ContactAttemptId> {
    let mut left: Vec<_> =
        contact_attempt::Entity::find().all(on.db.reader()).await.unwrap().into_iter().map(|row| row.id).collect();
    left.sort();
    left
}

/// What reports say of a year.
async fn reports(by: &Client, now: DateTime<Utc>) -> Json {
    let figures = "figures { attempts sent failed opened replied averageDurationSeconds conversions
        revenue { amount currency } cost { amount currency } }";
    let reports = format!(
        "query($from: DateTime, $to: DateTime) {{
            retentionOverview(from: $from, to: $to) {{ enrollments {{ status count }} {figures} }}
            channelReport(from: $from, to: $to) {{ channels {{ channel {figures} }} }}
            campaignReport(from: $from, to: $to) {{ campaigns {{ campaign {{ id }} {figures} }} }} }}"
    );
    // Another question each time: answers are kept for a minute.
    let to = now + TimeDelta::seconds(rand::random_range(1..100_000));
    by.data(&reports, json!({ "from": (now - TimeDelta::days(360)).to_rfc3339(), "to": to.to_rfc3339() })).await
}

/// A test of two scripts.
async fn tested(on: &Services) -> AbTestId {
    let (a, b) = (rows::script(ContactChannel::Email, on.now()), rows::script(ContactChannel::Email, on.now()));
    let campaign = rows::campaign(on.now());
    let test = ab_test::Model {
        campaign_id: Some(campaign.id),
        status: AbTestStatus::Completed,
        ..rows::ab_test([a.id, b.id], on.now())
    };
    let id = test.id;
    rows::insert::<campaign::Entity, _>(on, vec![campaign]).await;
    rows::insert::<script::Entity, _>(on, vec![a, b]).await;
    rows::insert::<ab_test::Entity, _>(on, vec![test]).await;
    id
}

/// An enrollment of a lead that is in this state, with one step that was sent then by this contact.
async fn enrolled(
    on: &Services,
    (of, step): (&sequence::Model, &sequence_step::Model),
    lead: LeadId,
    status: EnrollmentStatus,
    (at, contact): (DateTime<Utc>, ContactAttemptId),
) -> execution::Model {
    let row = enrollment::Model { status, ..rows::enrollment(of.id, lead, at) };
    let sent = execution::Model {
        contact_attempt_id: Some(contact),
        ..rows::execution(row.id, step.id, ExecutionStatus::Sent, at)
    };
    rows::insert::<enrollment::Entity, _>(on, vec![row]).await;
    rows::insert::<execution::Entity, _>(on, vec![sent.clone()]).await;
    sent
}

#[tokio::test]
async fn old_contacts_go_reports_stay_and_nothing_goes_that_is_needed() {
    let herald = TestApp::with(&KEPT).await;
    let (on, admin) = (herald.services(), herald.admin().await);
    let now = on.now();
    let old = now - TimeDelta::days(100);
    let (campaign, sequence) = (rows::campaign(now), rows::sequence(now));
    let step = rows::step(sequence.id, 1, now);
    let leads: Vec<_> = (0..3).map(|_| rows::lead(now)).collect();
    let test = tested(on).await;
    rows::insert::<campaign::Entity, _>(on, vec![campaign.clone()]).await;
    rows::insert::<sequence::Entity, _>(on, vec![sequence.clone()]).await;
    rows::insert::<sequence_step::Entity, _>(on, vec![step.clone()]).await;
    rows::insert::<lead::Entity, _>(on, leads.clone()).await;
    let ann = leads[0].id;
    let contact = |at| contact_attempt::Model {
        campaign_id: Some(campaign.id),
        duration: Some(30),
        cost_micros: Some(1_000_000),
        currency: Some("EUR".into()),
        result: Some(json!({ "opened": true, "replied": true })),
        ..rows::attempt(ann, ContactChannel::Email, at)
    };
    let mut many: Vec<_> = (0..1_203).map(|n| contact(old - TimeDelta::minutes(n))).collect();
    let (ended, ended_young) = (contact(old), contact(old));
    many.extend([ended.clone(), ended_young.clone()]);
    let young = contact(now - TimeDelta::days(80));
    let pending = contact_attempt::Model { status: ContactAttemptStatus::Pending, ..contact(old) };
    let bought = contact(old);
    let of_test = contact_attempt::Model { ab_test_id: Some(test), ..contact(old) };
    let at_instantly = contact_attempt::Model { provider: Some("instantly".into()), ..contact(old) };
    let open = contact(old);
    let stay = [young, pending, bought.clone(), of_test, at_instantly, open.clone()];
    rows::insert::<contact_attempt::Entity, _>(on, [many, stay.to_vec()].concat()).await;
    let sale = conversion::Model { contact_attempt_id: Some(bought.id), ..rows::conversion(ann, 5_000_000, old) };
    rows::insert::<conversion::Entity, _>(on, vec![sale]).await;
    let of = (&sequence, &step);
    let going = enrolled(on, of, leads[0].id, EnrollmentStatus::Active, (old, open.id)).await;
    enrolled(on, of, leads[1].id, EnrollmentStatus::Completed, (old, ended.id)).await;
    let late = now - TimeDelta::days(5);
    let young_step = enrolled(on, of, leads[2].id, EnrollmentStatus::Completed, (late, ended_young.id)).await;

    let before = reports(&admin, now).await;
    assert_eq!(before["retentionOverview"]["figures"]["attempts"], 1_211, "{before}");
    let gone = keep::prune(on).await.unwrap();
    assert_eq!(gone, Gone { attempts: 1_205, executions: 1, imports: 0, jobs: 0 });
    let mut wanted: Vec<_> = stay.iter().map(|row| row.id).collect();
    wanted.sort();
    assert_eq!(contacts(on).await, wanted);
    let mut steps: Vec<_> =
        execution::Entity::find().all(on.db.reader()).await.unwrap().into_iter().map(|row| row.id).collect();
    steps.sort();
    let mut wanted = vec![going.id, young_step.id];
    wanted.sort();
    assert_eq!(steps, wanted);
    assert_eq!(reports(&admin, now).await, before);
    assert_eq!(keep::prune(on).await.unwrap(), Gone::default());
    while storage::sums::add_some(&on.db).await.unwrap() && noted(on).await > 0 {}
    assert_eq!(reports(&admin, now).await, before);

    belongs_to_none_without_its_campaign(on, &admin, now).await;
}

/// Without its campaign what was done for it belongs to none, whether it is kept or not.
async fn belongs_to_none_without_its_campaign(on: &Services, admin: &Client, now: DateTime<Utc>) {
    for table in ["conversions", "ab_tests", "retention_campaigns"] {
        run(on, &format!("DELETE FROM {table}")).await;
    }
    let after = reports(admin, now).await["campaignReport"]["campaigns"].clone();
    assert_eq!((after[0]["campaign"].clone(), after[0]["figures"]["attempts"].clone()), (Json::Null, json!(1_211)));
    assert_eq!(after.as_array().unwrap().len(), 1, "{after}");
}

async fn noted(on: &Services) -> i64 {
    let sql = Statement::from_string(on.db.backend(), "SELECT COUNT(*) AS n FROM time_notes");
    on.db.reader().query_one_raw(sql).await.unwrap().unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn where_contacts_were_deleted_reports_have_whole_quarters_and_credit_is_not_computed_again() {
    let herald = TestApp::with(&KEPT).await;
    let (on, admin) = (herald.services(), herald.admin().await);
    let ann = rows::lead(on.now());
    rows::insert::<lead::Entity, _>(on, vec![ann.clone()]).await;
    let quarter: DateTime<Utc> = "2026-01-05T10:15:00Z".parse().unwrap();
    assert!(on.now() - quarter > TimeDelta::days(90));
    let at = |minutes| rows::attempt(ann.id, ContactChannel::Sms, quarter + TimeDelta::minutes(minutes));
    rows::insert::<contact_attempt::Entity, _>(on, vec![at(0), at(14), at(15)]).await;
    let ask = async |from: &str, to: &str| {
        let query = "query($from: DateTime, $to: DateTime) { retentionOverview(from: $from, to: $to) {
            range { from to } figures { attempts } } }";
        let found = admin.data(query, json!({ "from": from, "to": to })).await["retentionOverview"].clone();
        (found["range"]["from"].clone(), found["range"]["to"].clone(), found["figures"]["attempts"].clone())
    };
    let asked = ("2026-01-05T10:20:00.000Z", "2026-01-05T10:29:30.000Z");
    assert_eq!(ask(asked.0, asked.1).await, (json!(asked.0), json!(asked.1), json!(1)));
    assert_eq!(keep::prune(on).await.unwrap().attempts, 3);
    let whole = ("2026-01-05T10:15:00.000Z", "2026-01-05T10:30:00.000Z");
    assert_eq!(ask("2026-01-05T10:21:00Z", asked.1).await, (json!(whole.0), json!(whole.1), json!(2)));

    let again =
        "mutation($since: DateTime!) { recomputeAttribution(input: { model: LINEAR, windowDays: 30, since: $since }) {
        conversions } }";
    let refused = admin.query(again, json!({ "since": (on.now() - TimeDelta::days(70)).to_rfc3339() })).await;
    assert_eq!(refused.violations(), ["input.since"]);
    assert!(refused.message().contains("HERALD_KEEP_ATTEMPTS"), "{}", refused.message());
    let since = (on.now() - TimeDelta::days(50)).to_rfc3339();
    assert_eq!(admin.data(again, json!({ "since": since })).await["recomputeAttribution"]["conversions"], 0);
}

#[tokio::test]
async fn old_imports_go_with_their_errors_and_those_that_have_not_ended_stay() {
    let herald = TestApp::with(&KEPT).await;
    let (on, admin) = (herald.services(), herald.admin().await);
    let import = "mutation($id: ID!) { importLeads(input: { uploadId: $id }) { import { id } } }";
    let mut ids = Vec::new();
    for list in ["email\nann@example.com\nnobody\n", "email\nbob@example.com\nnobody\n", "email\neve@example.com\n"] {
        let upload = admin.upload(list).await;
        let id = admin.data(import, json!({ "id": upload })).await["importLeads"]["import"]["id"].clone();
        eventually("the import has ended", async || {
            let read = "query($id: ID!) { leadImport(id: $id) { status } }";
            admin.data(read, json!({ "id": id })).await["leadImport"]["status"] == "COMPLETED"
        })
        .await;
        ids.push(id);
    }
    let upload = admin.upload("{\"username\": \"some_channel\", \"category\": \"tech\"}\n{ broken\n").await;
    let channels = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";
    let id = admin.data(channels, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    eventually("the import has ended", async || {
        let read = "query($id: ID!) { channelImport(id: $id) { status } }";
        admin.data(read, json!({ "id": id })).await["channelImport"]["status"] == "COMPLETED"
    })
    .await;
    assert_eq!(keep::prune(on).await.unwrap(), Gone::default());
    let old = if on.db.is_postgres() { "now() - interval '8 days'" } else { "'2020-01-01T00:00:00+00:00'" };
    run(on, &format!("UPDATE channel_imports SET completed_at = {old}")).await;
    run(
        on,
        &format!("UPDATE lead_imports SET completed_at = {old} WHERE id <> (SELECT id FROM lead_imports ORDER BY id DESC LIMIT 1)"),
    )
    .await;
    run(on, "UPDATE lead_imports SET status = 'RUNNING' WHERE id = (SELECT id FROM lead_imports ORDER BY id LIMIT 1)")
        .await;
    assert_eq!(keep::prune(on).await.unwrap().imports, 2);
    let there = async |id: &Json| {
        let read = "query($id: ID!) { leadImport(id: $id) { id } }";
        !admin.data(read, json!({ "id": id })).await["leadImport"].is_null()
    };
    assert_eq!((there(&ids[0]).await, there(&ids[1]).await, there(&ids[2]).await), (true, false, true));
    for table in ["lead_import_errors", "channel_import_errors"] {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let row = on.db.reader().query_one_raw(Statement::from_string(on.db.backend(), sql)).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), i64::from(table == "lead_import_errors"), "{table}");
    }
}
