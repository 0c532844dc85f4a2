//! People as a whole: two leads that are one, everything that is known of one, and being forgotten.

use chrono::TimeDelta;
use domain::id::LeadId;
use domain::retention::words::{
    AbVariant, CampaignLeadStatus, ConsentKind, ContactChannel, EnrollmentStatus, ExecutionStatus, LeadStatus,
    WebhookEventStatus,
};
use graphql::engine::id::GlobalId;
use sea_orm::PaginatorTrait;
use serde_json::{Value as Json, json};
use service::Services;
use storage::Noun;
use storage::retention::{
    campaign, campaign_lead, consent, contact_attempt, conversion, enrollment, execution, lead, sequence,
    sequence_step, webhook_event,
};

use super::rows;
use crate::harness::{Client, TestApp};

const MERGE: &str = "mutation($input: MergeLeadsInput!) { mergeLeads(input: $input) { lead { id version } } }";
const ERASE: &str = "mutation($id: ID!) { eraseLead(input: { id: $id }) { erasedId } }";

async fn read(on: &Services, id: LeadId) -> lead::Model {
    lead::Entity::by_ids(&[id]).one(on.db.reader()).await.unwrap().unwrap()
}

/// A lead in a campaign and in a sequence, with a contact and a sale.
async fn history(on: &Services, of: &lead::Model, campaign: &campaign::Model, step: &sequence_step::Model) {
    let now = on.now();
    let attempt = contact_attempt::Model {
        campaign_id: Some(campaign.id),
        provider_ref: Some(format!("SM-{}", of.id)),
        result: Some(json!({ "clicked": true, "to": of.email })),
        notes: Some("called back".into()),
        ab_variant: Some(AbVariant::A),
        ..rows::attempt(of.id, ContactChannel::Email, now)
    };
    let sale = conversion::Model {
        click_id: Some("click-1".into()),
        postback_data: Some(json!({ "email": of.email })),
        ..rows::conversion(of.id, 5_000_000, now)
    };
    let member = campaign_lead::Model {
        id: domain::id::CampaignLeadId::generate(),
        campaign_id: campaign.id,
        lead_id: of.id,
        status: CampaignLeadStatus::Pending,
        assigned_at: now,
        completed_at: None,
    };
    let enrolled = rows::enrollment(step.sequence_id, of.id, now);
    let due = rows::execution(enrolled.id, step.id, ExecutionStatus::Scheduled, now + TimeDelta::days(1));
    let agreed = consent::Model {
        id: domain::id::ConsentId::generate(),
        lead_id: of.id,
        channel: Some(ContactChannel::Email),
        kind: ConsentKind::Given,
        source: "form".into(),
        wording: None,
        given_at: now,
        created_at: now,
    };
    rows::insert::<contact_attempt::Entity, _>(on, vec![attempt]).await;
    rows::insert::<conversion::Entity, _>(on, vec![sale]).await;
    rows::insert::<campaign_lead::Entity, _>(on, vec![member]).await;
    rows::insert::<enrollment::Entity, _>(on, vec![enrolled]).await;
    rows::insert::<execution::Entity, _>(on, vec![due]).await;
    rows::insert::<consent::Entity, _>(on, vec![agreed]).await;
}

async fn place(on: &Services) -> (campaign::Model, sequence_step::Model) {
    let (campaign, sequence) = (rows::campaign(on.now()), rows::sequence(on.now()));
    let step = rows::step(sequence.id, 1, on.now());
    rows::insert::<campaign::Entity, _>(on, vec![campaign.clone()]).await;
    rows::insert::<sequence::Entity, _>(on, vec![sequence]).await;
    rows::insert::<sequence_step::Entity, _>(on, vec![step.clone()]).await;
    (campaign, step)
}

async fn enrollments(on: &Services, of: LeadId) -> Vec<(i32, EnrollmentStatus)> {
    let rows = enrollment::Entity::with(of).all(on.db.reader()).await.unwrap();
    let mut found: Vec<_> = rows.into_iter().map(|row| (row.attempt, row.status)).collect();
    found.sort_by_key(|(attempt, _)| *attempt);
    found
}

