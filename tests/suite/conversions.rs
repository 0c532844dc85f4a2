//! Conversions: recorded once, matched, credited, and credited anew.

use chrono::TimeDelta;
use domain::id::{ContactAttemptId, LeadId};
use domain::retention::words::{ContactAttemptStatus, ContactChannel, LeadStatus};
use graphql::engine::id::GlobalId;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value as Json, json};
use storage::retention::contact_attempt;

use crate::harness::TestApp;
use crate::retention::person;

const RECORD: &str = "mutation($input: RecordConversionInput!) { recordConversion(input: $input) { conversion {
    id status revenue currency source lead { id status } contactAttempt { id } channel
    attribution { model windowDays shares { contactAttempt { id } revenue } } version } } }";
const LIST: &str = "query($filter: ConversionFilter) { conversions(filter: $filter) { totalCount nodes {
    revenue attribution { model shares { contactAttempt { id } revenue } } } } }";
const RECOMPUTE: &str =
    "mutation($input: RecomputeAttributionInput!) { recomputeAttribution(input: $input) { conversions } }";

/// A lead with contacts, so many days ago each.
async fn lead_with(herald: &TestApp, days: &[i64]) -> (LeadId, Vec<Json>) {
    let on = herald.services();
    let id = person(on, "ann", |row| {
        row.email = Some("ann@example.com".into());
        row.status = LeadStatus::Contacted;
        row.time_zone = None;
    })
    .await;
    let contacts: Vec<_> = days
        .iter()
        .map(|days| contact_attempt::Model {
            id: ContactAttemptId::generate(),
            lead_id: id,
            campaign_id: None,
            step_id: None,
            script_id: None,
            ab_test_id: None,
            ab_variant: None,
            channel: ContactChannel::Email,
            status: ContactAttemptStatus::Delivered,
            provider: Some("smtp".into()),
            provider_ref: None,
            started_at: on.now() - TimeDelta::days(*days),
            completed_at: None,
            duration: None,
            cost_micros: None,
            currency: None,
            result: None,
            notes: None,
            tracks_clicks: false,
        })
        .collect();
    let all = &contacts;
    on.db
        .write(|tx| async move {
            for contact in all {
                contact.clone().into_active_model().insert(&*tx).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
    (id, contacts.iter().map(|contact| json!(contact.id.global())).collect())
}

#[tokio::test]
async fn a_conversion_is_recorded_once_and_credited_to_the_last_contact() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let (lead, contacts) = lead_with(&herald, &[40, 10, 3]).await;
    let input = json!({ "leadId": lead.global(), "status": "SALE", "revenue": "100.01", "currency": "eur" });
    let made = operator.data(RECORD, json!({ "input": input })).await["recordConversion"]["conversion"].clone();
    assert_eq!(
        (&made["revenue"], &made["currency"], &made["source"]),
        (&json!("100.01"), &json!("EUR"), &json!("manual"))
    );
    assert_eq!((&made["lead"]["status"], &made["channel"]), (&json!("CONVERTED"), &json!("EMAIL")));
    assert_eq!(made["contactAttempt"]["id"], contacts[2]);
    assert_eq!((&made["attribution"]["model"], &made["attribution"]["windowDays"]), (&json!("LAST_TOUCH"), &json!(30)));
    let again = operator.data(RECORD, json!({ "input": input })).await["recordConversion"]["conversion"].clone();
    assert_eq!(again, made);

    let since = (herald.services().now() - TimeDelta::days(1)).to_rfc3339();
    let recompute = async |model: &str, days: i32| {
        let input = json!({ "model": model, "windowDays": days, "since": since });
        assert_eq!(operator.data(RECOMPUTE, json!({ "input": input })).await["recomputeAttribution"]["conversions"], 1);
        let listed = operator.data(LIST, json!({ "filter": { "leadId": lead.global() } })).await["conversions"].clone();
        listed["nodes"][0]["attribution"]["shares"].clone()
    };
    let share = |contact: &Json, revenue: &str| json!({ "contactAttempt": { "id": contact }, "revenue": revenue });
    assert_eq!(recompute("FIRST_TOUCH", 30).await, json!([share(&contacts[1], "100.01")]));
    assert_eq!(recompute("FIRST_TOUCH", 60).await, json!([share(&contacts[0], "100.01")]));
    let thirds = [share(&contacts[0], "33.336666"), share(&contacts[1], "33.336666"), share(&contacts[2], "33.336668")];
    assert_eq!(recompute("LINEAR", 60).await, json!(thirds));
    assert_eq!(recompute("LAST_TOUCH", 30).await, json!([share(&contacts[2], "100.01")]));
}

#[tokio::test]
async fn conversions_are_credited_as_the_setting_says() {
    let herald = TestApp::with(&["--attribution=linear", "--attribution-days=20"]).await;
    let (lead, contacts) = lead_with(&herald, &[40, 10, 3]).await;
    let input = json!({ "leadId": lead.global(), "status": "SALE", "revenue": "10", "currency": "EUR" });
    let made = herald.operator().await.data(RECORD, json!({ "input": input })).await;
    let halves = [&contacts[1], &contacts[2]].map(|id| json!({ "contactAttempt": { "id": id }, "revenue": "5" }));
    let credited = json!({ "model": "LINEAR", "windowDays": 20, "shares": halves });
    assert_eq!(made["recordConversion"]["conversion"]["attribution"], credited);
}

#[tokio::test]
async fn what_can_not_be_right_is_refused() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let refused = async |input: Json| operator.query(RECORD, json!({ "input": input })).await;
    assert_eq!(refused(json!({ "status": "SALE" })).await.violations(), ["input.leadId"]);
    let wrong = json!({ "subId": "x", "status": "SALE", "source": "No!", "currency": "euros" });
    assert_eq!(refused(wrong).await.violations(), ["input.source", "input.currency"]);
    let gone = json!({ "leadId": LeadId::generate().global(), "status": "SALE" });
    assert_eq!(refused(gone).await.code(), "NOT_FOUND");
    let (lead, _) = lead_with(&herald, &[]).await;
    let other = json!({ "leadId": lead.global(), "contactAttemptId": lead.global(), "status": "SALE" });
    assert_eq!(refused(other).await.violations(), ["input.contactAttemptId"]);
    assert_eq!(
        herald.auditor().await.query(RECORD, json!({ "input": { "status": "SALE" } })).await.code(),
        "FORBIDDEN"
    );
    let unmatched = json!({ "subId": "nobody", "status": "LEAD", "idempotencyKey": "k" });
    assert!(refused(unmatched).await.data()["recordConversion"]["conversion"]["lead"].is_null());
    let listed = operator.data(LIST, json!({ "filter": { "isMatched": false, "subId": "nobody" } })).await;
    assert_eq!(listed["conversions"]["totalCount"], 1);
}

#[tokio::test]
async fn a_conversion_that_came_before_its_lead_is_found_by_a_uuid_in_capitals_or_not() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let told = [
        ("0B9C7B4E-1D2F-4A6B-8C9D-0E1F2A3B4C5D", "0b9c7b4e-1d2f-4a6b-8c9d-0e1f2a3b4c5d"),
        ("1b9c7b4e-1d2f-4a6b-8c9d-0e1f2a3b4c5d", "1B9C7B4E-1D2F-4A6B-8C9D-0E1F2A3B4C5D"),
        ("shop-7", "shop-7"),
        ("Shop-8", "shop-8"),
    ];
    for (sub, _) in told {
        let input = json!({ "subId": sub, "status": "SALE", "revenue": "5", "transactionId": sub });
        operator.data(RECORD, json!({ "input": input })).await;
    }
    for (_, external) in told {
        let create = "mutation($id: String) { createLead(input: { externalId: $id }) { lead { id } } }";
        operator.data(create, json!({ "id": external })).await;
    }
    service::retention::conversion::match_later(herald.services()).await.unwrap();
    let found = operator.data("{ conversions { nodes { subId lead { externalId } } } }", json!({})).await;
    for (sub, external) in told {
        let nodes = found["conversions"]["nodes"].as_array().unwrap();
        let row = nodes.iter().find(|row| row["subId"] == sub).unwrap();
        let expected = if sub == "Shop-8" { Json::Null } else { json!({ "externalId": external }) };
        assert_eq!(row["lead"], expected, "{sub}: other ids are the same letter for letter");
    }
}

