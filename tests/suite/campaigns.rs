//! Campaigns over the API: what a list of them costs, and how they are changed.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::broadcast::CampaignMode;
use domain::role::Role;
use serde_json::{Value as Json, json};
use service::Actor;
use service::access::user;
use service::broadcast::{batch, campaign, channel, template};
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::queue::senders;
use storage::broadcast::sender;

use crate::harness::{Counted, TestApp, eventually};

/// Campaigns with what they are made of, their jobs, and the channels of those with the reason why each waits.
const THREE_LEVELS: &str = "query($campaigns: Int!, $jobs: Int!) {
    broadcastCampaigns(first: $campaigns) { totalCount nodes {
        name status progress totalJobs counters { sent queued } batch { name } template { name } createdBy { username }
        jobs(first: $jobs, filter: { statuses: [QUEUED, SENDING] }) { totalCount nodes {
            status explanation { reason until } channel { username } campaign { name } } } } } }";

/// Campaigns that have started, each with as many jobs as there are channels.
pub async fn seed(herald: &TestApp, campaigns: usize, channels: usize) {
    let on = herald.services();
    let admin = user::named(on, user::FIRST).await.unwrap();
    let actor = Actor::user(admin.id, Role::Admin, None);
    for n in 0..channels {
        let new = channel::Fields {
            username: Some(format!("job_{n:03}")),
            category: Some("tech".into()),
            ..channel::Fields::default()
        };
        channel::create(on, &actor, new, None).await.unwrap();
    }
    let everything = batch::New { name: "all".into(), filter: Some(ChannelFilter::default()), ..batch::New::default() };
    let batch = batch::create(on, &actor, everything).await.unwrap().batch.id;
    let message = template::Fields {
        name: Some("hello".into()),
        content: Some("Hello {{ username }}".into()),
        ..template::Fields::default()
    };
    let template = template::create(on, &actor, message).await.unwrap().id;
    for n in 0..campaigns {
        let new = campaign::New {
            name: format!("campaign {n}"),
            description: None,
            batch,
            template,
            params: BTreeMap::default(),
            mode: CampaignMode::Live,
            delivery_rate: 60,
            retry_limit: 3,
            test_limit: 20,
            scheduled_at: None,
            accounts: vec![],
            account_failover: false,
        };
        let id = campaign::create(on, &actor, new).await.unwrap().id;
        campaign::start(on, &actor, id).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_jobs_take_as_many_statements_as_ten() {
    let herald = TestApp::api_only().await;
    seed(&herald, 10, 100).await;
    let counted = Counted::over(&herald).await;
    let run = async |campaigns: i32, jobs: i32| {
        counted.run(THREE_LEVELS, json!({ "campaigns": campaigns, "jobs": jobs })).await
    };
    let (few, _) = run(1, 10).await;
    let (many, data) = run(10, 100).await;
    let nodes = data["broadcastCampaigns"]["nodes"].as_array().unwrap();
    let jobs: Vec<&Json> = nodes.iter().flat_map(|campaign| campaign["jobs"]["nodes"].as_array().unwrap()).collect();
    assert_eq!((nodes.len(), jobs.len()), (10, 1_000));
    assert!(jobs.iter().all(|job| job["explanation"]["reason"] == "PACING" && job["channel"]["username"].is_string()));
    assert!(nodes.iter().all(|campaign| campaign["jobs"]["totalCount"] == 100 && campaign["totalJobs"] == 100));
    assert_eq!(few, many, "a thousand jobs take as many statements as ten");
    for _ in 0..20 {
        assert_eq!(run(10, 100).await.0, many, "and always as many");
    }
    assert!((5..=11).contains(&few), "{few} statements");
}

#[tokio::test]
async fn a_campaign_is_changed_as_far_as_its_status_allows() {
    let herald = TestApp::api_only().await;
    seed(&herald, 1, 3).await;
    let admin = herald.admin().await;
    let list = "{ broadcastCampaigns { nodes { id version name } } }";
    let campaign = admin.data(list, json!({})).await["broadcastCampaigns"]["nodes"][0].clone();
    let update = "mutation($input: UpdateBroadcastCampaignInput!) { updateBroadcastCampaign(input: $input) {
        campaign { name description deliveryRate version } } }";
    let input = |change: Json| {
        let mut input = json!({ "id": campaign["id"] });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "input": input })
    };
    let faster = input(json!({ "deliveryRate": 600, "name": " Autumn ", "description": "x",
        "expectedVersion": campaign["version"] }));
    let changed = admin.data(update, faster.clone()).await["updateBroadcastCampaign"]["campaign"].clone();
    assert_eq!(
        (&changed["deliveryRate"], &changed["name"], &changed["description"]),
        (&json!(600), &json!("Autumn"), &json!("x"))
    );
    assert_eq!(admin.query(update, faster).await.code(), "CONFLICT", "somebody else may have changed it since");
    let cleared = admin.data(update, input(json!({ "description": null }))).await;
    assert_eq!(cleared["updateBroadcastCampaign"]["campaign"]["description"], Json::Null);
    let late = admin.query(update, input(json!({ "params": { "x": "y" } }))).await;
    assert_eq!(late.code(), "PRECONDITION_FAILED", "{late:?}");
    assert_eq!(admin.query(update, input(json!({ "deliveryRate": 0 }))).await.violations(), ["input.deliveryRate"]);
    let lines =
        "query($id: ID!) { auditLogs(filter: { resourceId: $id }) { nodes { action resourceType resourceId } } }";
    let lines = admin.data(lines, json!({ "id": campaign["id"] })).await["auditLogs"]["nodes"].clone();
    let newest =
        json!({ "action": "CAMPAIGN_UPDATED", "resourceType": "BroadcastCampaign", "resourceId": campaign["id"] });
    assert_eq!(lines[0], newest, "a campaign's lines are found by its id");
    let told = "query($id: ID!) { auditLogs(filter: { resourceId: $id }) { nodes { metadata } } }";
    let told = admin.data(told, json!({ "id": campaign["id"] })).await["auditLogs"]["nodes"].clone();
    assert_eq!(told[0]["metadata"]["changed"], json!({ "description": { "from": "x", "to": null } }));
    let name = json!({ "from": campaign["name"], "to": "Autumn" });
    assert_eq!(told[1]["metadata"]["changed"]["name"], name, "who put which name in place of which");
    assert_eq!(told[1]["metadata"]["changed"]["deliveryRate"]["to"], 600);
}

#[tokio::test]
async fn jobs_that_wait_for_a_slow_database_say_so() {
    let herald = TestApp::start().await;
    let on = herald.services();
    let reasons = async || {
        let jobs = "{ jobs(filter: { statuses: [QUEUED] }, first: 1) { nodes { explanation { reason until } } } }";
        herald.admin().await.data(jobs, json!({})).await["jobs"]["nodes"][0]["explanation"].clone()
    };
    eventually("the worker has registered", async || {
        sender::Entity::live().one(on.db.reader()).await.unwrap().is_some()
    })
    .await;
    seed(&herald, 1, 30).await;
    assert_eq!(reasons().await["reason"], "PACING");
    let sender = sender::Entity::live().one(on.db.reader()).await.unwrap().unwrap();
    let told = async |ago: i64| {
        let at = on.now() - TimeDelta::seconds(ago);
        senders::beat(&on.db, sender.id, sender.epoch, Some(at)).await.unwrap().expect("it holds its leases");
    };
    told(0).await;
    assert_eq!(reasons().await, json!({ "reason": "DATABASE_TOO_SLOW", "until": null }));
    told(31).await;
    assert_eq!(reasons().await["reason"], "PACING", "that was long ago");
}
