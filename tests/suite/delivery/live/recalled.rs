//! A campaign with a document, killed while it sends, while it is edited and while it is recalled: each message once, and nothing left
//! behind that is not named.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::super::crashes::{complete, prepare, start};
use super::super::fixture::names;
use super::field;
use super::processes::{jobs, serve, vault};
use crate::harness::telegram::{Accepted, On, Play, TelegramServer};
use crate::harness::{Client, Database, Process, within};

/// Channels of the campaign, and kills while it sends, is edited, and is recalled.
const CHANNELS: usize = 300;
const KILLS: [usize; 3] = [5, 2, 2];

/// A campaign with a document to all channels of another one.
async fn with_document(admin: &Client, names: &[String]) -> String {
    let other = prepare(admin, names, 30_000).await;
    let batch = "query($id: ID!) { broadcastCampaign(id: $id) { batch { id } } }";
    let batch = admin.data(batch, json!({ "id": other })).await["broadcastCampaign"]["batch"]["id"].clone();
    let template = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
    let input = json!({
        "name": "price",
        "content": "Hello {{ username }}",
        "mediaType": "DOCUMENT",
        "mediaUploadId": admin.upload("%PDF-1.7 the price list").await,
    });
    let template = admin.data(template, json!({ "input": input })).await["createTemplate"]["template"]["id"].clone();
    let create = "mutation($input: CreateBroadcastCampaignInput!) { createBroadcastCampaign(input: $input) { campaign { id } } }";
    let input =
        json!({ "name": "price", "batchId": batch, "templateId": template, "mode": "LIVE", "deliveryRate": 30_000 });
    let made = admin.data(create, json!({ "input": input })).await;
    made["createBroadcastCampaign"]["campaign"]["id"].as_str().expect("an id").to_owned()
}

/// Kills the process as often while it works on all channels, each time when so many of them are done.
async fn killed(kills: usize, process: &mut Process, again: impl Fn() -> Process, done: impl Fn() -> usize) {
    for kill in 1..=kills {
        let part = CHANNELS * kill / (kills + 1);
        within(Duration::from_secs(30), "it goes on", async || if done() >= part { Ok(()) } else { Err(done()) }).await;
        process.kill();
        *process = again();
    }
}

const CHANGES: &str = "query($id: ID!) { broadcastCampaign(id: $id) { sentChanges { kind queued done failed }
    jobs(filter: { sentChangeStatuses: [FAILED] }) { totalCount nodes { channel { username } sentChange { kind status error } } } } }";

/// Waits until all that was asked for is done or named; returns the jobs whose messages were left.
async fn ended(admin: &Client, id: &str, kind: &str) -> Vec<Json> {
    let campaign = within(Duration::from_secs(40), "it ends", async || {
        let row = admin.data(CHANGES, json!({ "id": id })).await["broadcastCampaign"].take();
        if row["sentChanges"]["queued"] == 0 { Ok(row) } else { Err(row["sentChanges"].clone()) }
    })
    .await;
    let (changes, left) = (&campaign["sentChanges"], &campaign["jobs"]);
    assert_eq!((&changes["kind"], &changes["failed"]), (&json!(kind), &left["totalCount"]));
    let sum = changes["done"].as_u64().unwrap() + changes["failed"].as_u64().unwrap();
    assert_eq!(sum, CHANNELS as u64, "{changes}");
    left["nodes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn heavy_a_campaign_that_is_killed_again_and_again_is_sent_edited_and_recalled_whole() {
    let (database, folder) = (Database::create().await, TempDir::new().expect("a folder"));
    let telegram = TelegramServer::start(3).await;
    let names = names("price", CHANNELS);
    for name in names.iter().step_by(50) {
        telegram.play(On::send_to(name), Play::DropAfter);
    }
    let again = || serve(&database, &folder, &telegram);
    let mut process = again();
    let db = database.open(folder.path()).await;
    for account in 0..3 {
        field::add(&db, &vault(), &telegram, account, |row| row.messages_per_minute = 3_000).await;
    }
    let id = with_document(&process.admin().await, &names).await;
    start(&process.admin().await, &id).await;
    killed(KILLS[0], &mut process, again, || telegram.accepted().len()).await;
    let row = complete(&process.admin().await, &id, Duration::from_mins(1)).await;
    assert_eq!(row["counters"]["sent"], CHANNELS);
    let accepted = telegram.accepted();
    assert_eq!(accepted.len(), CHANNELS, "each once");
    assert!(accepted.iter().all(|post| post.media.is_some() && post.text == format!("Hello {}", post.username)));
    assert!(
        jobs(&db)
            .await
            .values()
            .all(|job| job.status != domain::broadcast::JobStatus::Sent || job.message_id.is_some())
    );

    telegram.play(On::method("messages.editMessage"), Play::Error("MESSAGE_EDIT_TIME_EXPIRED"));
    let edit = "mutation($input: EditSentMessagesInput!) { editSentMessages(input: $input) { queued left } }";
    let input = json!({ "campaignId": id, "content": "New price for {{ username }}" });
    let begun = process.admin().await.data(edit, json!({ "input": input })).await["editSentMessages"].clone();
    assert_eq!(begun, json!({ "queued": CHANNELS, "left": 0 }));
    let is_new = |post: &&Accepted| post.text == format!("New price for {}", post.username);
    killed(KILLS[1], &mut process, again, || telegram.accepted().iter().filter(is_new).count()).await;
    let left = ended(&process.admin().await, &id, "EDIT").await;
    assert_eq!(telegram.accepted().iter().filter(is_new).count(), CHANNELS - left.len());
    assert!(
        left.len() <= 1 && left.iter().all(|job| job["sentChange"]["error"] == "MESSAGE_EDIT_TIME_EXPIRED"),
        "{left:?}"
    );

    telegram.play(On::method("channels.deleteMessages"), Play::Error("MESSAGE_DELETE_FORBIDDEN"));
    let delete = "mutation($input: DeleteSentMessagesInput!) { deleteSentMessages(input: $input) { queued left } }";
    let begun = process.admin().await.data(delete, json!({ "input": { "campaignId": id } })).await;
    assert_eq!(begun["deleteSentMessages"], json!({ "queued": CHANNELS, "left": 0 }));
    let is_deleted = |post: &&Accepted| post.is_deleted;
    killed(KILLS[2], &mut process, again, || telegram.accepted().iter().filter(is_deleted).count()).await;
    let left = ended(&process.admin().await, &id, "DELETE").await;
    assert!(
        left.len() <= 1 && left.iter().all(|job| job["sentChange"]["error"] == "MESSAGE_DELETE_FORBIDDEN"),
        "{left:?}"
    );
    for post in telegram.accepted() {
        let is_named = left.iter().any(|job| job["channel"]["username"] == post.username.as_str());
        assert!(post.is_deleted || is_named, "{} was left behind and is not named", post.username);
    }
    assert!(process.terminate(), "it drains and ends well");
    assert_eq!(telegram.doubled_connections(), 0, "an account had two connections");
}