const CORRECT: &str = "mutation($input: CorrectConversionInput!) { correctConversion(input: $input) { conversion {
    id status revenue currency version lead { id status } contactAttempt { id } } } }";
const TAKE_BACK: &str = "mutation($input: DeleteConversionInput!) { deleteConversion(input: $input) { deletedId } }";

#[tokio::test]
async fn a_conversion_is_corrected_and_taken_back_with_what_followed_from_it() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let (ann, contacts) = lead_with(&herald, &[1]).await;
    let bob = person(on, "bob", |row| row.email = Some("bob@example.com".into())).await;
    let status = async |lead: LeadId| {
        let read = "query($id: ID!) { lead(id: $id) { status conversions { totalCount } } }";
        operator.data(read, json!({ "id": lead.global() })).await["lead"].clone()
    };
    let sale = json!({ "leadId": ann.global(), "status": "SALE", "revenue": "10", "currency": "EUR" });
    let made = operator.data(RECORD, json!({ "input": sale })).await["recordConversion"]["conversion"].clone();
    let correct = async |mut input: Json| {
        input["id"] = made["id"].clone();
        operator.query(CORRECT, json!({ "input": input })).await
    };
    let amount = correct(json!({ "revenue": "12.5", "currency": "usd", "expectedVersion": 1 })).await;
    let amount = amount.data()["correctConversion"]["conversion"].clone();
    assert_eq!(
        (&amount["revenue"], &amount["currency"], &amount["status"]),
        (&json!("12.5"), &json!("USD"), &json!("SALE"))
    );
    assert_eq!(correct(json!({ "revenue": "1", "expectedVersion": 1 })).await.code(), "CONFLICT");
    assert_eq!(correct(json!({ "status": "REJECTED", "revenue": "1" })).await.code(), "BAD_USER_INPUT");
    assert_eq!(correct(json!({ "currency": "Euro" })).await.code(), "BAD_USER_INPUT");
    let nobody = LeadId::generate().global();
    assert_eq!(correct(json!({ "leadId": nobody })).await.code(), "NOT_FOUND");

    // Taken back, and confirmed after all: what a provider can't do, a person can.
    let rejected = correct(json!({ "status": "REJECTED" })).await.data()["correctConversion"]["conversion"].clone();
    assert_eq!((&rejected["revenue"], &rejected["lead"]["status"]), (&json!("0"), &json!("CONTACTED")));
    let again = correct(json!({ "status": "SALE", "revenue": "20" })).await;
    assert_eq!(again.data()["correctConversion"]["conversion"]["lead"]["status"], "CONVERTED");

    // It was somebody else's.
    let moved = correct(json!({ "leadId": bob.global() })).await.data()["correctConversion"]["conversion"].clone();
    assert_eq!((&moved["lead"]["status"], &moved["contactAttempt"]), (&json!("CONVERTED"), &Json::Null));
    assert_eq!(status(ann).await["status"], "CONTACTED");
    assert!(!contacts.is_empty());

    let input = json!({ "input": { "id": made["id"] } });
    assert_eq!(operator.data(TAKE_BACK, input.clone()).await["deleteConversion"]["deletedId"], made["id"]);
    assert_eq!(status(bob).await, json!({ "status": "IN_PROGRESS", "conversions": { "totalCount": 0 } }));
    assert_eq!(operator.query(TAKE_BACK, input).await.code(), "NOT_FOUND");
    let audit = "{ auditLogs(filter: { actions: [CONVERSION_CORRECTED, CONVERSION_DELETED] }) { totalCount nodes { metadata } } }";
    let lines = herald.admin().await.data(audit, json!({})).await["auditLogs"].clone();
    assert_eq!(lines["totalCount"], 5, "{lines}");
    assert!(lines["nodes"][0]["metadata"].to_string().contains("20000000"), "{lines}");
}
