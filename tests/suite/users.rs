//! Users: who may sign in, and as what.

use serde_json::{Value as Json, json};

use crate::harness::{Client, PASSWORD, Reply, TestApp};

const CREATE: &str =
    "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id username role version } } }";
const UPDATE: &str = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { role version } } }";
const DELETE: &str = "mutation($id: ID!) { deleteUser(input: { id: $id }) { user { username deletedAt } } }";
const VIEWER: &str = "{ viewer { id username role } }";

async fn create(by: &Client, username: &str, role: &str) -> Reply {
    by.query(CREATE, json!({ "input": { "username": username, "password": PASSWORD, "role": role } })).await
}

fn id(user: &Json) -> String {
    user["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_admin_creates_users_and_hears_of_all_mistakes_at_once() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let created = create(&admin, "Anna.Smith", "OPERATOR").await;
    assert_eq!(created.data()["createUser"]["user"]["username"], "anna.smith");
    herald.nobody().sign_in("ANNA.smith", PASSWORD).await;
    let taken = create(&admin, "ANNA.SMITH", "AUDITOR").await;
    assert_eq!((taken.code(), taken.message()), ("CONFLICT", "the username anna.smith is taken"));
    let wrong = json!({ "input": { "username": "a b", "password": "short", "role": "ADMIN" } });
    assert_eq!(admin.query(CREATE, wrong).await.violations(), ["input.username", "input.password"]);
}

#[tokio::test]
async fn a_new_role_acts_at_once() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    assert_eq!(create(&operator, "somebody", "AUDITOR").await.code(), "FORBIDDEN");
    let viewer = operator.data(VIEWER, json!({})).await;
    let change = |role: &str, version: Option<i32>| json!({ "input": { "id": viewer["viewer"]["id"], "role": role, "expectedVersion": version } });
    let changed = admin.data(UPDATE, change("ADMIN", Some(1))).await;
    assert_eq!(changed["updateUser"]["user"], json!({ "role": "ADMIN", "version": 2 }));
    create(&operator, "somebody", "AUDITOR").await.data();
    assert_eq!(admin.query(UPDATE, change("AUDITOR", Some(1))).await.code(), "CONFLICT");
    admin.data(UPDATE, change("AUDITOR", None)).await;
    assert_eq!(create(&operator, "another", "AUDITOR").await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn a_deleted_user_is_locked_out_and_stays_as_an_author() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let operator = herald.operator().await;
    let user = operator.data(VIEWER, json!({})).await["viewer"].clone();
    let deleted = admin.data(DELETE, json!({ "id": id(&user) })).await;
    assert!(deleted["deleteUser"]["user"]["deletedAt"].is_string());
    assert_eq!(operator.query(VIEWER, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(herald.nobody().login("operator", PASSWORD).await.code(), "WRONG_CREDENTIALS");
    assert_eq!(admin.query(DELETE, json!({ "id": id(&user) })).await.code(), "NOT_FOUND");

    let users = "query($filter: UserFilter) { users(filter: $filter) { nodes { username } totalCount } }";
    let listed = async |filter: Json| admin.data(users, json!({ "filter": filter })).await["users"].clone();
    assert_eq!(listed(json!({})).await["nodes"], json!([{ "username": "admin" }]));
    assert_eq!(listed(json!({ "isDeleted": true })).await["nodes"], json!([{ "username": "operator" }]));
    let lines = "query($id: ID!) { auditLogs(filter: { userId: $id }) { nodes { action user { username } } } }";
    let lines = admin.data(lines, json!({ "id": id(&user) })).await;
    assert_eq!(lines["auditLogs"]["nodes"], json!([{ "action": "USER_LOGIN", "user": { "username": "operator" } }]));
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let me = id(&admin.data(VIEWER, json!({})).await["viewer"]);
    let demote = json!({ "input": { "id": me, "role": "OPERATOR" } });
    assert_eq!(admin.query(UPDATE, demote.clone()).await.code(), "PRECONDITION_FAILED");
    assert_eq!(admin.query(DELETE, json!({ "id": me })).await.code(), "PRECONDITION_FAILED");
    let other = create(&admin, "other", "ADMIN").await;
    admin.data(UPDATE, demote).await;
    let other = id(&other.data()["createUser"]["user"]);
    let second = herald.nobody().sign_in("other", PASSWORD).await;
    assert_eq!(second.query(DELETE, json!({ "id": other })).await.code(), "PRECONDITION_FAILED");
}

#[tokio::test]
async fn two_admins_cannot_remove_each_other() {
    let herald = TestApp::api_only().await;
    let (first, second) = (herald.admin().await, herald.user("second", "ADMIN").await);
    let me = async |client: &Client| id(&client.data(VIEWER, json!({})).await["viewer"]);
    let (first_id, second_id) = (me(&first).await, me(&second).await);
    let both =
        tokio::join!(first.query(DELETE, json!({ "id": second_id })), second.query(DELETE, json!({ "id": first_id })));
    let done = [&both.0, &both.1].iter().filter(|reply| reply.errors().is_empty()).count();
    assert_eq!(done, 1, "{both:?}");
}
