//! Channels, batches and templates.

mod batches;
mod channels;
mod nodes;
mod repeated;
mod statements;
mod templates;

use serde_json::{Value as Json, json};

use crate::harness::Client;

/// Adds a channel, and returns its id.
async fn channel(by: &Client, input: Json) -> Json {
    let create = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
    by.data(create, json!({ "input": input })).await["createChannel"]["channel"]["id"].clone()
}

/// Adds `count` channels called `prefix` and a number, and returns their ids.
async fn channels(by: &Client, prefix: &str, count: usize) -> Vec<Json> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(channel(by, json!({ "username": format!("{prefix}_{n:03}"), "category": "tech" })).await);
    }
    ids
}

/// Creates a batch, and returns it.
async fn batch(by: &Client, input: Json) -> Json {
    let create = "mutation($input: CreateBatchInput!) { createBatch(input: $input) {
        batch { id name channelCount version createdBy { username } } } }";
    by.data(create, json!({ "input": input })).await["createBatch"]["batch"].clone()
}

/// Creates a template, and returns its id.
async fn template(by: &Client, content: &str) -> Json {
    let create = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
    let input = json!({ "name": "Hello", "content": content });
    by.data(create, json!({ "input": input })).await["createTemplate"]["template"]["id"].clone()
}

/// Creates a campaign, and returns its id.
async fn campaign(by: &Client, batch: &Json, template: &Json) -> Json {
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id } } }";
    let input = json!({ "name": "Spring", "batchId": batch, "templateId": template, "mode": "LIVE" });
    by.data(create, json!({ "input": input })).await["createBroadcastCampaign"]["campaign"]["id"].clone()
}
