//! What is taken away is gone from open sockets too, at once.

use std::time::Duration;

use sea_orm::Statement;
use serde_json::{Value as Json, json};

use crate::campaigns::seed;
use crate::harness::{Client, TestApp};

const LINES: &str = "subscription { auditLogged { action } }";
const VIEWER: &str = "{ viewer { id } }";
const UPDATE: &str = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
const DELETE: &str = "mutation($id: ID!) { deleteUser(input: { id: $id }) { user { id } } }";
const EVERYWHERE: &str = "mutation { logout(input: { everywhere: true }) { user { id } } }";
const TOKEN: &str = "mutation { createApiToken(input: { name: \"x\", role: ADMIN }) { token apiToken { id } } }";
const REVOKE: &str = "mutation($id: ID!) { revokeApiToken(input: { id: $id }) { apiToken { id } } }";

/// Runs `taking` while `watcher` watches what `boss` does, and waits until he does not any more.
async fn ends(what: &str, boss: &Client, watcher: &Client, taking: impl Future<Output = Json>) {
    let mut lines = watcher.subscribe(LINES, json!({})).await;
    lines.begun(boss).await;
    taking.await;
    let ending = async { while lines.next().await.is_some_and(|reply| reply.errors().is_empty()) {} };
    tokio::time::timeout(Duration::from_secs(5), ending).await.unwrap_or_else(|_| panic!("{what}: it went on"));
}

#[tokio::test]
async fn what_is_taken_away_ends_what_is_watched() {
    let herald = TestApp::api_only().await;
    let boss = herald.admin().await;
    let other = async |name: &str| {
        let client = herald.user(name, "ADMIN").await;
        let id = client.data(VIEWER, json!({})).await["viewer"]["id"].clone();
        (client, id)
    };
    let (anna, id) = other("anna").await;
    let demotion = json!({ "input": { "id": id, "role": "OPERATOR" } });
    ends("a role", &boss, &anna, boss.data(UPDATE, demotion)).await;
    let (boris, id) = other("boris").await;
    let password = json!({ "input": { "id": id, "password": "another long password" } });
    ends("a password", &boss, &boris, boss.data(UPDATE, password)).await;
    let (clara, id) = other("clara").await;
    ends("a user", &boss, &clara, boss.data(DELETE, json!({ "id": id }))).await;
    let (here, _) = other("dora").await;
    let (there, _) = other("dora").await;
    ends("all sessions", &boss, &here, there.data(EVERYWHERE, json!({}))).await;
    let (maker, id) = other("emil").await;
    let token = maker.data(TOKEN, json!({})).await["createApiToken"].clone();
    let script = maker.with_token(token["token"].as_str().unwrap());
    let demotion = json!({ "input": { "id": id, "role": "OPERATOR" } });
    ends("the role under an API token", &boss, &script, boss.data(UPDATE, demotion)).await;
    let token = boss.data(TOKEN, json!({})).await["createApiToken"].clone();
    let script = boss.with_token(token["token"].as_str().unwrap());
    ends("an API token", &boss, &script, boss.data(REVOKE, json!({ "id": token["apiToken"]["id"] }))).await;
    boss.data(VIEWER, json!({})).await;
}

#[tokio::test]
async fn who_watches_the_same_goes_on_when_another_is_locked_out() {
    let herald = TestApp::api_only().await;
    let boss = herald.admin().await;
    seed(&herald, 1, 3).await;
    let campaigns = boss.data("{ broadcastCampaigns { nodes { id } } }", json!({})).await;
    let id = &campaigns["broadcastCampaigns"]["nodes"][0]["id"];
    let watch = "subscription($id: ID!) { broadcastCampaignProgress(id: $id) { version } }";
    let anna = herald.user("anna", "ADMIN").await;
    let user = anna.data(VIEWER, json!({})).await["viewer"]["id"].clone();
    let mut watching = boss.subscribe(watch, json!({ "id": id })).await;
    let mut locked_out = anna.subscribe(watch, json!({ "id": id })).await;
    let first = watching.data().await["broadcastCampaignProgress"]["version"].as_i64().unwrap();
    locked_out.data().await;
    boss.data(DELETE, json!({ "id": user })).await;
    let ending = async { while locked_out.next().await.is_some_and(|reply| reply.errors().is_empty()) {} };
    tokio::time::timeout(Duration::from_secs(5), ending).await.expect("her stream ends");
    let on = herald.services();
    let sql = "UPDATE broadcast_campaign_progress SET queued = queued - 1, sent = sent + 1, version = version + 1";
    on.db.write_alone(Statement::from_string(on.db.backend(), sql)).await.unwrap();
    on.tell(events::Event::Resync);
    assert_eq!(watching.data().await["broadcastCampaignProgress"]["version"], first + 1);
}
