//! Backups, and a database that is damaged or has room to give back.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Output;

use herald::app::Parts;
use reqwest::Method;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value as Json, json};

use crate::harness::{Client, Database, Process, Sqlite, TestApp, herald, only_on};

const BOTH: Parts = Parts { api: true, worker: true };
const CATEGORIES: &str = "{ channelCategories { category channelCount } }";

async fn fill(admin: &Client) {
    let made = "mutation($input: CreateChannelInput!) { createChannel(input: $input) { channel { id } } }";
    for name in ["kept_one", "kept_two"] {
        admin.data(made, json!({ "input": { "username": name, "category": "kept" } })).await;
    }
}

fn run(command: &str, database: &Database, data: &Path, file: &Path) -> Output {
    let mut command = herald(command);
    command.arg(file).arg(format!("--data-dir={}", data.display())).args(database.flags());
    command.output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_backup_is_made_beside_a_server_and_comes_back_into_an_empty_folder() {
    let mut app = TestApp::start().await;
    let admin = app.admin().await;
    fill(&admin).await;
    admin.upload("username\nnews\n").await;
    let (elsewhere, database) = (tempfile::tempdir().unwrap(), app.database());
    let file = elsewhere.path().join("herald.tar");
    let made = run("backup", database, &app.data_dir(), &file);
    assert!(made.status.success(), "{}", told(&made));
    assert!(told(&made).contains("HERALD_SECRET_KEY is not in it"), "{}", told(&made));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1, "nothing is left beside it");
    let again = run("backup", database, &app.data_dir(), &file);
    assert!(!again.status.success() && told(&again).contains("is there already"), "{}", told(&again));
    let inside = run("backup", database, &app.data_dir(), &app.data_dir().join("herald.tar"));
    assert!(!inside.status.success() && told(&inside).contains("lost with it"), "{}", told(&inside));

    let used = run("restore", database, &app.data_dir(), &file);
    assert!(!used.status.success() && told(&used).contains("another herald uses the folder"), "{}", told(&used));
    let full = elsewhere.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("letter"), "x").unwrap();
    let refused = run("restore", database, &full, &file);
    assert!(!refused.status.success(), "{}", told(&refused));
    assert!(
        told(&refused).contains("is not empty") || told(&refused).contains("a folder of its own"),
        "{}",
        told(&refused)
    );

    let back = elsewhere.path().join("back");
    let restored = run("restore", database, &back, &file);
    assert!(restored.status.success(), "{}", told(&restored));
    let uploads = |folder: &Path| std::fs::read_dir(folder.join("uploads")).unwrap().flatten().count();
    assert_eq!(uploads(&back), uploads(&app.data_dir()));
    if database.is_postgres() {
        assert!(told(&made).contains("pg_dump") && !back.join("herald.db").exists(), "{}", told(&made));
        return;
    }
    // The original still works on this machine.
    let beside = herald("serve").arg(format!("--data-dir={}", back.display())).arg("--telegram=simulated").output();
    assert!(told(&beside.unwrap()).contains("another herald on this machine"));
    let database = database.clone();
    app.stop().await;
    let process = Process::serve(&database, &back, &[]);
    let admin = process.admin().await;
    let seen = admin.data(CATEGORIES, json!({})).await["channelCategories"].clone();
    assert_eq!(seen, json!([{ "category": "kept", "channelCount": 2 }]));
    let lines = "{ auditLogs(filter: { actions: [DATABASE_RESTORED] }) { nodes { id } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 1, "a restored folder says so by itself");
}

#[tokio::test]
async fn a_cut_off_backup_is_refused() {
    let app = TestApp::api_only().await;
    fill(&app.admin().await).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("herald.tar");
    assert!(run("backup", app.database(), &app.data_dir(), &file).status.success());
    let whole = std::fs::read(&file).unwrap();
    let cut = elsewhere.path().join("cut.tar");
    // The last file, and the end: whole blocks, as if it had never had more.
    std::fs::write(&cut, &whole[..whole.len() - 2_048]).unwrap();
    let back = elsewhere.path().join("back");
    let refused = run("restore", app.database(), &back, &cut);
    assert!(!refused.status.success() && told(&refused).contains("cut off"), "{}", told(&refused));
    assert!(!back.join("herald.db").exists());
}

/// What tar itself does not notice: a byte of an upload that is another one.
#[tokio::test]
async fn a_backup_that_was_changed_on_its_way_is_refused() {
    let app = TestApp::start().await;
    app.admin().await.upload("username\nthe_letter_that_changes\n").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("herald.tar");
    assert!(run("backup", app.database(), &app.data_dir(), &file).status.success());
    let mut bytes = std::fs::read(&file).unwrap();
    let mark = b"the_letter_that_changes";
    let at = bytes.windows(mark.len()).position(|window| window == mark).expect("the upload is in it");
    bytes[at] = b'T';
    std::fs::write(&file, bytes).unwrap();
    let back = elsewhere.path().join("back");
    let refused = run("restore", app.database(), &back, &file);
    assert!(!refused.status.success() && told(&refused).contains("is not as it was written"), "{}", told(&refused));
    assert!(!back.join("herald.db").exists(), "nobody works with it");
}

async fn readiness(app: &TestApp) -> (u16, Json) {
    let ready = app.nobody().request(Method::GET, "/readyz").send().await.unwrap();
    (ready.status().as_u16(), ready.json().await.unwrap())
}

#[tokio::test]
async fn from_a_damaged_database_nothing_is_sent() {
    if !only_on(Sqlite, "PostgreSQL looks after its own pages") {
        return;
    }
    let mut app = TestApp::start().await;
    assert_eq!(readiness(&app).await.0, 200);
    let db = &app.services().db;
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = 'conversion_rule_checks'";
    let row = db.reader().query_one_raw(Statement::from_string(db.backend(), sql)).await.unwrap().unwrap();
    let page: i64 = row.try_get("", "rootpage").unwrap();
    app.stop().await;
    let file = std::fs::OpenOptions::new().write(true).open(app.data_dir().join("herald.db")).unwrap();
    file.write_all_at(&[0xa5; 4_096], u64::try_from((page - 1) * 4_096).unwrap()).unwrap();
    app.restart(BOTH).await;
    let (status, told) = readiness(&app).await;
    assert_eq!(status, 503);
    assert!(told["reason"].as_str().unwrap().contains("the database is damaged"), "{told}");
    let stopped = app.admin().await.data("{ serverInfo { stop { reason } } }", json!({})).await["serverInfo"].clone();
    assert!(stopped["stop"]["reason"].as_str().unwrap().contains("damaged"), "{stopped}");
}

#[tokio::test]
async fn a_file_is_compacted_while_nothing_runs() {
    if !only_on(Sqlite, "PostgreSQL has a command of its own") {
        return;
    }
    let mut app = TestApp::api_only().await;
    let command = || herald("compact").arg(format!("--data-dir={}", app.data_dir().display())).output().unwrap();
    let refused = command();
    assert!(
        !refused.status.success() && told(&refused).contains("another herald uses the folder"),
        "{}",
        told(&refused)
    );
    app.stop().await;
    let command = || herald("compact").arg(format!("--data-dir={}", app.data_dir().display())).output().unwrap();
    let done = command();
    assert!(done.status.success() && told(&done).contains("MiB now"), "{}", told(&done));
    app.restart(Parts { api: true, worker: false }).await;
    app.admin().await;
}
