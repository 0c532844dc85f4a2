//! Texts of broadcasts: whichever door they come in by, they are looked at for every recipient; and addresses of channels.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value as Json, json};

use crate::harness::{Client, TestApp, eventually};

const CHANNEL: &str =
    "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id username } } }";
const BATCH: &str = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } } }";
const TEMPLATE: &str = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
const CREATE: &str =
    "mutation($input: CreateBroadcastCampaignInput!) { createBroadcastCampaign(input: $input) { campaign { id } } }";
const START: &str =
    "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { status counters { sent } } } }";
const PAUSE: &str = "mutation($id: ID!) { pauseBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
const CHANGE: &str = "mutation($input: UpdateBroadcastCampaignInput!) { updateBroadcastCampaign(input: $input) { campaign { version } } }";
const EDIT: &str = "mutation($input: EditSentMessagesInput!) { editSentMessages(input: $input) { queued } }";
const STATUS: &str = "query($id: ID!) { broadcastCampaign(id: $id) { status counters { sent } } }";

async fn template(admin: &Client, content: &str) -> Json {
    let input = json!({ "input": { "name": content.chars().take(20).collect::<String>(), "content": content } });
    admin.data(TEMPLATE, input).await["createTemplate"]["template"]["id"].clone()
}

/// A batch of two channels, of which neither the title nor the number of subscribers is known.
async fn batch(admin: &Client) -> Json {
    for username in ["texts_one", "texts_two"] {
        admin.data(CHANNEL, json!({ "input": { "username": username, "category": "texts" } })).await;
    }
    let input = json!({ "input": { "name": "texts", "filter": { "category": "texts" } } });
    admin.data(BATCH, input).await["createBatch"]["batch"]["id"].clone()
}

#[tokio::test]
async fn a_text_that_is_the_same_for_all_is_checked_when_it_is_written() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let written = async |content: &str, more: Json| {
        let mut input = json!({ "name": "t", "content": content });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.query(TEMPLATE, json!({ "input": input })).await.violations()
    };
    let photo = json!({ "mediaType": "PHOTO", "mediaUrl": "https://example.org/x.jpg" });
    assert_eq!(written(&"x".repeat(5_000), json!({})).await, ["input.content"]);
    assert_eq!(written(&"x".repeat(1_100), photo).await, ["input.content"]);
    assert_eq!(written("<b> </b>", json!({ "parseMode": "HTML" })).await, ["input.content"]);
    assert_eq!(written("Price {# 990 #} today", json!({})).await, ["input.content"]);
    assert_eq!(written("{{ имя }}", json!({})).await, ["input.content"]);
    assert!(written(&format!("{} ", "🎬".repeat(2_048)), json!({})).await.is_empty(), "the blank is not sent");
    assert!(written("Tom & Jerry", json!({ "parseMode": "HTML" })).await.is_empty());
}

#[tokio::test]
async fn no_door_lets_a_text_in_that_somebody_would_not_get() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let (batch, template) = (
        batch(&admin).await,
        template(&admin, "Hello, {{ title | default(\"friends\") }}! {{ offer | default(\"-\") }}").await,
    );
    let new = |change: Json| {
        let mut input =
            json!({ "name": "c", "batchId": batch, "templateId": template, "mode": "LIVE", "deliveryRate": 1 });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "input": input })
    };
    let misspelt = admin.query(CREATE, new(json!({ "params": { "ofer": "20%" } }))).await;
    assert_eq!(misspelt.violations(), ["input.params"], "{misspelt:?}");
    let at = |minutes: i64| {
        (herald.services().now() + TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    for wrong in [at(-5), at(-60 * 24 * 365), "9999-12-31T23:59:59Z".to_owned()] {
        let refused = admin.query(CREATE, new(json!({ "scheduledAt": wrong }))).await;
        assert_eq!(refused.violations(), ["input.scheduledAt"], "{wrong}: {refused:?}");
    }
    let id = admin.data(CREATE, new(json!({}))).await["createBroadcastCampaign"]["campaign"]["id"].clone();
    let on_time = json!({ "input": { "id": id, "scheduledAt": at(-5) } });
    assert_eq!(admin.query(CHANGE, on_time).await.violations(), ["input.scheduledAt"]);

    admin.data(START, json!({ "id": id })).await;
    eventually("the first is sent", async || {
        admin.data(STATUS, json!({ "id": id })).await["broadcastCampaign"]["counters"]["sent"] == 1
    })
    .await;
    admin.data(PAUSE, json!({ "id": id })).await;
    let texts = [
        "{% if username == \"zz\" %}x{% endif %}",
        &"x".repeat(5_000),
        "{{ \"x\" * 5000 }}",
        "{{ category.nope.nope }}",
        "{{ nobody_gives_this }}",
    ];
    for text in texts {
        let change = json!({ "input": { "id": id, "content": text } });
        let refused = admin.query(CHANGE, change).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{text}: {refused:?}");
        let edit = admin.query(EDIT, json!({ "input": { "campaignId": id, "content": text } })).await;
        assert_eq!(edit.code(), "BAD_USER_INPUT", "{text}: {edit:?}");
    }
    let unknown = json!({ "input": { "campaignId": id, "content": "{{ username | trunc }}" } });
    let unknown = admin.query(EDIT, unknown).await;
    assert_eq!(unknown.violations(), ["input.content"], "told once, not for each channel: {unknown:?}");
    admin.data(CHANGE, json!({ "input": { "id": id, "content": "Mended {{ username }}" } })).await;
    let ledger = std::fs::read_to_string(herald.data_dir().join("simulated.jsonl")).unwrap();
    assert!(ledger.contains("Hello, friends!"), "what is not known has its default: {ledger}");
}

#[tokio::test]
async fn a_channel_is_found_by_every_address_that_leads_to_it() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    for (n, written) in ["https://t.me/s/{}", "telegram.dog/{}/123", "tg://resolve?domain={}", "https://{}.t.me"]
        .into_iter()
        .enumerate()
    {
        let (name, written) = (format!("addressed_{n}"), written.replace("{}", &format!("addressed_{n}")));
        let made = admin.data(CHANNEL, json!({ "input": { "username": written, "category": "x" } })).await;
        assert_eq!(made["createChannel"]["channel"]["username"], name, "{written}");
    }
    for (written, sentence) in [
        ("t.me/+AbCdEf", "invitation"),
        ("t.me/c/123/5", "private"),
        ("-100123", "number"),
        ("https://proofnews22", "no address"),
    ] {
        let refused = admin.query(CHANNEL, json!({ "input": { "username": written, "category": "x" } })).await;
        assert_eq!(refused.violations(), ["input.username"]);
        assert!(format!("{refused:?}").contains(sentence), "{written}: {refused:?}");
    }
}
