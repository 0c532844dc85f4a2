//! Several processes on one PostgreSQL and one Redis.

use domain::clock::{Clock, Sample, SystemClock};
use domain::id::UserId;
use herald::app::Parts;
use serde_json::json;
use service::access::chain;

use crate::harness::{Database, PASSWORD, Postgres, Process, TestApp, eventually, only_on};

/// Why these tests need PostgreSQL.
const FLEET: &str = "a folder with SQLite has one process";
const API: Parts = Parts { api: true, worker: false };

#[tokio::test]
async fn what_one_process_does_the_others_know_at_once() {
    if !only_on(Postgres, FLEET) {
        return;
    }
    let here = TestApp::api_only().await;
    let there = here.join(&[], API).await;
    let auditor = here.auditor().await.at(there.url());
    let viewer = auditor.data("{ viewer { id } }", json!({})).await;
    let mut lines = auditor.subscribe("subscription { auditLogged { action } }", json!({})).await;
    lines.begun(&here.admin().await).await;
    here.admin().await;
    assert_eq!(lines.data().await["auditLogged"]["action"], "USER_LOGIN");

    let delete = "mutation($id: ID!) { deleteUser(input: { id: $id }) { user { id } } }";
    here.admin().await.data(delete, json!({ "id": viewer["viewer"]["id"] })).await;
    // As soon as the event has come through Redis.
    let viewer = async || auditor.query("{ viewer { id } }", json!({})).await.code() == "UNAUTHENTICATED";
    eventually("the other process knows", viewer).await;
    while lines.next().await.is_some() {}
}

#[tokio::test]
async fn two_sealers_make_one_chain() {
    if !only_on(Postgres, FLEET) {
        return;
    }
    let here = TestApp::api_only().await;
    let there = here.join(&[], API).await;
    let logins = (0..20).map(async |number| {
        let by = if number % 2 == 0 { &here } else { &there };
        by.nobody().login("admin", PASSWORD).await;
    });
    futures_util::future::join_all(logins).await;
    let db = &here.services().db;
    eventually("all lines are sealed", async || chain::verify(db, None).await.unwrap().unsealed == 0).await;
    let report = chain::verify(db, None).await.unwrap();
    assert!(report.broken.is_none() && report.sound >= 20, "{report:?}");
}

#[tokio::test]
async fn wrong_passwords_count_wherever_they_are_tried() {
    if !only_on(Postgres, FLEET) {
        return;
    }
    let here = TestApp::api_only().await;
    let there = here.join(&[], API).await;
    for number in 0..10 {
        let by = if number % 2 == 0 { &here } else { &there };
        assert_eq!(by.nobody().login("admin", "another password").await.code(), "WRONG_CREDENTIALS");
    }
    for by in [&here, &there] {
        assert_eq!(by.nobody().login("admin", PASSWORD).await.code(), "RATE_LIMITED");
    }
}

#[tokio::test]
async fn processes_that_start_at_once_migrate_once() {
    if !only_on(Postgres, FLEET) {
        return;
    }
    let database = Database::create().await;
    let starts = (0..3).map(|number| {
        let database = database.shared();
        tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().unwrap();
            // The last one has no API.
            match number {
                2 => (Process::worker(&database, folder.path(), &[]), folder),
                _ => (Process::serve(&database, folder.path(), &[]), folder),
            }
        })
    });
    let mut processes: Vec<_> = futures_util::future::try_join_all(starts).await.unwrap();
    processes[0].0.admin().await;
    for (process, _) in &mut processes {
        assert!(process.terminate());
    }
}

#[tokio::test]
async fn a_database_that_a_newer_version_has_used_is_refused_in_words() {
    let herald = TestApp::api_only().await;
    let db = &herald.services().db;
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_of_a_newer_version', 0)";
    db.write_alone(sea_orm::Statement::from_string(db.backend(), sql)).await.unwrap();
    for refusal in [db.missing_migrations().await.map(drop), db.migrate().await.map(drop)] {
        let told = refusal.unwrap_err().to_string();
        assert!(told.contains("a newer Herald has used this database"), "{told}");
        assert!(told.contains("m20990101_000001_of_a_newer_version"), "{told}");
    }
    let ready = herald.nobody().request(reqwest::Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let reason = ready.json::<serde_json::Value>().await.unwrap()["reason"].to_string();
    assert!(reason.contains("a newer Herald has used the database") && reason.contains("m20990101"), "{reason}");
}

#[tokio::test]
async fn a_process_that_only_answers_goes_by_the_databases_time_too() {
    if !only_on(Postgres, FLEET) {
        return;
    }
    let mut here = TestApp::api_only().await;
    here.database().has_own_time().await;
    here.restart(API).await;
    let there = here.join(&[], API).await;
    for seconds in [1_000, -1_000] {
        here.database().step(seconds).await;
        // Both are asked to look at once; without that it is ten seconds.
        for one in [&here, &there] {
            one.services().db.doubt();
            eventually("its clock follows", async || {
                let on = one.services();
                on.db.compare(|| on.clock.nanos()).await.unwrap().ahead.abs() < 1_000_000_000
            })
            .await;
        }
        let tokens = here.admin().await;
        assert!(tokens.at(there.url()).query("{ viewer { id } }", json!({})).await.errors().is_empty());
    }
}

#[tokio::test]
async fn ids_sort_by_the_time_of_the_fleet() {
    let machine = SystemClock::new();
    let (before, clock) = (UserId::generate(), SystemClock::new());
    let made = |id: UserId| i64::try_from(id.0.get_timestamp().unwrap().to_unix().0).unwrap();
    for seconds in [600, -600, -5] {
        clock.steer(Sample { ahead: seconds * 1_000_000_000, error: 0 });
        let (first, second) = (UserId::generate(), UserId::generate());
        assert!((made(first) - clock.nanos() / 1_000_000_000).abs() <= 1, "after a step of {seconds} s");
        assert!(first < second);
    }
    assert!(made(before) >= machine.nanos() / 1_000_000_000 - 1);
}
