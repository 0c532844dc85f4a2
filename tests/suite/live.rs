//! Following a campaign: by its change log while writers commit, and over a socket as a dashboard does.

use std::collections::HashMap;
use std::time::Duration;

use domain::broadcast::JobStatus;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sea_orm::ConnectionTrait;
use serde_json::json;
use service::Services;
use service::broadcast::follow::{Cursor, JobLogs, JobUpdate};
use storage::Tx;
use storage::broadcast::queue::{Change, Delta, Streak, new_key, record};
use storage::sql::Dialect;
use tokio::time::{sleep, timeout};

use crate::delivery::fixture::{Office, names};
use crate::harness::{TestApp, eventually};

/// Moves jobs from one state to another and returns the key of the change, which is not logged yet.
async fn move_jobs(tx: &Tx, id: BroadcastCampaignId, positions: &[i32], from: JobStatus, to: JobStatus) -> Result<i64> {
    let key = new_key();
    let list: Vec<String> = positions.iter().map(ToString::to_string).collect();
    let sql = format!(
        "UPDATE jobs SET status = $2, change = $3, attempts = attempts + 1
         WHERE campaign_id = $1 AND position IN ({}) AND status = $4",
        list.join(",")
    );
    let values = [id.into(), to.to_string().into(), key.into(), from.to_string().into()];
    let moved = tx.execute_raw(Dialect(tx.get_database_backend()).statement(&sql, values)).await?;
    assert_eq!(moved.rows_affected(), positions.len() as u64);
    Ok(key)
}

/// One change, as a lease or a settlement makes it; it holds its transaction open for a while.
async fn change(
    on: &Services,
    id: BroadcastCampaignId,
    positions: &[i32],
    (from, to): (JobStatus, JobStatus),
    pause: Duration,
) {
    let write = on.db.write(|tx| async move {
        let key = move_jobs(&tx, id, positions, from, to).await?;
        let mut delta = Delta::default();
        delta.moved(from, to, i32::try_from(positions.len()).unwrap());
        let streak = (0, Streak::Untouched);
        let change = Change { campaign: id, key, positions, sender: None, delta, streak, not_before: 0 };
        record(&tx, &change, false).await?;
        // The entry has its number, and nobody sees it yet.
        sleep(pause).await;
        Ok(())
    });
    write.await.unwrap();
}

async fn finish(on: &Services, id: BroadcastCampaignId) {
    let sql =
        "UPDATE broadcast_campaign_progress SET status = 'COMPLETED', version = version + 1 WHERE campaign_id = $1";
    on.db.write_alone(Dialect(on.db.backend()).statement(sql, [id.into()])).await.unwrap();
}

const LEASED: (JobStatus, JobStatus) = (JobStatus::Queued, JobStatus::Sending);
const RETURNED: (JobStatus, JobStatus) = (JobStatus::Sending, JobStatus::Queued);
const SENT: (JobStatus, JobStatus) = (JobStatus::Sending, JobStatus::Sent);

/// The updates of a campaign's jobs one by one, after a place or from the beginning.
pub async fn job_updates(
    logs: &JobLogs,
    id: BroadcastCampaignId,
    after: Option<Cursor>,
) -> impl Stream<Item = Result<JobUpdate>> + Send + use<> {
    let chunks = logs.follow(id, after).await.unwrap();
    chunks.map_ok(|chunk| stream::iter(chunk.updates.clone().into_iter().map(Ok))).try_flatten()
}

/// Comes, goes, and comes back where it was, until the campaign has ended.
async fn follower(logs: JobLogs, id: BroadcastCampaignId) -> Vec<JobUpdate> {
    let (mut after, mut told) = (None, Vec::new());
    loop {
        let stay = rand::random_range(1..60);
        let updates = job_updates(&logs, id, after).await;
        let part: Vec<JobUpdate> = updates.take(stay).map(Result::unwrap).collect().await;
        let is_end = part.len() < stay;
        after = part.last().map(|update| update.cursor).or(after);
        told.extend(part);
        if is_end {
            return told;
        }
    }
}

