//! The log of callbacks: what came, what was made of it, and what is tried once more.

use domain::id::WebhookEventId;
use domain::retention::words::{ContactChannel, WebhookEventStatus};
use graphql::engine::id::GlobalId;
use sea_orm::EntityTrait;
use serde_json::{Value as Json, json};
use service::Services;
use storage::retention::webhook_event;

use super::{SECRET, attempt, contact, lead, lead_of, post, settled, start, twilio};
use crate::retention::rows;

const LIST: &str = "query($filter: WebhookEventFilter) { webhookEvents(filter: $filter) { totalCount nodes {
    id provider status outcome errorMessage attempts body } } }";
const RETRY: &str = "mutation($id: ID!) { retryWebhookEvent(input: { id: $id }) { webhookEvent { status attempts } } }";

/// A callback that could not be processed, though nothing is wrong with it.
pub async fn failed(on: &Services, body: &str) -> Json {
    let row = webhook_event::Model {
        id: WebhookEventId::generate(),
        provider: "twilio".into(),
        dedupe_key: "once".into(),
        status: WebhookEventStatus::Failed,
        query: None,
        content_type: Some("application/x-www-form-urlencoded".into()),
        body: body.into(),
        attempts: 8,
        error_message: Some("the database was ill".into()),
        received_at: on.now(),
        not_before: None,
        processed_at: None,
        outcome: None,
        is_keyed: false,
    };
    let id = json!(row.id.global());
    rows::insert::<webhook_event::Entity, _>(on, vec![row]).await;
    id
}

#[tokio::test]
async fn what_came_is_listed_with_what_was_made_of_it_and_tried_again_by_hand() {
    let (herald, nobody) = start().await;
    let operator = herald.operator().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    assert_eq!(twilio(&nobody, "/api/webhooks/twilio", &[("From", "+14155552671"), ("Body", "STOP")]).await, 200);
    settled(&herald).await;
    let all = operator.data(LIST, json!({})).await["webhookEvents"].clone();
    let shown = &all["nodes"][0];
    assert_eq!((&all["totalCount"], &shown["outcome"]), (&json!(1), &json!("text messages were refused")), "{all}");
    assert!(lead_of(&herald, ann.id).await.has_refused(ContactChannel::Sms));
    assert_eq!(operator.query(RETRY, json!({ "id": shown["id"] })).await.code(), "PRECONDITION_FAILED");

    let bob = lead(&herald, "bob", "+14155552672").await;
    let id = failed(herald.services(), "From=%2B14155552672&Body=stop+please").await;
    let filter = json!({ "filter": { "statuses": ["FAILED"], "provider": "Twilio" } });
    let waiting = operator.data(LIST, filter.clone()).await["webhookEvents"].clone();
    assert_eq!((&waiting["totalCount"], &waiting["nodes"][0]["id"]), (&json!(1), &id));
    let again = operator.data(RETRY, json!({ "id": id })).await["retryWebhookEvent"]["webhookEvent"].clone();
    assert_eq!(again, json!({ "status": "RECEIVED", "attempts": 0 }));
    crate::harness::eventually("it is processed", async || {
        let rows = webhook_event::Entity::find().all(herald.services().db.reader()).await.unwrap();
        rows.iter().all(|row| row.status == WebhookEventStatus::Processed)
    })
    .await;
    assert!(lead_of(&herald, bob.id).await.has_refused(ContactChannel::Sms));
    assert_eq!(operator.data(LIST, filter).await["webhookEvents"]["totalCount"], 0);
    assert_eq!(herald.auditor().await.query(LIST, json!({})).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn what_a_database_would_refuse_in_a_callback_is_taken_without_it() {
    let (herald, nobody) = start().await;
    let ann = lead(&herald, "ann", "+14155552671").await;
    let id = contact(&herald, ann.id, ContactChannel::Call, "vapi").await;
    let secret = ("x-vapi-secret", SECRET);
    for call in ["c\0all".to_owned(), "long".repeat(100_000)] {
        let call = json!({ "id": call, "assistantOverrides": { "metadata": { "attempt": id } } });
        let report = json!({ "message": { "type": "end-of-call-report", "endedReason": "customer-ended-call", "call": call,
            "analysis": { "summary": "f\0ine", "structuredData": { "a\0b": "\0" } } } });
        for _ in 0..2 {
            assert_eq!(post(&nobody, "/api/webhooks/vapi", secret, report.clone()).await, 200);
        }
    }
    assert_eq!(settled(&herald).await, [WebhookEventStatus::Processed; 2]);
    assert!(!attempt(&herald, id).await.result.unwrap().to_string().contains("\\u0000"));
}
