//! A pooler before PostgreSQL that hands out its connections by transactions: all of Herald works behind it, a fleet too.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::Signal;
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::block_in_place;

use super::fixture::{Office, names};
use crate::harness::{Cable, Database, Pooler, Postgres, Process, eventually, only_on, within};
use domain::broadcast::CampaignStatus;
use service::Actor;
use service::broadcast::campaign;

/// Why these tests need PostgreSQL.
const SERVER: &str = "SQLite has no pooler";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_empty_database_is_set_up_and_filled_through_a_pooler() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let database = Database::create().await;
    let Some(pooler) = Pooler::before(&database.server()).await else { return };
    let folder = TempDir::new().unwrap();
    let database = database.by(pooler.port);
    // Two at once: one of them migrates.
    let other = TempDir::new().unwrap();
    let (one, two) = block_in_place(|| {
        std::thread::scope(|scope| {
            let two = scope.spawn(|| Process::serve(&database, other.path(), &[]));
            (Process::serve(&database, folder.path(), &[]), two.join().unwrap())
        })
    });
    let admin = one.admin().await;
    let line = |number| json!({ "username": format!("pooled_{number}"), "category": "a\\b" }).to_string();
    let lines: Vec<String> = (0..3_000).map(line).collect();
    let upload = admin.upload(lines.join("\n")).await;
    let import = "mutation($id: ID!) { importChannels(input: { uploadId: $id }) { import { id } } }";
    let import = admin.data(import, json!({ "id": upload })).await["importChannels"]["import"]["id"].clone();
    let there = two.admin().await;
    eventually("the import is through", async || {
        let state = "query($id: ID!) { channelImport(id: $id) { id status inserted } }";
        let state = there.data(state, json!({ "id": import })).await["channelImport"].clone();
        assert_ne!(state["status"], "FAILED", "{state}");
        state["status"] == "COMPLETED" && state["inserted"] == 3_000
    })
    .await;
    let find =
        "{ channels(first: 5, filter: { usernameContains: \"pooled_29\" }) { totalCount nodes { id category } } }";
    let found = there.data(find, json!({})).await["channels"].clone();
    assert_eq!((&found["totalCount"], &found["nodes"][0]["category"]), (&json!(111), &json!("a\\b")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fleet_behind_a_pooler_sends_each_once_though_one_is_killed() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let office = Office::open().await;
    let Some(pooler) = Pooler::before(&office.database().server()).await else { return };
    let database = office.database().by(pooler.port);
    let jobs = 400;
    let id = office.campaign(&names("pooled", jobs), 3_000).await;
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let start = |folder: &TempDir| block_in_place(|| Process::serve(&database, folder.path(), &[]));
    let mut members: Vec<_> = folders.iter().map(start).collect();
    office.start(id).await;
    eventually("some are sent", async || office.progress(id).await.sent > 50).await;
    members[0].kill();
    // Frozen in the middle of something, whose server the pooler must not give to anybody else.
    members[1].signal(Signal::STOP);
    let third = TempDir::new().unwrap();
    members.push(start(&third));
    members[1].signal(Signal::CONT);
    // By the pooler, too.
    let mut far = office.on.clone();
    far.db = database.open(office.folder.path()).await;
    let actor = Actor::system();
    campaign::pause(&far, &actor, id).await.unwrap();
    let sent = office.progress(id).await.sent;
    campaign::resume(&far, &actor, id).await.unwrap();
    office.until(id, CampaignStatus::Completed).await;
    office.assert_counters(id).await;
    assert!(sent < i32::try_from(jobs).unwrap());
    let mut sends = Vec::new();
    for folder in folders.iter().chain([&third]) {
        let path = folder.path().join(telegram::simulated::LEDGER);
        sends.extend(std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned));
    }
    let names: HashSet<_> = sends
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["username"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((sends.len(), names.len()), (jobs, jobs), "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn heavy_connections_to_a_pooler_that_are_lost_without_a_word_hold_up_nothing_for_long() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let office = Office::open().await;
    let Some(pooler) = Pooler::before(&office.database().server()).await else { return };
    let cable = Cable::to(&format!("127.0.0.1:{}", pooler.port)).await;
    let database = office.database().by(cable.port);
    let jobs = 1_000;
    let id = office.campaign(&names("lost", jobs), 1_500).await;
    let folder = TempDir::new().unwrap();
    let _process = block_in_place(|| Process::serve(&database, folder.path(), &[]));
    office.start(id).await;
    let sent = async || office.progress(id).await.sent;
    eventually("some are sent", async || sent().await > 20).await;
    for _ in 0..2 {
        cable.forget();
        let before = sent().await;
        within(Duration::from_secs(10), "work moves again", async || {
            let sent = sent().await;
            if sent > before + 5 { Ok(()) } else { Err(sent) }
        })
        .await;
    }
    office.until(id, CampaignStatus::Completed).await;
    office.assert_counters(id).await;
    let ledger = std::fs::read_to_string(folder.path().join(telegram::simulated::LEDGER)).unwrap();
    assert_eq!(ledger.lines().count(), jobs, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_that_are_refused_leave_nothing_behind_that_is_prepared() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let database = Database::create().await;
    let Some(pooler) = Pooler::before(&database.server()).await else { return };
    let folder = TempDir::new().unwrap();
    let db = database.by(pooler.port).open(folder.path()).await;
    db.migrate().await.unwrap();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_235959_of_a_newer_herald', 0)";
    db.reader().execute_unprepared(newer).await.unwrap();
    let refused = db.migrate().await.unwrap_err().to_string();
    assert!(refused.contains("of_a_newer_herald"), "{refused}");
    assert!(db.missing_migrations().await.is_err());
    let ask = Statement::from_string(DatabaseBackend::Postgres, "SELECT count(*) AS n FROM pg_prepared_statements");
    // By all the servers that the pooler may have.
    let asked = futures_util::future::join_all((0..12).map(|_| db.reader().query_one_raw(ask.clone()))).await;
    for left in asked {
        assert_eq!(left.unwrap().unwrap().try_get::<i64>("", "n").unwrap(), 0);
    }
}
