//! Connections to the database that are lost without a word, stand still, lead elsewhere or take no writes: work goes on by itself
//! within ten seconds of the fault's end, nothing is lost and nothing sent twice.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use domain::broadcast::CampaignStatus;
use domain::id::BroadcastCampaignId;
use reqwest::Method;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use tempfile::TempDir;
use worker::Worker;

use super::fixture::{Office, names};
use crate::harness::{Cable, Database, Postgres, Process, only_on, within};

/// Why these tests need PostgreSQL.
const SERVER: &str = "SQLite is a file: there is no way to it that could be lost";

/// How long it may take until work moves again.
const PATIENCE: Duration = Duration::from_secs(10);

/// An office with a campaign that has begun, and a worker whose database lies behind a cable.
async fn behind_a_cable(jobs: usize, rate: i32) -> (Office, Cable, Worker, BroadcastCampaignId) {
    let mut office = Office::open().await;
    let cable = Cable::to(&office.database().server()).await;
    let id = office.campaign(&names("cut", jobs), rate).await;
    office.start(id).await;
    let behind = office.database().by(cable.port).open(office.folder.path()).await;
    let direct = std::mem::replace(&mut office.on.db, behind);
    let worker = office.worker();
    // The test itself looks past the cable.
    office.on.db = direct;
    office.until_row(id, "some sends", |row| row.sent > 200).await;
    (office, cable, worker, id)
}

/// Waits until more is sent than was by now.
async fn goes_on(office: &Office, more: usize) {
    let before = office.ledger().len();
    within(PATIENCE, "sends go on", async || {
        let sent = office.ledger().len();
        if sent >= before + more { Ok(()) } else { Err(sent) }
    })
    .await;
}

async fn all_sent_once(office: &Office, id: BroadcastCampaignId, jobs: usize) {
    let row = office.until(id, CampaignStatus::Completed).await;
    assert_eq!((usize::try_from(row.sent), row.unknown), (Ok(jobs), 0));
    office.assert_counters(id).await;
    let ledger = office.ledger();
    assert_eq!(ledger.len(), jobs, "nothing twice");
    assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), jobs);
}

#[tokio::test]
async fn heavy_connections_that_are_lost_without_a_word_stop_no_campaign() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let (office, cable, worker, id) = behind_a_cable(4_000, 12_000).await;
    for _ in 0..2 {
        cable.forget();
        // What had been leased goes out.
        tokio::time::sleep(Duration::from_secs(1)).await;
        goes_on(&office, 200).await;
    }
    all_sent_once(&office, id, 4_000).await;
    worker.stop().await;
}

#[tokio::test]
async fn heavy_a_failover_behind_one_address_stops_no_campaign() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let (office, cable, worker, id) = behind_a_cable(3_000, 12_000).await;
    // The old server's connections are lost, and for some seconds there is no new one.
    cable.forget();
    cable.stand_still();
    tokio::time::sleep(Duration::from_secs(12)).await;
    cable.go_on();
    goes_on(&office, 200).await;
    all_sent_once(&office, id, 3_000).await;
    worker.stop().await;
}

#[tokio::test]
async fn heavy_a_database_that_stands_still_stops_no_campaign() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let (office, cable, worker, id) = behind_a_cable(3_000, 12_000).await;
    cable.stand_still();
    tokio::time::sleep(Duration::from_secs(25)).await;
    cable.go_on();
    goes_on(&office, 200).await;
    all_sent_once(&office, id, 3_000).await;
    worker.stop().await;
}

#[tokio::test]
async fn heavy_one_process_that_loses_its_connections_keeps_no_job() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let (office, cable, worker, id) = behind_a_cable(3_000, 12_000).await;
    let other = office.another().await;
    let other_worker = other.worker();
    cable.forget();
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    other_worker.stop().await;
    let row = office.progress(id).await;
    assert_eq!((row.sent, row.unknown), (3_000, 0));
    office.assert_counters(id).await;
    let sent: Vec<String> = [office.ledger(), other.ledger()].concat().into_iter().map(|line| line.username).collect();
    assert_eq!((sent.len(), sent.iter().collect::<HashSet<_>>().len()), (3_000, 3_000));
}

/// A primary that was demoted, or whose provider's disk is full: sessions stay read-only after it could write again.
#[tokio::test]
async fn sessions_that_may_not_write_are_left_for_new_ones() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let office = Office::open().await;
    let id = office.campaign(&names("readonly", 2_000), 6_000).await;
    office.start(id).await;
    let worker = office.worker();
    office.until_row(id, "some sends", |row| row.sent > 100).await;
    let database = Statement::from_string(office.on.db.backend(), "SELECT current_database() AS name");
    let row = office.on.db.reader().query_one_raw(database).await.unwrap().unwrap();
    let name: String = row.try_get("", "name").unwrap();
    let direct = office.database().open(office.folder.path()).await;
    let set = async |what: &str| {
        // The one that sets it may always write.
        let sql = format!("SET default_transaction_read_only = off; ALTER DATABASE {name} {what}");
        direct.reader().execute_unprepared(&sql).await.unwrap();
    };
    set("SET default_transaction_read_only = on").await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    direct.reader().execute_unprepared(end).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    set("RESET default_transaction_read_only").await;
    goes_on(&office, 100).await;
    all_sent_once(&office, id, 2_000).await;
    worker.stop().await;
}

