//! Requests that come twice: done once, answered twice.

use std::sync::Arc;
use std::time::Duration;

use ::service::Actor;
use ::service::access::{session, user};
use ::service::broadcast::template as service;
use ::service::once::{self, Once, once};
use domain::clock::VirtualClock;
use domain::role::Role;
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use super::{batch, campaign, channel, channels, template};
use crate::harness::{Client, PASSWORD, Reply, TestApp, eventually};

const CREATE: &str = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id name } } }";

async fn batches(by: &Client) -> Json {
    by.data("{ batches { totalCount } }", json!({})).await["batches"]["totalCount"].clone()
}

#[tokio::test]
async fn a_repeated_request_changes_nothing_and_is_answered_alike() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let input = json!({ "name": "Mine", "idempotencyKey": "k1" });
    let first = admin.data(CREATE, json!({ "input": input })).await;
    assert_eq!(admin.data(CREATE, json!({ "input": input })).await, first);
    // The order of its fields, and what stands in variables, are not what a request asks for.
    let written = r#"mutation { createBatch(input: { idempotencyKey: "k1", name: "Mine" }) { batch { id name } } }"#;
    assert_eq!(admin.data(written, json!({})).await, first);
    assert_eq!(batches(&admin).await, 1);

    let other = json!({ "name": "Yours", "idempotencyKey": "k1" });
    assert_eq!(admin.query(CREATE, json!({ "input": other })).await.code(), "IDEMPOTENCY_CONFLICT");
    assert_ne!(operator.data(CREATE, json!({ "input": input })).await, first, "a key is its user's own");
    let template = "mutation { createTemplate(input: { name: \"x\", content: \"x\", idempotencyKey: \"k1\" }) {
        template { id } } }";
    admin.data(template, json!({})).await;
    for wrong in [String::new(), "x".repeat(256), "a\nb".to_owned()] {
        let reply = admin.query(CREATE, json!({ "input": { "name": "x", "idempotencyKey": wrong } })).await;
        assert_eq!(reply.violations(), ["input.idempotencyKey"]);
    }
    assert_eq!(batches(&admin).await, 2);
}

#[tokio::test]
async fn a_key_is_kept_for_a_day() {
    let herald = TestApp::api_only().await;
    let mut on = herald.services().clone();
    let admin = session::login(&on, &Actor::anonymous(None), user::FIRST, PASSWORD.into()).await.unwrap().user.id;
    let clock = Arc::new(VirtualClock::at(on.now()));
    on.clock = clock.clone();
    let make = async || {
        let request = Once::new(&on, "createTemplate", "k".into(), &json!({ "name": "x" })).unwrap();
        let actor = Actor::user(admin, Role::Admin, None).once(request);
        let new = service::Fields { name: Some("x".into()), content: Some("x".into()), ..service::Fields::default() };
        once(&on, &actor, service::create(&on, &actor, new)).await.unwrap().id
    };
    let first = make().await;
    clock.advance(Duration::from_hours(24));
    once::sweep(&on).await.unwrap();
    assert_eq!(make().await, first, "a day is not over yet");
    clock.advance(Duration::from_millis(1));
    let second = make().await;
    assert_ne!(second, first, "it is a new request");
    clock.advance(Duration::from_hours(23));
    once::sweep(&on).await.unwrap();
    assert_eq!(make().await, second);
}

#[tokio::test]
async fn a_request_that_failed_may_be_repeated_under_its_key() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }";
    let input = json!({ "username": "twice", "password": "short", "role": "OPERATOR", "idempotencyKey": "u" });
    assert_eq!(admin.query(create, json!({ "input": input })).await.violations(), ["input.password"]);
    let input = json!({ "username": "twice", "password": "correct horse", "role": "OPERATOR", "idempotencyKey": "u" });
    let made = admin.data(create, json!({ "input": input })).await;
    assert_eq!(admin.data(create, json!({ "input": input })).await, made, "not: the username is taken");
}

#[tokio::test]
async fn ten_at_a_time_are_one() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let input = json!({ "input": { "name": "Once", "idempotencyKey": "race" } });
    let answers = join_all((0..10).map(|_| admin.query(CREATE, input.clone()))).await;
    let made: Vec<&Json> = answers.iter().map(Reply::data).collect();
    assert!(made.iter().all(|answer| *answer == made[0]), "{made:#?}");
    assert_eq!(batches(&admin).await, 1);
}

