//! Real processes, killed at any instant, on real connections: each channel gets one message, no account two connections.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::broadcast::JobStatus;
use domain::sealed::Vault;
use domain::secret_key::SecretKey;
use rustix::process::Signal;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Statement};
use storage::Db;
use storage::Noun;
use storage::broadcast::{account_lease, channel, job};
use tempfile::TempDir;

use super::super::crashes::{complete, prepare, start};
use super::super::fixture::names;
use super::field;
use crate::harness::telegram::{On, Play, TelegramServer};
use crate::harness::{Client, Database, KEY, Postgres, Process, eventually, only_on, within};

/// A setting of the heavy tests.
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

pub fn vault() -> Vault {
    let key = STANDARD.decode(KEY).expect("base64");
    Vault::new(&SecretKey::new(key.try_into().expect("32 bytes")))
}

fn flags(telegram: &TelegramServer) -> Vec<String> {
    vec!["--telegram=live".into(), format!("--telegram-server={}", telegram.address())]
}

/// A process that sends for real.
pub(super) fn serve(database: &Database, folder: &TempDir, telegram: &TelegramServer) -> Process {
    let flags = flags(telegram);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Process::serve(database, folder.path(), &flags)
}

fn worker(database: &Database, folder: &TempDir, telegram: &TelegramServer) -> Process {
    let flags = flags(telegram);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Process::worker(database, folder.path(), &flags)
}

/// The jobs by the names of their channels.
pub(super) async fn jobs(db: &Db) -> HashMap<String, job::Model> {
    let channels = channel::Entity::find().all(db.reader()).await.expect("reads");
    let names: HashMap<_, _> = channels.into_iter().map(|row| (row.id, row.username)).collect();
    let jobs = job::Entity::all().all(db.reader()).await.expect("reads");
    jobs.into_iter().map(|job| (names[&job.channel_id].clone(), job)).collect()
}

/// The names of channels that something is wrong with: every twentieth each.
fn special(names: &[String], which: usize) -> Vec<String> {
    names.iter().skip(which).step_by(20).cloned().collect()
}

/// `HERALD_TEST_LIVE_CHANNELS` channels (150 by default) from three accounts, with `HERALD_TEST_LIVE_KILLS` kills (3).
#[tokio::test]
async fn heavy_killed_at_random_instants_each_channel_gets_one_message_or_its_error() {
    let (database, folder) = (Database::create().await, TempDir::new().expect("a folder"));
    let (channels, kills) = (number("HERALD_TEST_LIVE_CHANNELS", 150), number("HERALD_TEST_LIVE_KILLS", 3));
    let telegram = TelegramServer::start(3).await;
    let names = names("wire", channels);
    let [floods, slow, dead, forbidden, dropped] = [0, 1, 2, 3, 4].map(|which| special(&names, which));
    for name in &floods {
        telegram.play(On::send_to(name), Play::Error("FLOOD_WAIT_1"));
    }
    for name in &slow {
        telegram.play(On::send_to(name), Play::Error("SLOWMODE_WAIT_2"));
    }
    for name in &dead {
        telegram.play_times(1_000, On::resolve(name), Play::Error("USERNAME_NOT_OCCUPIED"));
    }
    for name in &forbidden {
        telegram.play_times(1_000, On::send_to(name), Play::Error("CHAT_WRITE_FORBIDDEN"));
    }
    for name in &dropped {
        telegram.play(On::send_to(name), Play::DropAfter);
    }
    let mut process = serve(&database, &folder, &telegram);
    let db = database.open(folder.path()).await;
    for account in 0..3 {
        field::add(&db, &vault(), &telegram, account, |row| row.messages_per_minute = 1_200).await;
    }
    let id = prepare(&process.admin().await, &names, 3_000).await;
    start(&process.admin().await, &id).await;
    for kill in 1..=kills {
        // All over the campaign, at instants that nobody has chosen.
        let part = channels * kill / (kills + 2);
        sent(&db, part).await;
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..1_500))).await;
        process.kill();
        process = serve(&database, &folder, &telegram);
    }
    complete(&process.admin().await, &id, Duration::from_mins(4)).await;
    assert!(process.terminate(), "it drains and ends well");
    assert_outcomes(&db, &telegram, &names, &dead, &forbidden).await;
    let early = field::early(&db).await;
    assert!(early.is_empty(), "sends began before a wait was over: {early:?}");
    assert!(field::told(&db).await.len() + kills >= floods.len(), "waits are written down");
    assert_eq!(telegram.doubled_connections(), 0, "an account had two connections");
}

async fn assert_outcomes(db: &Db, telegram: &TelegramServer, names: &[String], dead: &[String], forbidden: &[String]) {
    let mut received: HashMap<String, usize> = HashMap::new();
    for message in telegram.accepted() {
        *received.entry(message.username).or_default() += 1;
    }
    let jobs = jobs(db).await;
    for name in names {
        let (job, times) = (&jobs[name], received.get(name).copied().unwrap_or(0));
        let told = (job.status, job.error_message.as_deref(), times);
        if dead.contains(name) {
            assert_eq!(told, (JobStatus::Failed, Some("USERNAME_NOT_OCCUPIED"), 0), "{name}");
        } else if forbidden.contains(name) {
            // Killed, or cut off, in the middle of it nobody knows whether the first try went out (R11).
            let status = if job.ambiguous_since.is_some() { JobStatus::Unknown } else { JobStatus::Failed };
            assert_eq!(told, (status, Some("CHAT_WRITE_FORBIDDEN"), 0), "{name}");
        } else {
            assert_eq!(told, (JobStatus::Sent, None, 1), "{name}");
        }
    }
}

