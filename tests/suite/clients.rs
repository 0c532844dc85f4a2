//! The clients that frontend teams use, unmodified, on the published schema and its operations: `tests/clients`.

use serde_json::{Value as Json, json};

use crate::harness::npm::Workshop;
use crate::harness::{Client, PASSWORD, TestApp};

#[tokio::test]
async fn a_strict_lint_has_nothing_to_say() {
    let Some(workshop) = Workshop::open() else { return };
    workshop.script("lint", &[]).await;
}

#[tokio::test]
async fn typescript_clients_are_generated_and_follow_a_campaign() {
    let Some(workshop) = Workshop::open() else { return };
    let herald = TestApp::start().await;
    workshop.script("build", &[]).await;
    for client in ["apollo", "urql"] {
        workshop.script(client, &environment(&herald.url(), &campaign(&herald.admin().await, client).await)).await;
    }
}

/// What a client is told: where to sign in, and which campaign to start.
fn environment<'a>(url: &'a str, campaign: &'a str) -> [(&'a str, &'a str); 3] {
    [("HERALD_URL", url), ("HERALD_PASSWORD", PASSWORD), ("HERALD_CAMPAIGN", campaign)]
}

/// A campaign to a few channels that is over a second after its start; returns its id.
async fn campaign(admin: &Client, name: &str) -> String {
    let create = async |noun: &str, selection: &str, input: Json| {
        let document = format!(
            "mutation($input: Create{noun}Input!) {{ create{noun}(input: $input) {{ it: {selection} {{ id }} }} }}"
        );
        admin.data(&document, json!({ "input": input })).await[format!("create{noun}")]["it"]["id"].clone()
    };
    let mut channels = Vec::new();
    for n in 0..4 {
        channels
            .push(create("Channel", "channel", json!({ "username": format!("{name}_{n}"), "category": "tech" })).await);
    }
    let batch = create("Batch", "batch", json!({ "name": name, "channelIds": channels })).await;
    let template =
        create("Template", "template", json!({ "name": name, "content": "Hello, {{ channel_name }}!" })).await;
    let new = json!({ "name": name, "batchId": batch, "templateId": template, "mode": "LIVE", "deliveryRate": 240 });
    create("BroadcastCampaign", "campaign", new).await.as_str().unwrap().to_owned()
}