#[tokio::test]
async fn of_ten_at_once_under_one_key_one_is_done_and_all_are_answered_alike() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    channels(&admin, "some", 40).await;
    let all = json!({ "input": { "name": "all", "all": true, "idempotencyKey": "batch" } });
    let made = join_all((0..10).map(|_| admin.query(CREATE, all.clone()))).await;
    let first = made[0].data().clone();
    for reply in &made {
        assert_eq!(reply.data(), &first);
    }
    let batch = first["createBatch"]["batch"]["id"].clone();
    assert_eq!(batches(&admin).await, 1);
    let id = campaign(&admin, &batch, &template(&admin, "x").await).await;
    let start = "mutation($input: StartBroadcastCampaignInput!) { startBroadcastCampaign(input: $input) {
        campaign { id status totalJobs } } }";
    let go = json!({ "input": { "id": id, "idempotencyKey": "go" } });
    let started = join_all((0..10).map(|_| admin.query(start, go.clone()))).await;
    for reply in started {
        let campaign = reply.data()["startBroadcastCampaign"]["campaign"].clone();
        assert_eq!(campaign, json!({ "id": id, "status": "RUNNING", "totalJobs": 40 }));
    }
    // Of ten that fail each is told why, and the key is free again.
    let wrong = json!({ "input": { "id": id, "idempotencyKey": "again" } });
    let refused = join_all((0..10).map(|_| admin.query(start, wrong.clone()))).await;
    assert!(refused.iter().all(|reply| reply.code() == "PRECONDITION_FAILED"), "{refused:?}");
}

#[tokio::test]
async fn a_start_that_is_repeated_is_answered_and_a_retry_is_counted_once() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    channel(&admin, json!({ "username": "closed_forbidden", "category": "x" })).await;
    let made = batch(&admin, json!({ "name": "all", "filter": {} })).await;
    let id = campaign(&admin, &made["id"], &template(&admin, "x").await).await;
    let start = "mutation($input: StartBroadcastCampaignInput!) { startBroadcastCampaign(input: $input) {
        campaign { id } } }";
    let input = json!({ "input": { "id": id, "idempotencyKey": "go" } });
    let started = admin.data(start, input.clone()).await;
    eventually("it is completed", async || {
        let read = "query($id: ID!) { broadcastCampaign(id: $id) { status } }";
        admin.data(read, json!({ "id": id })).await["broadcastCampaign"]["status"] == "COMPLETED"
    })
    .await;
    assert_eq!(admin.data(start, input).await, started);
    let retry = "mutation($input: RetryFailedJobsInput!) { retryFailedJobs(input: $input) { retried } }";
    let input = json!({ "input": { "campaignId": id, "idempotencyKey": "again" } });
    for _ in 0..2 {
        assert_eq!(admin.data(retry, input.clone()).await["retryFailedJobs"]["retried"], 1);
    }
}

#[tokio::test]
async fn a_repetition_after_the_deletion_is_answered_as_before() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for (create, delete, input) in [
        (
            "mutation($input: CreateTemplateInput!) { made: createTemplate(input: $input) {
                it: template { id name content parseMode mediaType version createdAt } } }",
            "mutation($id: ID!) { deleteTemplate(input: { id: $id }) { deletedId } }",
            json!({ "name": "Ёлка", "content": "Hello {{name}}", "idempotencyKey": "t" }),
        ),
        (
            "mutation($input: CreateBatchInput!) { made: createBatch(input: $input) {
                it: batch { id name channelCount version createdAt createdBy { username } } } }",
            "mutation($id: ID!) { deleteBatch(input: { id: $id }) { deletedId } }",
            json!({ "name": "b", "description": "notes", "filter": {}, "allowEmpty": true, "idempotencyKey": "b" }),
        ),
        (
            "mutation($input: CreateRetentionCampaignInput!) { made: createRetentionCampaign(input: $input) {
                it: campaign { id name channels contactDays version } } }",
            "mutation($id: ID!) { deleteRetentionCampaign(input: { id: $id }) { deletedId } }",
            json!({ "name": "c", "channels": ["EMAIL", "SMS"], "contactDays": ["MON"], "idempotencyKey": "c" }),
        ),
    ] {
        let made = admin.data(create, json!({ "input": input })).await;
        admin.data(delete, json!({ "id": made["made"]["it"]["id"] })).await;
        assert_eq!(admin.data(create, json!({ "input": input })).await, made);
        let mut other = input.clone();
        other["name"] = json!("another");
        assert_eq!(admin.query(create, json!({ "input": other })).await.code(), "IDEMPOTENCY_CONFLICT");
    }
}