#[tokio::test]
async fn two_leads_become_one_with_the_history_of_both() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let (campaign, step) = place(on).await;
    let kept = lead::Model {
        email: None,
        meta: json!({ "plan": "gold" }),
        status: LeadStatus::Contacted,
        ..rows::lead(on.now())
    };
    let other = lead::Model {
        phone: Some("+4915123456789".into()),
        meta: json!({ "plan": "free", "city": "Rome" }),
        no_sms: true,
        notes: Some("likes calls".into()),
        status: LeadStatus::New,
        ..rows::lead(on.now())
    };
    rows::insert::<lead::Entity, _>(on, vec![kept.clone(), other.clone()]).await;
    history(on, &kept, &campaign, &step).await;
    history(on, &other, &campaign, &step).await;
    let input = |more: Json| {
        let mut input =
            json!({ "keepId": kept.id.global(), "duplicateId": other.id.global(), "idempotencyKey": "merge" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "input": input })
    };
    let same = operator.query(MERGE, input(json!({ "duplicateId": kept.id.global() }))).await;
    assert_eq!(same.violations(), ["input.duplicateId"]);
    assert_eq!(operator.query(MERGE, input(json!({ "expectedVersion": 9 }))).await.code(), "CONFLICT");
    let merged = operator.data(MERGE, input(json!({}))).await;
    assert_eq!(merged["mergeLeads"]["lead"]["id"], json!(kept.id.global()));

    let now = read(on, kept.id).await;
    assert_eq!((now.email, now.phone, now.notes), (other.email, other.phone, other.notes));
    assert_eq!((now.meta, now.status), (json!({ "plan": "gold", "city": "Rome" }), LeadStatus::Contacted));
    assert!(now.no_sms && !now.no_email);
    let db = on.db.reader();
    assert_eq!(lead::Entity::by_ids(&[other.id]).count(db).await.unwrap(), 0);
    assert_eq!(contact_attempt::Entity::to(kept.id).count(db).await.unwrap(), 2);
    assert_eq!(conversion::Entity::by(kept.id).count(db).await.unwrap(), 2);
    assert_eq!(consent::Entity::of(&[kept.id]).count(db).await.unwrap(), 2);
    assert_eq!(campaign_lead::Entity::with(kept.id).count(db).await.unwrap(), 1);
    // Both were in the sequence: one goes on.
    assert_eq!(enrollments(on, kept.id).await, [(1, EnrollmentStatus::Active), (2, EnrollmentStatus::Cancelled)]);
    let steps = execution::Entity::all().all(db).await.unwrap();
    let cancelled = steps.iter().filter(|step| step.status == ExecutionStatus::Cancelled).count();
    assert_eq!((steps.len(), cancelled), (2, 1));
    // The request comes again: the same answer, and nothing more is done.
    assert_eq!(operator.data(MERGE, input(json!({}))).await, merged);
}

#[tokio::test]
async fn two_merges_the_other_way_round_do_not_lock_each_other_out() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    for _ in 0..5 {
        let both = [rows::lead(on.now()), rows::lead(on.now())];
        rows::insert::<lead::Entity, _>(on, both.to_vec()).await;
        let merge = |keep: LeadId, duplicate: LeadId| {
            let input = json!({ "input": { "keepId": keep.global(), "duplicateId": duplicate.global() } });
            let operator = operator.clone();
            async move { operator.query(MERGE, input).await.code().to_owned() }
        };
        let (one, two) = tokio::join!(merge(both[0].id, both[1].id), merge(both[1].id, both[0].id));
        let mut codes = [one, two];
        codes.sort();
        assert_eq!(codes, ["", "NOT_FOUND"]);
    }
}

fn all_text(of: &Json) -> String {
    of.to_string().to_lowercase()
}

async fn export(by: &Client, id: LeadId) -> Json {
    by.data("query($id: ID!) { exportLead(id: $id) }", json!({ "id": id.global() })).await["exportLead"].clone()
}

/// A callback of which nothing but its body matters.
fn callback(body: String, now: chrono::DateTime<chrono::Utc>) -> webhook_event::Model {
    let id = domain::id::WebhookEventId::generate();
    webhook_event::Model {
        id,
        provider: "twilio".into(),
        dedupe_key: id.to_string(),
        status: WebhookEventStatus::Processed,
        query: None,
        content_type: None,
        body,
        attempts: 1,
        error_message: None,
        received_at: now,
        not_before: None,
        processed_at: None,
        outcome: None,
        is_keyed: false,
    }
}

/// Imports a list, and returns the import as it ended.
async fn imported(by: &Client, list: String) -> Json {
    let upload = by.upload(list).await;
    let import = "mutation($id: ID!) { importLeads(input: { uploadId: $id }) { import { id } } }";
    let asked = by.data(import, json!({ "id": upload })).await["importLeads"]["import"].clone();
    let read = "query($id: ID!) { leadImport(id: $id) { status inserted invalid errors { line } } }";
    let mut import = Json::Null;
    crate::harness::eventually("the import has ended", async || {
        import = by.data(read, json!({ "id": asked["id"] })).await["leadImport"].clone();
        import["status"] == "COMPLETED"
    })
    .await;
    import
}

