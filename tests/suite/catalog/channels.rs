//! The catalog: one by one, and in lists.

use serde_json::{Value as Json, json};

use super::{batch, campaign, channel, channels, template};
use crate::harness::{Client, TestApp};

const CREATE: &str = "mutation($input: CreateChannelInput!) { createChannel(input: $input) {
    channel { id username category tgstatUrl title memberCount isActive version } } }";
const UPDATE: &str = "mutation($input: UpdateChannelInput!) { updateChannel(input: $input) {
    channel { username category title memberCount isActive errorCount version } } }";
const DELETE: &str = "mutation($id: ID!) { deleteChannel(input: { id: $id }) { channel { username } deletedId } }";

/// The usernames that a list gives, with everything after the letters cut off.
async fn usernames(by: &Client, arguments: &str) -> Vec<String> {
    let list = by.data(&format!("{{ channels({arguments}) {{ nodes {{ username }} }} }}"), json!({})).await;
    let nodes = list["channels"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|node| node["username"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_channel_is_added_changed_and_deleted() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let input = json!({
        "username": "https://t.me/ProofZZZ", "category": " новости ", "tgstatUrl": "https://tgstat.ru/channel/@proofzzz",
        "memberCount": 12,
    });
    let created = admin.data(CREATE, json!({ "input": input })).await["createChannel"]["channel"].clone();
    assert_eq!((&created["username"], &created["category"]), (&json!("proofzzz"), &json!("новости")));
    assert_eq!((&created["memberCount"], &created["version"]), (&json!(12), &json!(1)));
    let twice = admin.query(CREATE, json!({ "input": { "username": "@PROOFZZZ", "category": "x" } })).await;
    assert_eq!(twice.code(), "CONFLICT");

    let change =
        json!({ "id": created["id"], "title": "Proof", "memberCount": null, "isActive": false, "expectedVersion": 1 });
    let changed = admin.data(UPDATE, json!({ "input": change })).await["updateChannel"]["channel"].clone();
    let expected = json!({
        "username": "proofzzz", "category": "новости", "title": "Proof", "memberCount": null, "isActive": false,
        "errorCount": 0, "version": 2,
    });
    assert_eq!(changed, expected);
    assert_eq!(admin.query(UPDATE, json!({ "input": change })).await.code(), "CONFLICT");
    channel(&admin, json!({ "username": "other_one", "category": "x" })).await;
    let taken = json!({ "id": created["id"], "username": "Other_One" });
    assert_eq!(admin.query(UPDATE, json!({ "input": taken })).await.code(), "CONFLICT");

    let deleted = admin.data(DELETE, json!({ "id": created["id"] })).await["deleteChannel"].clone();
    assert_eq!(deleted["deletedId"], created["id"]);
    let found = admin.data("query($id: ID!) { channel(id: $id) { id } }", json!({ "id": created["id"] })).await;
    assert_eq!(found["channel"], Json::Null);
    assert_eq!(admin.query(DELETE, json!({ "id": created["id"] })).await.code(), "NOT_FOUND");
    let audit =
        "{ auditLogs(filter: { actions: [CHANNEL_CREATED, CHANNEL_UPDATED, CHANNEL_DELETED] }) { totalCount } }";
    assert_eq!(admin.data(audit, json!({})).await["auditLogs"]["totalCount"], 4);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_channel_is_told_at_once() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let input = json!({
        "username": "новости", "category": "", "tgstatUrl": "javascript:alert(1)", "title": "a\u{0}b",
        "description": "x".repeat(2_001), "memberCount": -1,
    });
    let reply = operator.query(CREATE, json!({ "input": input })).await;
    let mut violations = reply.violations();
    violations.sort_unstable();
    let fields = ["category", "description", "memberCount", "tgstatUrl", "title", "username"];
    assert_eq!(violations, fields.map(|field| format!("input.{field}")));
    let wrong_type = operator.data("{ viewer { id } }", json!({})).await["viewer"]["id"].clone();
    let reply = operator.query("query($id: ID!) { channel(id: $id) { id } }", json!({ "id": wrong_type })).await;
    assert_eq!((reply.code(), reply.violations()), ("BAD_USER_INPUT", vec!["id".to_owned()]));
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_walked() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for (name, category, members) in [
        ("alpha_one", "tech", Some(10)),
        ("alphaxone", "tech", Some(30)),
        ("beta_news", "новости", Some(20)),
        ("gamma_two", "новости", None),
        ("delta_two", "crypto", Some(20)),
    ] {
        channel(&admin, json!({ "username": name, "category": category, "memberCount": members })).await;
    }
    let all = ["alpha_one", "alphaxone", "beta_news", "delta_two", "gamma_two"];
    assert_eq!(usernames(&admin, "first: 10").await, all);
    assert_eq!(usernames(&admin, r#"filter: { usernameContains: "@ALPHA_" }"#).await, ["alpha_one"]);
    assert_eq!(usernames(&admin, r#"filter: { usernameContains: "%" }"#).await, [""; 0]);
    assert_eq!(usernames(&admin, r#"filter: { category: "новости" }"#).await, ["beta_news", "gamma_two"]);
    let some = r#"filter: { categories: ["tech", "crypto"], memberCountMin: 20, isActive: true }"#;
    assert_eq!(usernames(&admin, some).await, ["alphaxone", "delta_two"]);
    assert_eq!(usernames(&admin, "filter: { memberCountMax: 10 }").await, ["alpha_one"]);
    assert_eq!(usernames(&admin, "filter: { memberCountMin: 0, memberCountMax: 100 }").await, &all[..4]);
    assert_eq!(usernames(&admin, r#"filter: { createdAfter: "2999-01-01T00:00:00Z" }"#).await, [""; 0]);

    let by_members = ["alphaxone", "delta_two", "beta_news", "alpha_one", "gamma_two"];
    let order = "orderBy: { field: MEMBER_COUNT, direction: DESC }";
    assert_eq!(usernames(&admin, order).await, by_members);
    for order in ["MEMBER_COUNT", "USERNAME", "CATEGORY", "CREATED_AT"] {
        for direction in ["ASC", "DESC"] {
            let order = format!("orderBy: {{ field: {order}, direction: {direction} }}");
            let whole = usernames(&admin, &order).await;
            assert_eq!(walk(&admin, &order, "first", "after").await, whole, "{order}");
            assert_eq!(walk(&admin, &order, "last", "before").await, whole, "{order}");
        }
    }
    let categories = admin.data("{ channelCategories { category channelCount activeChannelCount } }", json!({})).await;
    let first = json!({ "category": "tech", "channelCount": 2, "activeChannelCount": 2 });
    assert_eq!(categories["channelCategories"].as_array().unwrap().len(), 3);
    assert_eq!(categories["channelCategories"][0], first);
}

/// The whole list, two at a time.
async fn walk(by: &Client, order: &str, size: &str, from: &str) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    let is_forward = size == "first";
    loop {
        let page = format!(
            "{{ channels({order}, {size}: 2 {cursor}) {{ totalCount nodes {{ username }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        let page = by.data(&page, json!({})).await["channels"].clone();
        assert_eq!(page["totalCount"], 5);
        let names = page["nodes"].as_array().unwrap().iter().map(|node| node["username"].as_str().unwrap().to_owned());
        let info = &page["pageInfo"];
        let (more, end) = if is_forward {
            seen.extend(names);
            (&info["hasNextPage"], &info["endCursor"])
        } else {
            seen.splice(0..0, names);
            (&info["hasPreviousPage"], &info["startCursor"])
        };
        if more == false {
            return seen;
        }
        cursor = format!("{from}: {end}");
    }
}

#[tokio::test]
async fn a_channel_with_jobs_stays_and_another_leaves_its_batches() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "leaving", 3).await;
    let used = batch(&admin, json!({ "name": "used", "channelIds": [ids[0]] })).await;
    let other = batch(&admin, json!({ "name": "other", "channelIds": ids })).await;
    let campaign = campaign(&admin, &used["id"], &template(&admin, "Hi").await).await;
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
    admin.data(start, json!({ "id": campaign })).await;

    let reply = admin.query(DELETE, json!({ "id": ids[0] })).await;
    assert_eq!(reply.code(), "PRECONDITION_FAILED");
    assert!(reply.message().contains("\"Spring\""), "{}", reply.message());
    admin.data(DELETE, json!({ "id": ids[1] })).await;
    let read = "query($id: ID!) { batch(id: $id) { channelCount version channels { totalCount nodes { username } } } }";
    let left = admin.data(read, json!({ "id": other["id"] })).await["batch"].clone();
    assert_eq!((&left["channelCount"], &left["version"]), (&json!(2), &json!(2)));
    assert_eq!((&left["channels"]["totalCount"], left["channels"]["nodes"].as_array().unwrap().len()), (&json!(2), 2));
    let batches = "query($id: ID!) { channel(id: $id) { batches { totalCount nodes { name } } } }";
    let batches = admin.data(batches, json!({ "id": ids[0] })).await["channel"]["batches"].clone();
    assert_eq!(batches["totalCount"], 2);
}

#[tokio::test]
async fn no_channel_is_deleted_while_it_becomes_a_job() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let message = template(&admin, "Hi").await;
    for round in 0..8 {
        let ids = channels(&admin, &format!("race{round}"), 5).await;
        let audience = batch(&admin, json!({ "name": "race", "channelIds": ids })).await["id"].clone();
        let campaign = campaign(&admin, &audience, &message).await;
        let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { id } } }";
        let (started, deleted) =
            tokio::join!(admin.query(start, json!({ "id": campaign })), admin.query(DELETE, json!({ "id": ids[2] })));
        assert!(started.errors().is_empty(), "{started:?}");
        let jobs = "query($id: ID!) { broadcastCampaign(id: $id) { totalJobs jobs { nodes { channel { id } } } } }";
        let jobs = admin.data(jobs, json!({ "id": campaign })).await["broadcastCampaign"].clone();
        let expected = match deleted.code() {
            "" => 4,
            "PRECONDITION_FAILED" => 5,
            other => panic!("{other}: {deleted:?}"),
        };
        assert_eq!(jobs["totalJobs"], expected);
        assert!(jobs["jobs"]["nodes"].as_array().unwrap().iter().all(|job| !job["channel"].is_null()));
    }
}