/// Waits until so many jobs have ended.
async fn sent(db: &Db, jobs: usize) {
    within(Duration::from_mins(2), "it goes on", async || {
        let ended = job::Entity::all().filter(job::Column::Status.is_in([JobStatus::Sent, JobStatus::Failed]));
        let ended = ended.count(db.reader()).await.expect("counts");
        if ended >= jobs as u64 { Ok(()) } else { Err(ended) }
    })
    .await;
}

async fn held(db: &Db) -> HashMap<domain::id::SenderId, usize> {
    let mut held = HashMap::new();
    for lease in account_lease::Entity::find().all(db.reader()).await.expect("reads") {
        if let Some(holder) = lease.holder_id {
            *held.entry(holder).or_default() += 1;
        }
    }
    held
}

/// Two processes share four accounts; when one is killed, the other has them all at once, for both are on one host.
#[tokio::test]
async fn heavy_accounts_are_shared_and_move_when_a_process_is_killed() {
    if !only_on(Postgres, "SQLite has one process: its data folder is locked") {
        return;
    }
    let database = Database::create().await;
    let folders = [TempDir::new().expect("a folder"), TempDir::new().expect("a folder")];
    let telegram = TelegramServer::start(4).await;
    let survivor = serve(&database, &folders[0], &telegram);
    let db = database.open(folders[0].path()).await;
    for account in 0..4 {
        field::add(&db, &vault(), &telegram, account, |row| row.messages_per_minute = 600).await;
    }
    let names = names("move", 200);
    let id = prepare(&survivor.admin().await, &names, 1_200).await;
    let mut victim = worker(&database, &folders[1], &telegram);
    start(&survivor.admin().await, &id).await;
    eventually("two accounts each", async || held(&db).await.into_values().eq([2, 2])).await;
    // In the middle of sending.
    tokio::time::sleep(Duration::from_millis(500)).await;
    victim.kill();
    eventually("the survivor has all", async || held(&db).await.into_values().eq([4])).await;
    complete(&survivor.admin().await, &id, Duration::from_mins(2)).await;
    assert_outcomes(&db, &telegram, &names, &[], &[]).await;
    assert_eq!(telegram.doubled_connections(), 0, "an account had two connections");
}

/// R16: a process that stands still keeps its sockets open. Nobody connects its accounts before Telegram has closed them.
#[tokio::test]
async fn heavy_a_frozen_process_loses_its_accounts_and_never_doubles_a_connection() {
    if !only_on(Postgres, "only another process could take the accounts over") {
        return;
    }
    let database = Database::create().await;
    let folders = [TempDir::new().expect("a folder"), TempDir::new().expect("a folder")];
    let telegram = TelegramServer::start(2).await;
    telegram.keep_connections();
    let survivor = serve(&database, &folders[0], &telegram);
    let db = database.open(folders[0].path()).await;
    for account in 0..2 {
        field::add(&db, &vault(), &telegram, account, |row| row.messages_per_minute = 120).await;
    }
    let (admin, names) = (survivor.admin().await, names("frozen", 120));
    let id = prepare(&admin, &names, 600).await;
    let frozen = worker(&database, &folders[1], &telegram);
    start(&admin, &id).await;
    let open = || telegram.open_connections(0) + telegram.open_connections(1);
    eventually("one account each", async || held(&db).await.into_values().eq([1, 1])).await;
    let sends = |account| telegram.calls().iter().any(|call| call.account == account && call.random_id.is_some());
    eventually("both send", async || sends(0) && sends(1)).await;
    // One account alone has something to do for a minute.
    frozen.signal(Signal::STOP);
    let began = std::time::Instant::now();
    within(Duration::from_secs(40), "somebody takes the account over", async || {
        let held = held(&db).await;
        if held.values().eq(&[2]) { Ok(()) } else { Err(held) }
    })
    .await;
    assert!(began.elapsed() > Duration::from_secs(20), "its lease was still valid");
    // Many times as long as it takes to connect.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((open(), telegram.doubled_connections()), (2, 0), "Telegram still keeps the old connection");
    frozen.signal(Signal::CONT);
    eventually("it has let go", async || open() <= 1).await;
    // The rest of the minute is left out.
    run(&admin, "pauseBroadcastCampaign", &id).await;
    eventually("all are given back", async || held(&db).await.is_empty()).await;
    let quiet = "UPDATE account_leases SET quiet_until = NULL RETURNING account_id";
    db.write_alone(Statement::from_string(db.backend(), quiet)).await.expect("changed");
    run(&admin, "resumeBroadcastCampaign", &id).await;
    complete(&admin, &id, Duration::from_mins(2)).await;
    assert_outcomes(&db, &telegram, &names, &[], &[]).await;
    assert_eq!(telegram.doubled_connections(), 0, "an account had two connections");
}

async fn run(admin: &Client, mutation: &str, id: &str) {
    let input = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let document = format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ campaign {{ id }} }} }}");
    admin.data(&document, serde_json::json!({ "input": { "id": id } })).await;
}
