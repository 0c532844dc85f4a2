//! Killed at any instant: nobody gets it twice, nobody is missed. With real processes, over the API.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::fixture::{Accepted, names};
use crate::harness::{Client, Database, Postgres, Process, only_on, within};

/// Channels of the crash tests: `HERALD_TEST_CRASH_CHANNELS`, 1,500 by default.
fn channels() -> usize {
    number("HERALD_TEST_CRASH_CHANNELS", 1_500)
}

/// Kills of the crash tests: `HERALD_TEST_KILLS`, 5 by default.
fn kills() -> usize {
    number("HERALD_TEST_KILLS", 5)
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Uploads and imports channels, and creates a campaign to all of them; returns its id.
pub async fn prepare(admin: &Client, usernames: &[String], rate: usize) -> String {
    let lines: Vec<String> =
        usernames.iter().map(|name| json!({ "username": name, "category": "новости" }).to_string()).collect();
    let upload = admin.upload(lines.join("\n")).await;
    let import = "mutation($input: ImportChannelsInput!) { importChannels(input: $input) { import { id } } }";
    let import = admin.data(import, json!({ "input": { "uploadId": upload } })).await;
    let import = &import["importChannels"]["import"]["id"];
    let status = "query($id: ID!) { channelImport(id: $id) { status inserted } }";
    let inserted = within(Duration::from_mins(1), "the channels are imported", async || {
        let row = admin.data(status, json!({ "id": import })).await["channelImport"].take();
        if row["status"] == "COMPLETED" { Ok(row["inserted"].clone()) } else { Err(row) }
    })
    .await;
    assert_eq!(inserted, json!(usernames.len()));
    let batch = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } } }";
    let batch = admin.data(batch, json!({ "input": { "name": "all", "filter": {} } })).await;
    let template = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
    let template =
        admin.data(template, json!({ "input": { "name": "hello", "content": "Hello {{ username }}" } })).await;
    let create = "mutation($input: CreateBroadcastCampaignInput!) {
        createBroadcastCampaign(input: $input) { campaign { id totalJobs } } }";
    let input = json!({
        "name": "crash",
        "batchId": batch["createBatch"]["batch"]["id"],
        "templateId": template["createTemplate"]["template"]["id"],
        "mode": "LIVE",
        "deliveryRate": rate,
    });
    let created = admin.data(create, json!({ "input": input })).await;
    let created = &created["createBroadcastCampaign"]["campaign"];
    assert_eq!(created["totalJobs"], json!(usernames.len()));
    created["id"].as_str().expect("an id").to_owned()
}

pub async fn start(admin: &Client, id: &str) {
    let start = "mutation($input: StartBroadcastCampaignInput!) {
        startBroadcastCampaign(input: $input) { campaign { status } } }";
    let started = admin.data(start, json!({ "input": { "id": id } })).await;
    assert_eq!(started["startBroadcastCampaign"]["campaign"]["status"], "RUNNING");
}

const CAMPAIGN: &str = "query($id: ID!) { broadcastCampaign(id: $id) {
    status totalJobs counters { queued sending sent failed cancelled unknown } } }";

/// Waits until the campaign is complete; the counters must be right at every look.
pub async fn complete(admin: &Client, id: &str, patience: Duration) -> Json {
    within(patience, "the campaign is complete", async || {
        let row = admin.data(CAMPAIGN, json!({ "id": id })).await["broadcastCampaign"].take();
        let sum: i64 = ["queued", "sending", "sent", "failed", "cancelled", "unknown"]
            .iter()
            .map(|of| row["counters"][of].as_i64().expect("a count"))
            .sum();
        assert_eq!(row["totalJobs"], json!(sum), "counters never lie");
        if row["status"] == "COMPLETED" { Ok(row) } else { Err(row) }
    })
    .await
}

