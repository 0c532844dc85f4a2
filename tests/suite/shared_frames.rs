//! Progress that many watch: worked out and encoded once, told to each as if it were alone.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Variables};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use graphql::engine::context::Caller;
use graphql::engine::execution::{Event, Execution};
use sea_orm::Statement;
use serde_json::{Value as Json, json};
use service::access::session;
use service::{Actor, Services};

use crate::campaigns::seed;
use crate::harness::{PASSWORD, TestApp};

/// The next result, encoded once for all who share it.
async fn next(events: &mut BoxStream<'static, Event>) -> Arc<str> {
    let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.expect("it comes in time");
    match event {
        Some(Event::Encoded(text)) => text,
        Some(Event::Next(response)) => panic!("it is not shared: {response:?}"),
        Some(Event::Failed(response)) => panic!("{response:?}"),
        None => panic!("it is complete"),
    }
}

fn version(text: &str) -> i64 {
    let response: Json = serde_json::from_str(text).unwrap();
    response["data"]["broadcastCampaignProgress"]["version"].as_i64().unwrap()
}

const SENT_ONE: &str = "queued = queued - 1, sent = sent + 1";

/// A change of the campaign's counters, as a worker makes and tells it.
async fn change(on: &Services, what: &str) {
    let sql = format!("UPDATE broadcast_campaign_progress SET {what}, version = version + 1");
    on.db.write_alone(Statement::from_string(on.db.backend(), sql)).await.unwrap();
    on.tell(events::Event::Resync);
}

#[tokio::test]
async fn what_many_watch_is_worked_out_once() {
    let herald = TestApp::api_only().await;
    seed(&herald, 1, 9).await;
    let (on, admin) = (herald.services(), herald.admin().await);
    let id =
        admin.data("{ broadcastCampaigns { nodes { id } } }", json!({})).await["broadcastCampaigns"]["nodes"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
    let tokens = session::login(on, &Actor::anonymous(None), "admin", PASSWORD.into()).await.unwrap();
    let caller =
        Caller { session: Some(session::resume(on, &tokens.access, None).await.unwrap()), ..Caller::default() };
    let execution = Execution::new(on.clone());
    let watch = |fields: &str| {
        let document = format!("subscription {{ broadcastCampaignProgress(id: \"{id}\") {{ version {fields} }} }}");
        execution.stream(Request::new(document), caller.clone())
    };
    let (mut anna, mut boris, mut clara) = (watch("sent status"), watch("sent status"), watch("queued"));
    let first = version(&next(&mut anna).await);
    for events in [&mut boris, &mut clara] {
        assert_eq!(version(&next(events).await), first, "the snapshot comes first");
    }
    change(on, SENT_ONE).await;
    let (a, b, c) = (next(&mut anna).await, next(&mut boris).await, next(&mut clara).await);
    assert!(Arc::ptr_eq(&a, &b), "who asks the same gets the same bytes: {a} {b}");
    assert_eq!([&a, &b, &c].map(|text| version(text)), [first + 1; 3]);
    assert!(a.contains("\"sent\":1") && c.contains("\"queued\":8") && !c.contains("sent"), "{a} {c}");

    let mut late = watch("sent status");
    assert_eq!(version(&next(&mut late).await), first + 1, "who comes late has a snapshot too");
    drop(anna);
    change(on, SENT_ONE).await;
    for events in [&mut boris, &mut late, &mut clara] {
        assert_eq!(version(&next(events).await), first + 2, "others stay when one goes");
    }

    change(on, "cancelled = queued, queued = 0, status = 'CANCELLED'").await;
    let rest: Vec<Json> = tokio::time::timeout(Duration::from_secs(10), boris.collect::<Vec<_>>())
        .await
        .expect("it completes")
        .iter()
        .map(|event| match event {
            Event::Encoded(text) => serde_json::from_str(text).unwrap(),
            Event::Next(_) | Event::Failed(_) => panic!("it is shared to the end"),
        })
        .collect();
    let last = &rest.last().expect("the end is told")["data"]["broadcastCampaignProgress"];
    assert_eq!(last["status"], "CANCELLED");
}

#[tokio::test]
async fn changes_of_jobs_that_many_follow_are_worked_out_once() {
    let herald = TestApp::api_only().await;
    seed(&herald, 1, 9).await;
    let (on, admin) = (herald.services(), herald.admin().await);
    let list = admin.data("{ broadcastCampaigns { nodes { id } } }", json!({})).await;
    let id = list["broadcastCampaigns"]["nodes"][0]["id"].as_str().unwrap();
    let tokens = session::login(on, &Actor::anonymous(None), "admin", PASSWORD.into()).await.unwrap();
    let caller =
        Caller { session: Some(session::resume(on, &tokens.access, None).await.unwrap()), ..Caller::default() };
    let execution = Execution::new(on.clone());
    let document = "subscription($id: ID!, $after: String) { jobUpdates(campaignId: $id, after: $after) {
        cursor job { status channel { username } } } }";
    let follow = |after: Option<&str>| {
        let variables = Variables::from_json(json!({ "id": id, "after": after }));
        execution.stream(Request::new(document).variables(variables), caller.clone())
    };
    let mut anna = follow(None);
    let mut boris = follow(None);
    let mut cursors = Vec::new();
    for n in 0..9 {
        let (a, b) = (next(&mut anna).await, next(&mut boris).await);
        assert!(Arc::ptr_eq(&a, &b), "who asks the same gets the same bytes: {a} {b}");
        let told: Json = serde_json::from_str(&a).unwrap();
        let update = &told["data"]["jobUpdates"];
        assert!(update["job"]["channel"]["username"].is_string(), "{n}: {update}");
        cursors.push(update["cursor"].as_str().unwrap().to_owned());
    }
    // Whoever was away comes back with a cursor of his own, and joins the others.
    let mut clara = follow(Some(&cursors[6]));
    for cursor in &cursors[7..] {
        assert!(next(&mut clara).await.contains(cursor.as_str()));
    }
    change(on, "cancelled = queued, queued = 0, status = 'CANCELLED'").await;
    for mut events in [anna, boris, clara] {
        let end = tokio::time::timeout(Duration::from_secs(10), events.next()).await.expect("it completes");
        assert!(end.is_none());
    }
    let mut bad = follow(Some("nonsense"));
    match bad.next().await {
        Some(Event::Failed(response)) => {
            assert!(response.errors[0].message.contains("is not a cursor"), "{response:?}");
        }
        _ => panic!("it is refused"),
    }
}

#[tokio::test]
async fn who_may_not_watch_joins_nobody() {
    let herald = TestApp::api_only().await;
    seed(&herald, 1, 1).await;
    let admin = herald.admin().await;
    let list = admin.data("{ broadcastCampaigns { nodes { id } } }", json!({})).await;
    let id = list["broadcastCampaigns"]["nodes"][0]["id"].as_str().unwrap();
    let execution = Execution::new(herald.services().clone());
    let document = format!("subscription {{ broadcastCampaignProgress(id: \"{id}\") {{ version }} }}");
    let mut events = execution.stream(Request::new(document), Caller::default());
    match events.next().await {
        Some(Event::Failed(response)) => {
            let code = response.errors[0].extensions.as_ref().unwrap().get("code").cloned();
            assert_eq!(code, Some("UNAUTHENTICATED".into()));
        }
        _ => panic!("nobody has signed in"),
    }
}