/// R8, over and over: four writers whose commits overlap, six followers that come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_come_and_go_miss_nothing_while_writers_commit() {
    const JOBS: i32 = 160;
    let office = Office::open().await;
    let id = office.campaign(&names("followed", usize::try_from(JOBS).unwrap()), 60).await;
    office.start(id).await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let on = office.on.clone();
            tokio::spawn(async move {
                let own: Vec<i32> = (1..=JOBS).filter(|position| position % 4 == writer).collect();
                for part in own.chunks(5) {
                    for step in [LEASED, RETURNED, LEASED, SENT] {
                        change(&on, id, part, step, Duration::from_millis(rand::random_range(0..4))).await;
                    }
                }
            })
        })
        .collect();
    let logs = JobLogs::new(&office.on);
    let followers: Vec<_> = (0..6).map(|_| tokio::spawn(follower(logs.clone(), id))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    finish(&office.on, id).await;
    for told in followers {
        let told = timeout(Duration::from_secs(30), told).await.expect("it completes").unwrap();
        assert!(told.is_sorted_by(|a, b| a.cursor < b.cursor), "in order, none twice");
        let mut last = HashMap::new();
        for update in &told {
            let before = last.insert(update.job.position, &update.job);
            assert!(before.is_none_or(|before| before.attempts < update.job.attempts), "no job goes back in time");
        }
        assert_eq!(last.len(), usize::try_from(JOBS).unwrap());
        assert!(last.values().all(|job| job.status == JobStatus::Sent && job.attempts == 4), "each at its last state");
    }
}

/// R8, once: whoever got the earlier number commits first, because the number is under the lock of the campaign's row.
#[tokio::test]
async fn a_change_whose_commit_takes_long_is_not_passed_over() {
    let office = Office::open().await;
    let id = office.campaign(&names("slow", 2), 60).await;
    office.start(id).await;
    let updates = job_updates(&JobLogs::new(&office.on), id, None).await;
    let mut updates = std::pin::pin!(updates.map(|update| update.unwrap().job));
    for _ in 0..2 {
        assert_eq!(updates.next().await.unwrap().status, JobStatus::Queued);
    }
    let slow = change(&office.on, id, &[1], LEASED, Duration::from_millis(1_500));
    let quick = async {
        // The slow one has its number by then.
        sleep(Duration::from_millis(300)).await;
        change(&office.on, id, &[2], LEASED, Duration::ZERO).await;
    };
    let told = async { [updates.next().await.unwrap().position, updates.next().await.unwrap().position] };
    let ((), (), told) = tokio::join!(slow, quick, timeout(Duration::from_secs(10), told));
    assert_eq!(told.expect("both are told"), [1, 2], "in the order of their commits");
}

/// What the rule is for: with a number taken before the transaction, the same reader passes over what is not committed.
#[tokio::test]
async fn a_number_that_is_taken_too_early_hides_a_change() {
    let office = Office::open().await;
    let (on, id) = (&office.on, office.campaign(&names("early", 2), 60).await);
    office.start(id).await;
    let take = "UPDATE broadcast_campaign_progress SET seq = seq + 1 WHERE campaign_id = $1 RETURNING seq";
    let rows = on.db.write_alone(Dialect(on.db.backend()).statement(take, [id.into()])).await.unwrap();
    let early: i64 = rows[0].try_get("", "seq").unwrap();
    change(on, id, &[2], LEASED, Duration::ZERO).await;
    let updates = job_updates(&JobLogs::new(on), id, None).await;
    let mut updates = std::pin::pin!(updates.map(|update| update.unwrap().job));
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(updates.next().await.unwrap().position);
    }
    assert_eq!(told, [1, 2]);
    let write = on.db.write(|tx| async move {
        let key = move_jobs(&tx, id, &[1], JobStatus::Queued, JobStatus::Sending).await?;
        let entry = "INSERT INTO job_changes (campaign_id, seq, key, positions) VALUES ($1, $2, $3, '1')";
        let values = [id.into(), early.into(), key.into()];
        tx.execute_raw(Dialect(tx.get_database_backend()).statement(entry, values)).await?;
        Ok(())
    });
    write.await.unwrap();
    assert!(timeout(Duration::from_secs(2), updates.next()).await.is_err(), "the first job's change is never told");
}

const CREATE_BATCH: &str =
    r#"mutation { createBatch(input: { name: "All", filter: {} }) { batch { id channelCount } } }"#;
const CREATE_TEMPLATE: &str = r#"mutation { createTemplate(input: { name: "Hello", content: "Hello {{ username }}" }) {
    template { id } } }"#;
const CREATE_CAMPAIGN: &str = r#"mutation($batch: ID!, $template: ID!) { createBroadcastCampaign(input: {
    name: "Autumn", batchId: $batch, templateId: $template, mode: LIVE, deliveryRate: 6000 }) { campaign { id totalJobs } } }"#;
const START: &str = "mutation($id: ID!) { startBroadcastCampaign(input: { id: $id }) { campaign { status } } }";
const PROGRESS: &str = "subscription($id: ID!) { broadcastCampaignProgress(id: $id) {
    version status total queued sending sent failed cancelled unknown ratePerMinute etaSeconds at } }";
const UPDATES: &str = "subscription($id: ID!, $after: String) { jobUpdates(campaignId: $id, after: $after) {
    cursor job { id status attempts errorMessage channel { username } } } }";

