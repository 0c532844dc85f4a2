//! The nodes of a page as they are answered: in the order of the query, through fragments, with each error at its node.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{batch, campaign, channels, template};
use crate::harness::{Client, TestApp};

/// What is answered, to the letter.
async fn answered(by: &Client, query: &str) -> String {
    let request = by.request(Method::POST, "/graphql").json(&json!({ "query": query }));
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn fields_stand_in_the_order_of_the_query_whatever_they_wait_for() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "node", 2).await;
    batch(&admin, json!({ "name": "A", "channelIds": ids })).await;
    let query = "{ batches { nodes { ...Who size: channelCount ... on Node { __typename } name name
            channels(first: 1) { nodes { username } } } } }
        fragment Who on Batch { createdBy { username } ...More } fragment More on Node { kind: __typename }";
    let node = r#"{"createdBy":{"username":"admin"},"kind":"Batch","size":2,"__typename":"Batch","name":"A","#;
    let more = r#""channels":{"nodes":[{"username":"node_000"}]}}"#;
    let expected = format!(r#"{{"data":{{"batches":{{"nodes":[{node}{more}]}}}},"#);
    let found = answered(&admin, query).await;
    assert!(found.starts_with(&expected), "{found}\nis not\n{expected}");
}

#[tokio::test]
async fn what_is_asked_for_twice_is_merged() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    batch(&admin, json!({ "name": "A" })).await;
    let query = "{ batches { edges { node { ...Who } node { name createdBy { role } } } } }
        fragment Who on Batch { createdBy { username } ... { name } }";
    let found = admin.data(query, json!({})).await;
    let node = json!({ "name": "A", "createdBy": { "username": "admin", "role": "ADMIN" } });
    assert_eq!(found, json!({ "batches": { "edges": [{ "node": node }] } }));
}

#[tokio::test]
async fn what_is_skipped_is_skipped_and_an_error_has_the_path_of_its_node() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "node", 2).await;
    let batch = batch(&admin, json!({ "name": "A", "channelIds": ids })).await;
    let template = template(&admin, "x").await;
    for _ in 0..2 {
        campaign(&admin, &batch["id"], &template).await;
    }
    let query = "query($no: Boolean!) { broadcastCampaigns(first: 2) { nodes {
        mode @include(if: $no) status @skip(if: $no) jobs(first: 1) @skip(if: $no) { nodes { id } } } } }";
    let found = admin.data(query, json!({ "no": false })).await["broadcastCampaigns"]["nodes"].clone();
    let node = json!({ "status": "QUEUED", "jobs": { "nodes": [] } });
    assert_eq!(found, json!([node, node]));

    let wrong = query.replace("first: 1", "first: 1, last: 1");
    let reply = admin.query(&wrong, json!({ "no": false })).await;
    let paths: Vec<&Json> = reply.errors().iter().map(|error| &error["path"]).collect();
    let path = |node: usize| json!(["broadcastCampaigns", "nodes", node, "jobs"]);
    assert_eq!(paths, [&path(0), &path(1)], "{reply:?}");
    assert!(reply.errors().iter().all(|error| error["extensions"]["code"] == "BAD_USER_INPUT"));
    assert_eq!(reply.0["data"], json!({ "broadcastCampaigns": null }), "no list of jobs is null, nor is a node");
}

#[tokio::test]
async fn an_object_that_each_node_leads_to_is_answered_alike() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "node", 2).await;
    let batch = batch(&admin, json!({ "name": "A", "channelIds": ids })).await;
    let template = template(&admin, "x").await;
    let campaign = campaign(&admin, &batch["id"], &template).await;
    let start = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { jobs { nodes {
        channel { ... on Channel { username } isActive batches { nodes { name } } } } } } } }";
    let started = admin.data(start, json!({ "id": campaign })).await;
    let nodes = started["startBroadcastCampaign"]["campaign"]["jobs"]["nodes"].clone();
    let channel = |name: &str| json!({ "channel": { "username": name, "isActive": true, "batches": { "nodes": [{ "name": "A" }] } } });
    assert_eq!(nodes, json!([channel("node_000"), channel("node_001")]));
}