/// Another process migrates: what was prepared before is prepared anew, alone and in a transaction.
#[tokio::test]
async fn a_plan_that_a_migration_made_invalid_is_made_anew() {
    if !only_on(Postgres, "SQLite is of one process alone") {
        return;
    }
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let db = database.open(folder.path()).await;
    db.reader().execute_unprepared("CREATE TABLE moved (a text); INSERT INTO moved VALUES ('x')").await.unwrap();
    let ask = || Statement::from_string(db.backend(), "SELECT * FROM moved");
    let in_transaction = || db.write(|tx| async move { Ok(tx.query_all_raw(ask()).await?.len()) });
    let alone = async || db.reader().query_all_raw(ask()).await.map(|rows| rows.len());
    for kind in ["varchar(10)", "varchar(20)", "text"] {
        // Several connections know the plan.
        let (one, two) = tokio::join!(alone(), in_transaction());
        assert_eq!((one.unwrap(), two.unwrap()), (1, 1));
        db.reader().execute_unprepared(&format!("ALTER TABLE moved ALTER COLUMN a TYPE {kind}")).await.unwrap();
        if kind == "varchar(20)" {
            assert_eq!(in_transaction().await.unwrap(), 1);
        }
        assert_eq!(alone().await.unwrap(), 1);
    }
}

/// What is in flight ends in time, and a moment later everything is answered again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_an_api_whose_connections_were_lost_answers_again() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let cable = Cable::to(&database.server()).await;
    let process = Process::serve(&database.by(cable.port), folder.path(), &["--no-worker"]);
    let admin = process.admin().await;
    let until = Instant::now() + Duration::from_secs(3);
    let create = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
    let clients = (0..16).map(|number| {
        let admin = admin.clone();
        tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            for turn in 0.. {
                let asked = Instant::now();
                if number % 2 == 0 {
                    admin.query("{ channels { totalCount } viewer { id } }", json!({})).await;
                } else {
                    let input = json!({ "input": { "name": format!("t{number}-{turn}"), "content": "x" } });
                    admin.query(create, input).await;
                }
                longest = longest.max(asked.elapsed());
                if Instant::now() > until {
                    return longest;
                }
            }
            unreachable!("it returns")
        })
    });
    let clients: Vec<_> = clients.collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    cable.forget();
    let forgotten = Instant::now();
    within(PATIENCE, "it is ready again", async || {
        let answer = admin.request(Method::GET, "/readyz").send().await.unwrap();
        if answer.status() == 200 { Ok(()) } else { Err(answer.status()) }
    })
    .await;
    admin.data("{ viewer { id } }", json!({})).await;
    assert!(forgotten.elapsed() < PATIENCE, "{:?}", forgotten.elapsed());
    for client in clients {
        let longest = client.await.unwrap();
        assert!(longest < PATIENCE, "an answer took {longest:?}");
    }
    assert_eq!(admin.request(Method::GET, "/healthz").send().await.unwrap().status(), 200);
}

/// Who a caller is, is looked up within the time that a request may take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_told_in_time_that_nobody_knows_who_he_is() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let cable = Cable::to(&database.server()).await;
    let process = Process::serve(&database.by(cable.port), folder.path(), &["--no-worker", "--limit-query-time=3s"]);
    let admin = process.admin().await;
    cable.stand_still();
    let asked = Instant::now();
    let reply = admin.query("{ __typename }", json!({})).await;
    assert!(["TIMEOUT", "UNAVAILABLE"].contains(&reply.code()), "{reply:?}");
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    cable.go_on();
    within(PATIENCE, "it answers again", async || {
        let reply = admin.query("{ viewer { id } }", json!({})).await;
        if reply.errors().is_empty() { Ok(()) } else { Err(reply) }
    })
    .await;
}

/// It lives and answers questions, but whoever has something to change is better sent elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_database_takes_no_writes_is_not_ready() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let process = Process::serve(&database, folder.path(), &["--no-worker"]);
    let admin = process.admin().await;
    let db = database.open(folder.path()).await;
    let read_only = async |is_on: bool| {
        if !db.is_postgres() {
            return process.limit_files(is_on.then_some(0));
        }
        let row = db.reader().query_one_raw(Statement::from_string(db.backend(), "SELECT current_database() AS name"));
        let name: String = row.await.unwrap().unwrap().try_get("", "name").unwrap();
        let how = if is_on { "SET default_transaction_read_only = on" } else { "RESET default_transaction_read_only" };
        let sql = format!("SET default_transaction_read_only = off; ALTER DATABASE {name} {how}");
        db.reader().execute_unprepared(&sql).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        db.reader().execute_unprepared(end).await.unwrap();
    };
    let ready = async |status: u16, says: &str| {
        within(PATIENCE, "it says whether it is ready", async || {
            let answer = admin.request(Method::GET, "/readyz").send().await.unwrap();
            let (is, body) = (answer.status().as_u16(), answer.text().await.unwrap());
            if is == status && body.contains(says) { Ok(()) } else { Err(body) }
        })
        .await;
    };
    ready(200, "ready").await;
    read_only(true).await;
    ready(503, "takes no writes").await;
    assert_eq!(admin.request(Method::GET, "/healthz").send().await.unwrap().status(), 200);
    let create = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }";
    let input = json!({ "input": { "name": "x", "content": "x" } });
    assert_eq!(admin.query(create, input.clone()).await.code(), "UNAVAILABLE");
    admin.data("{ viewer { id } }", json!({})).await;
    read_only(false).await;
    ready(200, "ready").await;
    admin.data(create, input).await;
}
