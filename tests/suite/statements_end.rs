//! Statements end with who asked them, and nobody's keep others waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use serde_json::json;
use storage::Db;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::harness::{Database, TestApp, within};

/// Longer than any test.
fn endless(db: &Db) -> &'static str {
    if db.is_postgres() {
        "SELECT pg_sleep(600)"
    } else {
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
    }
}

/// Statements that still run: the server's, or SQLite's threads beyond those that rest.
async fn running(db: &Db) -> i64 {
    if db.is_postgres() {
        let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%'
                   AND state = 'active' AND pid <> pg_backend_pid()";
        let statement = sea_orm::Statement::from_string(db.backend(), sql);
        return db.sessions().query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap();
    }
    let mut threads = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        // One may end meanwhile.
        let name = std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default();
        threads += i64::from(name.starts_with("sqlx-sqlite"));
    }
    // The writer, and what is open for reading and for sessions.
    threads - 1 - i64::from(db.connections().open) - 1
}

#[tokio::test]
async fn a_statement_ends_with_who_asked_it_and_its_place_is_free_at_once() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let db = database.open(folder.path()).await;
    db.sessions().ping().await.unwrap();
    for _ in 0..3 {
        let all = (0..db.connections().most).map(|_| db.reader().execute_unprepared(endless(&db)));
        let all = futures_util::future::join_all(all);
        assert!(timeout(Duration::from_millis(300), all).await.is_err(), "they take long");
        let asked = Instant::now();
        db.reader().ping().await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    }
    within(Duration::from_secs(4), "nothing runs any more", async || match running(&db).await {
        ..=0 => Ok(()),
        more => Err(more),
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_given_up_is_undone_and_leaves_no_lock() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let db = database.open(folder.path()).await;
    db.reader().execute_unprepared("CREATE TABLE given_up (n integer)").await.unwrap();
    let slow = endless(&db);
    let writing = db.write(|tx| async move {
        tx.execute_unprepared("INSERT INTO given_up VALUES (1)").await?;
        Ok(tx.execute_unprepared(slow).await.map(drop)?)
    });
    assert!(timeout(Duration::from_millis(300), writing).await.is_err());
    let lock = if db.is_postgres() { "LOCK TABLE given_up IN ACCESS EXCLUSIVE MODE" } else { "SELECT 1" };
    let next = db.write(|tx| async move {
        tx.execute_unprepared(lock).await?;
        let ask = sea_orm::Statement::from_string(tx.get_database_backend(), "SELECT n FROM given_up");
        Ok(tx.query_all_raw(ask).await?.len())
    });
    assert_eq!(timeout(Duration::from_secs(4), next).await.expect("it can be locked").unwrap(), 0);
}

#[tokio::test]
async fn nobody_waits_for_the_statements_of_another_user() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let db = database.open(folder.path()).await;
    let most = usize::try_from(db.connections().most).unwrap();
    let places = |count: usize| Arc::new(Semaphore::new(count));
    let (greedy, other) =
        (db.shared(places(most - 1), places(most - 1)), db.shared(places(most - 1), places(most - 1)));
    let slow = endless(&db);
    let many: Vec<_> = (0..3 * most)
        .map(|_| {
            let greedy = greedy.clone();
            tokio::spawn(async move { greedy.reader().execute_unprepared(slow).await.map(drop) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let own = timeout(Duration::from_millis(300), greedy.reader().ping()).await;
    assert!(own.is_err(), "who asks for much waits for himself");
    timeout(Duration::from_secs(2), other.reader().ping()).await.expect("others do not wait").unwrap();
    // Who a caller is, is known whatever else runs.
    let all = (0..most).map(|_| db.reader().execute_unprepared(slow));
    let all = timeout(Duration::from_secs(3), futures_util::future::join_all(all));
    let session = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        timeout(Duration::from_secs(2), db.sessions().ping()).await.expect("it is looked up").unwrap();
    };
    drop(tokio::join!(all, session));
    many.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_search_that_no_index_answers_has_its_price() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let searches = |count: usize| {
        let fields: Vec<String> = (0..count)
            .map(|n| format!("a{n}: channels(first: 1, filter: {{ usernameContains: $text }}) {{ totalCount }}"))
            .collect();
        format!("query($text: String!) {{ {} }}", fields.join(" "))
    };
    admin.data(&searches(5), json!({ "text": "x" })).await;
    assert_eq!(admin.query(&searches(15), json!({ "text": "x" })).await.code(), "QUERY_TOO_COMPLEX");
    let plain =
        searches(15).replace("filter: { usernameContains: $text }", "filter: {}").replace("($text: String!)", "");
    admin.data(&plain, json!({})).await;
}
