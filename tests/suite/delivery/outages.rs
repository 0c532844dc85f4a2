//! A full disk, and a database that goes away and comes back: UNAVAILABLE meanwhile, and nothing lost or doubled.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::broadcast::CampaignStatus;
use domain::error::Error;
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::fixture::{Office, names};
use crate::harness::{Cable, Database, Postgres, Process, Sqlite, only_on};

#[tokio::test]
async fn heavy_a_database_that_is_away_for_ten_seconds_loses_and_doubles_nothing() {
    if !only_on(Postgres, "SQLite is a file: it does not go away") {
        return;
    }
    let mut office = Office::open().await;
    let cable = Cable::to(&office.database().server()).await;
    let direct = office.on.db.clone();
    office.on.db = office.database().by(cable.port).open(office.folder.path()).await;
    let usernames = names("outage", 3_000);
    let id = office.campaign(&usernames, 12_000).await;
    office.start(id).await;
    let worker = office.worker();
    office.until_row(id, "some sends", |row| row.sent > 300).await;

    cable.cut();
    // Longer than what was on its way takes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let refused = service::broadcast::campaign::pause(&office.on, &office.actor, id).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let during = office.ledger().len();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(office.ledger().len() < during + 500, "without leases nothing is sent");
    cable.mend();

    office.on.db = direct;
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.unknown), (3_000, 0));
    office.assert_counters(id).await;
    let ledger = office.ledger();
    assert_eq!(ledger.len(), 3_000);
    assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), 3_000);
}

/// Has each write of `table` fail with this SQLSTATE, or lets them be again.
async fn refuse_writes(office: &Office, table: &str, code: Option<&str>) {
    let sql = match code {
        Some(code) => format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
             CREATE OR REPLACE TRIGGER refuse BEFORE UPDATE ON {table} EXECUTE FUNCTION refuse()"
        ),
        None => format!("DROP TRIGGER refuse ON {table}"),
    };
    office.on.db.reader().execute_unprepared(&sql).await.expect("can be set up");
}

/// R10: nothing but the row itself is a reason to give an answer up.
#[tokio::test]
async fn answers_are_kept_while_the_database_takes_no_writes_whatever_it_says() {
    if !only_on(Postgres, "the codes are PostgreSQL's") {
        return;
    }
    let office = Office::open().await;
    let usernames = names("refused", 3_000);
    let id = office.campaign(&usernames, 12_000).await;
    office.start(id).await;
    let worker = office.worker();
    // Read-only, cancelled by a limit of the operator's, a lock's limit, an I/O error, a plan, a transaction and a statement that
    // are no more, a table that another process migrates, what nobody thought of.
    for code in ["25006", "57014", "55P03", "58030", "0A000", "25P02", "26000", "42703", "XX000"] {
        let before = office.progress(id).await.sent;
        office.until_row(id, "sends", |row| row.sent > before).await;
        refuse_writes(&office, "jobs", Some(code)).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        refuse_writes(&office, "jobs", None).await;
    }
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!((row.sent, row.unknown), (3_000, 0));
    office.assert_counters(id).await;
    let ledger = office.ledger();
    assert_eq!(ledger.len(), 3_000, "nothing twice");
    assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), 3_000);
}

#[tokio::test]
async fn a_full_disk_is_waited_for() {
    if !only_on(Sqlite, "the limit of pages is SQLite's") {
        return;
    }
    let office = Office::open().await;
    let id = office.campaign(&names("full", 2_000), 30_000).await;
    office.start(id).await;
    let pages = async |sql: &str| {
        let rows =
            office.on.db.write_alone(Statement::from_string(office.on.db.backend(), sql)).await.expect("answers");
        rows[0].try_get_by_index::<i32>(0).expect("a number")
    };
    let now = pages("PRAGMA page_count").await;
    let worker = office.worker();
    office.until_row(id, "some sends", |row| row.sent > 100).await;
    let mut refused = Ok(());
    for _ in 0..2_000 {
        // Of the connection that writes now: where the worker meets the full disk first, that is a new one.
        pages(&format!("PRAGMA max_page_count = {now}")).await;
        refused = try_template(&office).await;
        if refused.is_err() {
            break;
        }
    }
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    // The worker meets the full disk meanwhile.
    tokio::time::sleep(Duration::from_millis(500)).await;
    pages("PRAGMA max_page_count = 1000000").await;
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(row.sent, 2_000);
    office.assert_counters(id).await;
    let ledger = office.ledger();
    assert_eq!(ledger.len(), 2_000);
    assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), 2_000);
}

async fn try_template(office: &Office) -> Result<(), Error> {
    let insert = "INSERT INTO templates (id, name, content, parse_mode, usage_count, created_at, updated_at)
                  VALUES (randomblob(16), 'x', hex(randomblob(2000)), 'PLAIN', 0, '2026', '2026')";
    let statement = &Statement::from_string(office.on.db.backend(), insert);
    office.on.db.write(|tx| async move { Ok(tx.execute_raw(statement.clone()).await.map(drop)?) }).await
}

/// R24: whatever hangs, a process that is told to end has ended within ten seconds.
#[tokio::test]
async fn a_process_whose_database_hangs_ends_in_time() {
    let (database, folder) = (Database::create().await, TempDir::new().expect("a folder"));
    let mut process = Process::serve(&database, folder.path(), &[]);
    let db = database.open(folder.path()).await;
    let hangs = Arc::new(Notify::new());
    let locked = hangs.clone();
    let hanging = tokio::spawn(async move {
        let (is_postgres, locked) = (db.is_postgres(), &*locked);
        db.write(|tx| async move {
            if is_postgres {
                tx.execute_unprepared("LOCK TABLE senders IN ACCESS EXCLUSIVE MODE").await?;
            }
            locked.notify_one();
            // Longer than the process has to end.
            if is_postgres {
                tx.execute_unprepared("SELECT pg_sleep(60)").await?;
            } else {
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
            Ok(())
        })
        .await
    });
    hangs.notified().await;
    let asked = Instant::now();
    // It may have given up what hangs, with an error; it is only to end.
    tokio::task::spawn_blocking(move || process.terminate()).await.expect("no panic");
    let took = asked.elapsed();
    hanging.abort();
    assert!(took < Duration::from_secs(10), "it took {took:?}");
}
