//! What was activated where contacts go nowhere does not go out by itself where they do.

use herald::app::Parts;
use serde_json::{Value as Json, json};

use super::mail::{enrolled, sequence};
use crate::harness::{Client, TestApp};
use crate::providers::MailServer;

const ALL: Parts = Parts { api: true, worker: true };

async fn state(by: &Client, id: &Json) -> Json {
    let read = "query($id: ID!) { retentionSequence(id: $id) { status pauseReason } }";
    by.data(read, json!({ "id": id })).await["retentionSequence"].clone()
}

#[tokio::test]
async fn what_was_tried_in_simulation_waits_for_a_person_where_contacts_go_out() {
    let server = MailServer::start().await;
    let mut herald = TestApp::with(&["--providers=simulated"]).await;
    let admin = herald.admin().await;
    let save = "mutation($input: SaveIntegrationConfigInput!) { saveIntegrationConfig(input: $input) { integrationConfig { id } } }";
    let smtp = json!({ "host": "127.0.0.1", "port": server.port, "security": "NONE", "from": "hello@herald.example" });
    admin.data(save, json!({ "input": { "smtp": smtp } })).await;
    let id = sequence(&admin).await;

    herald.stop().await;
    herald.start_with(&["--providers=live"], ALL).await;
    let admin = herald.admin().await;
    let held = state(&admin, &id).await;
    assert_eq!(held["status"], "PAUSED", "{held}");
    assert!(held["pauseReason"].as_str().unwrap().contains("nobody has got anything"), "{held}");
    enrolled(&admin, &id, "ann").await;
    let activate = "mutation($id: ID!) { activateRetentionSequence(input: { id: $id }) { sequence { status pauseReason } warnings } }";
    assert_eq!(server.mails().len(), 0, "nothing goes out before somebody says so");
    let told = admin.data(activate, json!({ "id": id })).await["activateRetentionSequence"].clone();
    assert_eq!(told["sequence"], json!({ "status": "ACTIVE", "pauseReason": null }));
    assert_eq!(told["warnings"][0], held["pauseReason"], "{told}");

    // It stays as it is where it was activated, and does not pretend elsewhere.
    herald.restart(ALL).await;
    assert_eq!(state(&herald.admin().await, &id).await["status"], "ACTIVE");
    herald.stop().await;
    herald.start_with(&["--providers=simulated"], ALL).await;
    assert_eq!(state(&herald.admin().await, &id).await["status"], "PAUSED");
}
