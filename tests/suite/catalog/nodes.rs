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
            channels(first: 1) { nodes { username } } createdBy { role } ... { createdBy { username } } }
        edges { node { ...Who } } } }
        fragment Who on Batch { createdBy { username } ...More } fragment More on Node { kind: __typename }";
    let node =
        r#"{"createdBy":{"username":"admin","role":"ADMIN"},"kind":"Batch","size":2,"__typename":"Batch","name":"A","#;
    let more = r#""channels":{"nodes":[{"username":"node_000"}]}}"#;
    let edge = r#"{"node":{"createdBy":{"username":"admin"},"kind":"Batch"}}"#;
    let expected = format!(r#"{{"data":{{"batches":{{"nodes":[{node}{more}],"edges":[{edge}]}}}},"#);
    let found = answered(&admin, query).await;
    assert!(found.starts_with(&expected), "{found}\nis not\n{expected}");
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
    let query = "query($no: Boolean!) { broadcastCampaigns { nodes {
        mode @include(if: $no) status @skip(if: $no) jobs(first: 101) { nodes { id } } } } }";
    let reply = admin.query(query, json!({ "no": false })).await;
    let paths: Vec<&Json> = reply.errors().iter().map(|error| &error["path"]).collect();
    let path = |node: usize| json!(["broadcastCampaigns", "nodes", node, "jobs"]);
    assert_eq!(paths, [&path(0), &path(1)], "{reply:?}");
    assert!(reply.errors().iter().all(|error| error["extensions"]["code"] == "BAD_USER_INPUT"));
    let nodes = &reply.0["data"]["broadcastCampaigns"]["nodes"];
    assert_eq!(nodes, &json!([{ "status": "QUEUED" }, { "status": "QUEUED" }]));
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
