//! API tokens: what scripts sign in with.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use crate::harness::{Client, Reply, TestApp};
use storage::Noun;

const CREATE: &str = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) {
    token apiToken { id name role expiresAt lastUsedAt revokedAt user { username } } } }";
const REVOKE: &str = "mutation($id: ID!) { revokeApiToken(input: { id: $id }) { apiToken { id revokedAt } } }";
const LIST: &str =
    "query($filter: ApiTokenFilter) { apiTokens(filter: $filter) { nodes { name lastUsedAt } totalCount } }";
const VIEWER: &str = "{ viewer { id username role } }";
const LINES: &str = "subscription { auditLogged { action } }";

async fn create(by: &Client, role: &str) -> Reply {
    by.query(CREATE, json!({ "input": { "name": "nightly", "role": role } })).await
}

/// A script with a token of `by`, and the token's id.
async fn script(by: &Client, role: &str) -> (Client, Json) {
    let made = create(by, role).await.data()["createApiToken"].clone();
    (by.with_token(made["token"].as_str().unwrap()), made["apiToken"]["id"].clone())
}

async fn names(by: &Client, filter: Json) -> Vec<String> {
    let listed = by.data(LIST, json!({ "filter": filter })).await["apiTokens"].clone();
    listed["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_token_is_told_once_and_acts_for_its_user_with_its_own_role() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let made = create(&admin, "OPERATOR").await.data()["createApiToken"].clone();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("herald_") && token.len() == 71, "{token}");
    let expected = json!({ "id": made["apiToken"]["id"], "name": "nightly", "role": "OPERATOR", "expiresAt": null,
        "lastUsedAt": null, "revokedAt": null, "user": { "username": "admin" } });
    assert_eq!(made["apiToken"], expected);
    let script = herald.nobody().with_token(token);
    let viewer = script.data(VIEWER, json!({})).await;
    assert_eq!((&viewer["viewer"]["username"], &viewer["viewer"]["role"]), (&json!("admin"), &json!("OPERATOR")));
    assert_eq!(script.query("{ users { totalCount } }", json!({})).await.code(), "FORBIDDEN");
    let over_socket = script.subscribe(VIEWER, json!({})).await.rest().await;
    assert_eq!(over_socket[0]["viewer"]["role"], "OPERATOR");
    script.upload("x").await;

    let uses = admin.data(LIST, json!({})).await["apiTokens"]["nodes"].clone();
    let used = uses[0]["lastUsedAt"].as_str().unwrap().to_owned();
    script.data(VIEWER, json!({})).await;
    let again = admin.data(LIST, json!({})).await["apiTokens"]["nodes"].clone();
    assert_eq!(again[0]["lastUsedAt"], used, "a use is noted once a minute");
    let wrong = herald.nobody().with_token(&format!("{}x", &token[..token.len() - 1]));
    assert_eq!(wrong.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    let stored: Vec<String> = stored(&herald).await;
    assert!(stored.len() == 1 && !stored[0].contains(&token[7..]), "only a hash is stored: {stored:?}");
}

async fn stored(herald: &TestApp) -> Vec<String> {
    let rows = storage::access::api_token::Entity::all().all(herald.services().db.reader()).await.unwrap();
    rows.iter().map(|row| format!("{row:?}")).collect()
}

#[tokio::test]
async fn nobody_makes_a_token_above_himself_and_a_token_makes_none() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    assert_eq!(create(&operator, "ADMIN").await.code(), "FORBIDDEN");
    assert_eq!(create(&herald.auditor().await, "AUDITOR").await.code(), "FORBIDDEN");
    let denied = "{ auditLogs(filter: { actions: [PERMISSION_DENIED] }) { nodes { metadata user { username } } } }";
    let denied = admin.data(denied, json!({})).await["auditLogs"]["nodes"].clone();
    let line = |name: &str| json!({ "metadata": { "field": "createApiToken" }, "user": { "username": name } });
    assert_eq!(denied, json!([line("auditor"), line("operator")]));

    let (token, id) = script(&operator, "OPERATOR").await;
    assert_eq!(create(&token, "AUDITOR").await.code(), "PRECONDITION_FAILED");
    assert_eq!(token.query("mutation { logout { user { id } } }", json!({})).await.code(), "PRECONDITION_FAILED");
    let change = "mutation { changePassword(input: { currentPassword: \"a password of some length\", newPassword: \"another password\" }) { user { id } } }";
    assert_eq!(token.query(change, json!({})).await.code(), "PRECONDITION_FAILED");
    token.data(REVOKE, json!({ "id": id })).await;
    assert_eq!(token.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");

    let past = json!({ "input": { "name": " ", "role": "AUDITOR", "expiresAt": "2020-01-01T00:00:00Z" } });
    assert_eq!(operator.query(CREATE, past).await.violations(), ["input.name", "input.expiresAt"]);
}

#[tokio::test]
async fn a_token_is_never_more_than_its_user_is_now_and_ends_with_him() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let user = operator.data(VIEWER, json!({})).await["viewer"]["id"].clone();
    let (token, _) = script(&operator, "OPERATOR").await;
    let role = async |role: &str| {
        let update =
            "mutation($id: ID!, $role: UserRole!) { updateUser(input: { id: $id, role: $role }) { user { id } } }";
        admin.data(update, json!({ "id": user, "role": role })).await;
        token.data(VIEWER, json!({})).await["viewer"]["role"].clone()
    };
    assert_eq!(role("AUDITOR").await, "AUDITOR");
    assert_eq!(role("ADMIN").await, "OPERATOR");
    admin.data("mutation($id: ID!) { deleteUser(input: { id: $id }) { user { id } } }", json!({ "id": user })).await;
    assert_eq!(token.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn one_sees_and_revokes_ones_own_tokens_and_an_admin_all() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let (_, of_admin) = script(&admin, "ADMIN").await;
    let (of_script, of_operator) = script(&operator, "OPERATOR").await;
    assert_eq!((names(&admin, json!({})).await.len(), names(&operator, json!({})).await.len()), (2, 1));
    let user = operator.data(VIEWER, json!({})).await["viewer"]["id"].clone();
    assert_eq!(names(&admin, json!({ "userId": user })).await.len(), 1);
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(operator.data(node, json!({ "id": of_admin })).await["node"], Json::Null);
    assert_eq!(operator.data(node, json!({ "id": of_operator })).await["node"]["id"], of_operator);
    assert_eq!(operator.query(REVOKE, json!({ "id": of_admin })).await.code(), "NOT_FOUND");
    admin.data(REVOKE, json!({ "id": of_operator })).await;
    admin.data(REVOKE, json!({ "id": of_operator })).await;
    assert_eq!(of_script.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(names(&admin, json!({ "isActive": true })).await.len(), 1);
    assert_eq!(names(&admin, json!({ "isActive": false })).await.len(), 1);
    let lines = "{ auditLogs(filter: { actions: [API_TOKEN_CREATED, API_TOKEN_REVOKED] }) { totalCount nodes { resourceId } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"].clone();
    assert_eq!((&lines["totalCount"], &lines["nodes"][0]["resourceId"]), (&json!(3), &of_operator));
}

#[tokio::test]
async fn a_token_that_ends_takes_what_it_watches_along() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let until = (herald.services().now() + TimeDelta::seconds(3)).to_rfc3339();
    let made = admin.data(CREATE, json!({ "input": { "name": "brief", "role": "ADMIN", "expiresAt": until } })).await;
    let brief = admin.with_token(made["createApiToken"]["token"].as_str().unwrap());
    let ends_by_itself = brief.subscribe(LINES, json!({})).await;
    tokio::time::timeout(Duration::from_secs(10), ends_by_itself.rest()).await.expect("it ends with its token");
    assert_eq!(brief.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(names(&admin, json!({ "isActive": true })).await.len(), 0);
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_token_but_a_script_never_does() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let input = json!({ "input": { "name": "nightly", "role": "ADMIN", "idempotencyKey": "mine" } });
    let made = admin.data(CREATE, input.clone()).await["createApiToken"].clone();
    assert_eq!(admin.data(CREATE, input.clone()).await["createApiToken"], made);
    assert_eq!(names(&admin, json!({})).await.len(), 1);
    let script = admin.with_token(made["token"].as_str().unwrap());
    assert_eq!(script.query(CREATE, input).await.code(), "PRECONDITION_FAILED");
}

#[tokio::test]
async fn the_audit_log_says_which_token_acted_and_its_chain_holds_that() {
    const CREATE: &str = "mutation($email: String!) { createLead(input: { email: $email }) { lead { id } } }";
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let (script, id) = script(&admin, "ADMIN").await;
    for (by, email) in [(&script, "script@example.com"), (&admin, "admin@example.com")] {
        by.data(CREATE, json!({ "email": email })).await;
    }
    let lines = "{ auditLogs(filter: { actions: [LEAD_CREATED] }, first: 2) { nodes { metadata user { username } } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!((&lines[0]["metadata"]["apiTokenId"], &lines[0]["user"]["username"]), (&Json::Null, &json!("admin")));
    assert_eq!((&lines[1]["metadata"]["apiTokenId"], &lines[1]["user"]["username"]), (&id, &json!("admin")));

    let on = herald.services();
    service::access::seal::seal(on).await.unwrap();
    assert_eq!(service::access::chain::verify(&on.db, None).await.unwrap().broken, None);
    let sealed = storage::access::audit_log::Entity::sealed_after(0).all(on.db.reader()).await.unwrap();
    let mut line = sealed.into_iter().find(|line| line.metadata.as_ref().unwrap()["apiTokenId"] == id).unwrap();
    let (seq, hash) = (line.seq.unwrap(), line.hash.clone().unwrap());
    line.metadata.as_mut().unwrap()["apiTokenId"] = json!("another");
    let before = storage::access::audit_log::Entity::sealed_after(seq - 2).one(on.db.reader()).await.unwrap().unwrap();
    assert_ne!(service::access::chain::link(before.hash.as_ref().unwrap(), seq, &line), hash);
}