pub fn ledger(folder: &Path) -> Vec<Accepted> {
    let text = std::fs::read_to_string(folder.join("simulated.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect()
}

/// Everybody once.
fn assert_exactly_once(accepted: &[Accepted], usernames: &[String]) {
    let everybody: HashSet<&str> = accepted.iter().map(|line| line.username.as_str()).collect();
    assert_eq!(accepted.len(), everybody.len(), "somebody got it twice");
    assert_eq!(everybody.len(), usernames.len(), "somebody was missed");
}

#[tokio::test]
async fn heavy_killed_at_random_instants_everybody_gets_it_once() {
    let (database, folder) = (Database::create().await, TempDir::new().expect("a folder"));
    let mut usernames = names("crash", channels() - 2);
    usernames.extend(["lost_dropafter".to_owned(), "lost_dropbefore".to_owned()]);
    let mut process = Process::serve(&database, folder.path(), &[]);
    // So that all kills fall into the sending.
    let rate = (channels() * 60 / (kills() * 2)).max(600);
    let id = prepare(&process.admin().await, &usernames, rate).await;
    start(&process.admin().await, &id).await;
    for _ in 0..kills() {
        // At an instant that nobody has chosen.
        tokio::time::sleep(Duration::from_millis(rand::random_range(100..1_500))).await;
        process.kill();
        process = Process::serve(&database, folder.path(), &[]);
    }
    let row = complete(&process.admin().await, &id, Duration::from_mins(3)).await;
    assert_eq!(row["counters"]["sent"], json!(usernames.len()), "{row}");
    assert_exactly_once(&ledger(folder.path()), &usernames);
    assert!(process.terminate(), "it drains and ends well");
}

#[tokio::test]
async fn heavy_one_of_two_processes_is_killed_and_the_other_goes_on() {
    if !only_on(Postgres, "SQLite has one process: its data folder is locked") {
        return;
    }
    let database = Database::create().await;
    let folders = [TempDir::new().expect("a folder"), TempDir::new().expect("a folder")];
    let usernames = names("fleet", channels());
    let survivor = Process::serve(&database, folders[0].path(), &[]);
    let rate = (channels() * 60 / (kills() * 2)).max(600);
    let id = prepare(&survivor.admin().await, &usernames, rate).await;
    start(&survivor.admin().await, &id).await;
    for _ in 0..kills() {
        let mut victim = Process::worker(&database, folders[1].path(), &[]);
        // At an instant that nobody has chosen.
        tokio::time::sleep(Duration::from_millis(rand::random_range(300..1_500))).await;
        victim.kill();
    }
    let row = complete(&survivor.admin().await, &id, Duration::from_mins(3)).await;
    assert_eq!(row["counters"]["sent"], json!(usernames.len()), "{row}");
    let (mine, theirs) = (ledger(folders[0].path()), ledger(folders[1].path()));
    assert!(!theirs.is_empty(), "the victims sent something");
    assert_exactly_once(&[mine, theirs].concat(), &usernames);
}

/// A process that is stopped for longer than a claim may take starts nothing of it when it wakes (R1, R5).
#[tokio::test]
async fn heavy_a_frozen_process_sends_nothing_after_a_pause() {
    if !only_on(Postgres, "with one process, the one that answers is the one that is frozen") {
        return;
    }
    let database = Database::create().await;
    let folders = [TempDir::new().expect("a folder"), TempDir::new().expect("a folder")];
    let usernames = names("frozen", 2_000);
    let api = Process::serve(&database, folders[0].path(), &["--no-worker"]);
    let worker = Process::worker(&database, folders[1].path(), &[]);
    let admin = api.admin().await;
    let id = prepare(&admin, &usernames, 12_000).await;
    start(&admin, &id).await;
    let pause = "mutation($input: PauseBroadcastCampaignInput!) { pauseBroadcastCampaign(input: $input) { campaign { status } } }";
    let resume = "mutation($input: ResumeBroadcastCampaignInput!) { resumeBroadcastCampaign(input: $input) { campaign { status } } }";
    for _ in 0..3 {
        // At an instant that nobody has chosen.
        tokio::time::sleep(Duration::from_millis(rand::random_range(300..900))).await;
        worker.signal(Signal::STOP);
        admin.data(pause, json!({ "input": { "id": id } })).await;
        let before = ledger(folders[1].path()).len();
        worker.signal(Signal::CONT);
        // All that it would still start has started by then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        // It may have been frozen within the one send that had begun: nothing removes that. But nothing begins any more.
        let late = ledger(folders[1].path()).len() - before;
        assert!(late <= 1, "it woke and sent {late} that were claimed before the pause");
        admin.data(resume, json!({ "input": { "id": id } })).await;
    }
    complete(&admin, &id, Duration::from_mins(2)).await;
    assert_exactly_once(&ledger(folders[1].path()), &usernames);
}
