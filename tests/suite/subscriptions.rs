//! Sockets: who may open one, and when it ends.

use serde_json::{Value as Json, json};

use crate::harness::{Subscription, TestApp};

const LINES: &str = "subscription { auditLogged { action } }";
const VIEWER: &str = "{ viewer { id username } }";

fn socket(herald: &TestApp) -> String {
    herald.url().replacen("http", "ws", 1) + "/graphql"
}

#[tokio::test]
async fn a_bad_token_is_refused_before_anything_runs() {
    let herald = TestApp::api_only().await;
    let mut subscription = Subscription::connect(&socket(&herald), Some("nonsense")).await;
    assert_eq!(subscription.message().await, None);
    assert_eq!(subscription.closed, Some(4403));
}

#[tokio::test]
async fn queries_and_mutations_run_over_a_socket_too() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let answers = admin.subscribe(VIEWER, json!({})).await.rest().await;
    assert_eq!(answers[0]["viewer"]["username"], "admin");
}

#[tokio::test]
async fn a_subscription_ends_with_its_session_and_with_its_role() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let auditor = herald.auditor().await;
    let mut lines = auditor.subscribe(LINES, json!({})).await;
    let mut other = auditor.subscribe(LINES, json!({})).await;
    other.begun(&admin).await;
    lines.begun(&admin).await;
    herald.admin().await;
    // What told that the other one has begun is seen here, too.
    let next = loop {
        let action = lines.data().await["auditLogged"]["action"].clone();
        if !["TEMPLATE_CREATED", "TEMPLATE_DELETED"].map(Json::from).contains(&action) {
            break action;
        }
    };
    assert_eq!(next, "USER_LOGIN");
    auditor.data("mutation { logout { user { id } } }", json!({})).await;
    while lines.next().await.is_some() {}
    assert_eq!(lines.closed, Some(4401));
    other.rest().await;

    let auditor = herald.auditor().await;
    let mut lines = auditor.subscribe(LINES, json!({})).await;
    let id = auditor.data(VIEWER, json!({})).await["viewer"]["id"].clone();
    let demote = "mutation($id: ID!) { updateUser(input: { id: $id, role: OPERATOR }) { user { id } } }";
    lines.begun(&admin).await;
    admin.data(demote, json!({ "id": id })).await;
    while lines.next().await.is_some() {}
    assert_eq!(lines.closed, Some(4403), "whoever connects again has his new role");
}

#[tokio::test]
async fn a_server_that_ends_tells_its_sockets() {
    let mut herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let mut lines = admin.subscribe(LINES, json!({})).await;
    lines.begun(&admin).await;
    let ending = herald.stop();
    let hearing = async {
        while lines.message().await.is_some() {}
        lines.closed
    };
    let ((), closed) = tokio::join!(ending, hearing);
    assert_eq!(closed, Some(1001));
}