#[tokio::test]
async fn who_is_erased_is_nowhere_any_more_and_can_not_come_back_by_an_import() {
    let herald = TestApp::api_only().await;
    let (admin, on) = (herald.admin().await, herald.services());
    let (campaign, step) = place(on).await;
    let ann = lead::Model { phone: Some("+4915123456789".into()), notes: Some("Ann's".into()), ..rows::lead(on.now()) };
    let bob = rows::lead(on.now());
    rows::insert::<lead::Entity, _>(on, vec![ann.clone(), bob.clone()]).await;
    history(on, &ann, &campaign, &step).await;
    let email = ann.email.clone().unwrap();
    let callbacks = [
        format!("to={}&x=1", email.replace('@', "%40")),
        format!("{{\"sid\":\"SM-{}\"}}", ann.id),
        "to=%2B4915123456789".to_owned(),
        "to=bob".to_owned(),
    ];
    let events = callbacks.into_iter().map(|body| callback(body, on.now())).collect();
    rows::insert::<webhook_event::Entity, _>(on, events).await;
    let before = export(&admin, ann.id).await;
    assert_eq!(
        (&before["lead"]["email"], &before["contactAttempts"][0]["notes"]),
        (&json!(email), &json!("called back"))
    );
    assert_eq!(before["enrollments"][0]["executions"][0]["status"], "SCHEDULED");
    assert_eq!(before["conversions"][0]["revenue"], "5");

    let operator = herald.operator().await;
    assert_eq!(operator.query(ERASE, json!({ "id": ann.id.global() })).await.code(), "FORBIDDEN");
    let auditor = herald.auditor().await;
    let refused = auditor.query("query($id: ID!) { exportLead(id: $id) }", json!({ "id": ann.id.global() })).await;
    assert_eq!(refused.code(), "FORBIDDEN");
    admin.data(ERASE, json!({ "id": ann.id.global() })).await;

    let after = export(&admin, ann.id).await;
    let text = all_text(&after);
    for trace in [&email, "49151", "\"ann", "called back", "click-1", "sm-"] {
        assert!(!text.contains(&trace.to_lowercase()), "{trace} is still in {after:#}");
    }
    assert_eq!((&after["lead"]["status"], &after["lead"]["source"]), (&json!("DO_NOT_CONTACT"), &json!("ERASED")));
    // The numbers stay.
    assert_eq!(
        (&after["conversions"][0]["revenue"], &after["contactAttempts"][0]["result"]["clicked"]),
        (&json!("5"), &json!(true))
    );
    assert_eq!(enrollments(on, ann.id).await, [(1, EnrollmentStatus::Cancelled)]);
    let events = webhook_event::Entity::all().all(on.db.reader()).await.unwrap();
    let kept: Vec<&str> = events.iter().map(|event| event.body.as_str()).filter(|body| !body.is_empty()).collect();
    assert_eq!(kept, ["to=bob"]);
    let audit = "{ auditLogs(filter: { actions: [LEAD_ERASED] }) { nodes { metadata } } }";
    let line = admin.data(audit, json!({})).await["auditLogs"]["nodes"][0]["metadata"].clone();
    assert_eq!(line, json!({ "attempts": 1, "conversions": 1, "webhookEvents": 3 }));

    let list =
        format!("email,phone\n{},\nnew@example.com,0049 151 23456789\nbob2@example.com,\n", email.to_uppercase());
    let import = imported(&admin, list).await;
    assert_eq!(import["errors"], json!([{ "line": 2 }, { "line": 3 }]), "{import}");
    assert_eq!(import["inserted"], 1);
    // Nobody else was touched.
    assert_eq!(read(on, bob.id).await, bob);
}

#[tokio::test]
async fn callbacks_that_were_looked_at_are_found_by_whom_they_name() {
    let herald = TestApp::api_only().await;
    let (admin, on) = (herald.admin().await, herald.services());
    let (campaign, step) = place(on).await;
    let ann = lead::Model { phone: Some("+4915123456789".into()), ..rows::lead(on.now()) };
    rows::insert::<lead::Entity, _>(on, vec![ann.clone()]).await;
    history(on, &ann, &campaign, &step).await;
    let email = ann.email.clone().unwrap();
    let of_ann = [
        format!("to={}&x=1", email.replace('@', "%40")),
        json!({ "message": { "call": { "id": format!("SM-{}", ann.id) } } }).to_string(),
        "from=whatsapp%3A%2B4915123456789".to_owned(),
        json!({ "lead_email": email.to_uppercase() }).to_string(),
    ];
    let others = ["to=bob".to_owned(), "from=%2B49151234567890".to_owned(), format!("to=x.{email}")];
    let events = of_ann.into_iter().chain(others.clone()).map(|body| callback(body, on.now())).collect();
    rows::insert::<webhook_event::Entity, _>(on, events).await;
    service::retention::callback::give_keys(on).await.unwrap();
    let unkeyed = webhook_event::Entity::unkeyed().count(on.db.reader()).await.unwrap();
    assert_eq!(unkeyed, 0);
    admin.data(ERASE, json!({ "id": ann.id.global() })).await;
    let events = webhook_event::Entity::all().all(on.db.reader()).await.unwrap();
    let kept: Vec<&str> = events.iter().map(|event| event.body.as_str()).filter(|body| !body.is_empty()).collect();
    assert_eq!(kept, others, "and nobody else is forgotten");
    let count = async |sql: &str| -> i64 {
        let statement = sea_orm::Statement::from_string(on.db.backend(), sql);
        let row = sea_orm::ConnectionTrait::query_one_raw(on.db.reader(), statement).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    };
    let left = "SELECT COUNT(*) AS n FROM webhook_event_keys WHERE event_id IN (SELECT id FROM webhook_events WHERE body = '')";
    assert_eq!(count(left).await, 0, "the keys of what was emptied are gone");
}