/// From an uploaded list to the last event, all over the API.
#[tokio::test]
async fn a_dashboard_sees_an_import_and_a_campaign_from_beginning_to_end() {
    const CHANNELS: usize = 150;
    let herald = TestApp::with(&["--progress-hz=20"]).await;
    let admin = herald.admin().await;
    let line = |n: usize| format!("{{\"category\":\"новости\",\"username\":\"dashboard_{n}\"}}\n");
    let upload = admin.upload((0..CHANNELS).map(line).collect::<String>()).await;
    let import = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";
    let import = admin.data(import, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    let watched = "subscription($id: ID!) { channelImportProgress(id: $id) { status lines inserted version } }";
    let told = admin.subscribe(watched, json!({ "id": import })).await.rest().await;
    let last = &told.last().unwrap()["channelImportProgress"];
    assert_eq!((&last["status"], &last["inserted"]), (&json!("COMPLETED"), &json!(CHANNELS)));

    let batch = admin.data(CREATE_BATCH, json!({})).await["createBatch"]["batch"]["id"].clone();
    let template = admin.data(CREATE_TEMPLATE, json!({})).await["createTemplate"]["template"]["id"].clone();
    let campaign = admin.data(CREATE_CAMPAIGN, json!({ "batch": batch, "template": template })).await;
    let id = campaign["createBroadcastCampaign"]["campaign"]["id"].clone();
    let progress = admin.subscribe(PROGRESS, json!({ "id": id })).await;
    let updates = admin.subscribe(UPDATES, json!({ "id": id })).await;
    admin.data(START, json!({ "id": id })).await;
    let (progress, updates) = tokio::join!(progress.rest(), updates.rest());

    let progress: Vec<_> = progress.iter().map(|event| &event["broadcastCampaignProgress"]).collect();
    assert_eq!(progress[0]["status"], "QUEUED", "the snapshot comes first");
    assert!(progress.is_sorted_by(|a, b| a["version"].as_i64() < b["version"].as_i64()));
    let last = progress.last().unwrap();
    assert_eq!((&last["status"], &last["sent"], &last["queued"]), (&json!("COMPLETED"), &json!(CHANNELS), &json!(0)));
    let updates: Vec<_> = updates.iter().map(|event| &event["jobUpdates"]["job"]).collect();
    let sent: Vec<_> = updates.iter().filter(|job| job["status"] == "SENT").collect();
    assert_eq!(sent.len(), CHANNELS);
    assert!(sent.iter().all(|job| job["channel"]["username"].as_str().unwrap().starts_with("dashboard_")));
    let ended = admin.subscribe(PROGRESS, json!({ "id": id })).await.rest().await;
    assert_eq!(ended.len(), 1, "its last state, and complete");
    let all = admin.subscribe(UPDATES, json!({ "id": id })).await.rest().await;
    assert_eq!(all.len(), CHANNELS, "the present state of each");
}

/// A dashboard that was away goes on where it was.
#[tokio::test]
async fn a_client_that_was_away_gets_what_it_missed() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    for name in ["away_one", "away_two", "away_three"] {
        let create = "mutation($name: String!) { createChannel(input: { username: $name, category: \"x\" }) { channel { id } } }";
        admin.data(create, json!({ "name": name })).await;
    }
    let batch = admin.data(CREATE_BATCH, json!({})).await["createBatch"]["batch"]["id"].clone();
    let template = admin.data(CREATE_TEMPLATE, json!({})).await["createTemplate"]["template"]["id"].clone();
    let campaign = admin.data(CREATE_CAMPAIGN, json!({ "batch": batch, "template": template })).await;
    let id = campaign["createBroadcastCampaign"]["campaign"]["id"].clone();
    let mut updates = admin.subscribe(UPDATES, json!({ "id": id })).await;
    admin.data(START, json!({ "id": id })).await;
    let seen = updates.data().await["jobUpdates"].clone();
    drop(updates);
    let status = "query($id: ID!) { broadcastCampaign(id: $id) { status progress } }";
    eventually("the campaign is complete", async || {
        admin.data(status, json!({ "id": id })).await["broadcastCampaign"]["status"] == "COMPLETED"
    })
    .await;
    let missed = admin.subscribe(UPDATES, json!({ "id": id, "after": seen["cursor"] })).await.rest().await;
    let missed: Vec<_> = missed.iter().map(|event| &event["jobUpdates"]["job"]["status"]).collect();
    let expected = if seen["job"]["status"] == "SENT" { 2 } else { 3 };
    assert_eq!(missed, vec![&json!("SENT"); expected]);
    let wrong = admin.subscribe(UPDATES, json!({ "id": id, "after": "nonsense" })).await.next().await.unwrap();
    assert_eq!((wrong.code(), wrong.violations()), ("BAD_USER_INPUT", vec!["after".into()]));
}
