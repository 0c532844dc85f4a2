//! `herald check`: each contradiction is found, mended, and found no more; where nothing is wrong, nothing is found.

use std::fs::File;
use std::process::Output;
use std::sync::Mutex;
use std::time::Duration;

use domain::audit::Action;
use domain::broadcast::CampaignStatus;
use domain::id::UploadId;
use domain::retention::words::ContactChannel;
use sea_orm::sqlx::{self, ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};
use serde_json::json;
use service::Services;
use service::check::{self, Finding, Mending};
use storage::broadcast::upload;

use crate::delivery::fixture::{Office, names};
use crate::harness::{TestApp, herald};
use crate::retention::engine::{Bureau, email};

/// Changes the database behind the back of its keys and triggers.
async fn behind_its_back(on: &Services, sql: &str) {
    if let Some(file) = on.db.file() {
        let options = SqliteConnectOptions::new().filename(file).foreign_keys(false);
        let mut alone = options.connect().await.unwrap();
        let sql = sql.replace("{json}", "'{}'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut alone).await.unwrap();
        alone.close().await.unwrap();
        return;
    }
    let sql =
        &format!("SET LOCAL session_replication_role = replica; {}", sql.replace("{json}", "CAST('{}' AS jsonb)"));
    on.db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await.unwrap();
}

async fn look(on: &Services, mends: bool) -> Vec<Finding> {
    let found = Mutex::new(Vec::new());
    let tell = |finding: &Finding| found.lock().unwrap().push(finding.clone());
    Box::pin(check::run(on, None, true, mends, &tell)).await.unwrap();
    found.into_inner().unwrap()
}

/// An installation that has sent messages and contacts, and has a batch that nobody uses.
async fn scene() -> Bureau {
    let office = Office::open().await;
    let mut campaigns = Vec::new();
    for prefix in ["alpha", "bravo"] {
        campaigns.push(office.campaign(&names(prefix, 30), 1_000_000).await);
        office.start(campaigns[campaigns.len() - 1]).await;
    }
    office.batch(&names("lonely", 20)).await;
    let bureau = Bureau::of(office, "2026-10-21T07:00:00Z", 4 * 24 * 3600).await;
    let script = bureau.script(ContactChannel::Email, "Hello {{ first_name }}").await;
    let campaign = bureau.campaign(|_| ()).await;
    let sequence = bureau.sequence(vec![email(script, 0), email(script, 1)], |new| new.campaign = Some(campaign)).await;
    for n in 0..5 {
        let lead = bureau.lead(&format!("lead{n}"), |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
    }
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    for id in campaigns {
        bureau.office.until(id, CampaignStatus::Completed).await;
    }
    worker.stop().await;
    bureau
}

/// What is done to a database, one after the other, and what is found then.
const FAULTS: [(&str, &str); 15] = [
    (
        "UPDATE broadcast_campaign_progress SET sent = sent - 1, failed = failed + 1",
        "2 broadcast campaigns have counters that their jobs belie",
    ),
    ("UPDATE batches SET channel_count = channel_count + 3", "3 batches have another number of channels than they say"),
    (
        "UPDATE sequence_progress SET steps_sent = steps_sent + 2, active = active + 1",
        "1 sequences have counters that their enrollments or steps belie",
    ),
    (
        "DELETE FROM time_notes WHERE what = 'contact_attempts'",
        "sums over time of contact_attempts are not what the rows come to",
    ),
    ("UPDATE time_notes SET n = n + 5 WHERE what = 'jobs'", "sums over time of jobs are not what the rows come to"),
    (
        "INSERT INTO conversion_credits (conversion_id, seen_version, lead_id, attribution) SELECT id, 1, id, {json} FROM leads",
        "credit of 5 conversions was computed by a task that is gone",
    ),
    ("DELETE FROM sequence_progress", "1 rows of retention_sequences name a id that sequence_progress does not have"),
    (
        "DELETE FROM channels WHERE username = 'lonely_0001'",
        "1 rows of batch_channels name a channel_id that channels does not have",
    ),
    (
        "DELETE FROM batches WHERE id NOT IN (SELECT batch_id FROM broadcast_campaigns)",
        "19 rows of batch_channels name a batch_id that batches does not have",
    ),
    (
        "DELETE FROM sequence_enrollments WHERE id = (SELECT id FROM sequence_enrollments ORDER BY id LIMIT 1)",
        "2 rows of sequence_step_executions name a enrollment_id that sequence_enrollments does not have",
    ),
    (
        "DELETE FROM leads WHERE id = (SELECT lead_id FROM contact_attempts ORDER BY id LIMIT 1)",
        "2 rows of contact_attempts name a lead_id that leads does not have",
    ),
    ("DELETE FROM scripts", "rows of contact_attempts name a script_id that scripts does not have"),
    (
        "DELETE FROM retention_sequences",
        "rows of sequence_enrollments name a sequence_id that retention_sequences does not have",
    ),
    (
        "DELETE FROM broadcast_campaigns WHERE id = (SELECT id FROM broadcast_campaigns ORDER BY id LIMIT 1)",
        "30 jobs of 1 broadcast campaigns that are gone are left",
    ),
    ("UPDATE retention_campaigns SET deleted_at = created_at", "1 deleted campaigns, sequences or scripts are left"),
];

#[tokio::test]
async fn each_contradiction_is_found_mended_and_found_no_more() {
    let bureau = scene().await;
    let on = &bureau.office.on;
    assert_eq!(look(on, false).await, [], "nothing is wrong yet");
    for (done, (fault, told)) in FAULTS.iter().enumerate() {
        behind_its_back(on, fault).await;
        let found = look(on, false).await;
        assert!(found.iter().any(|finding| finding.found.contains(told)), "{fault}: {found:?}");
        let mended = look(on, true).await;
        assert!(mended.iter().all(|finding| matches!(finding.cure, Mending::Done(_))), "{fault}: {mended:?}");
        assert_eq!(look(on, false).await, [], "after {fault} was mended");
        assert!(bureau.office.audited(Action::DatabaseMended).await > done, "{fault}");
    }
}

#[tokio::test]
async fn sums_of_longer_spans_and_tallies_are_compared_too() {
    let bureau = scene().await;
    let on = &bureau.office.on;
    assert!(storage::sums::add_some(&on.db).await.unwrap());
    assert_eq!(look(on, false).await, []);
    let tallies = "UPDATE tallies SET n = n + 1 WHERE what = 'contact_attempts'";
    let spans = "UPDATE time_sums SET n = n + 1, micros = 7 WHERE span = 3600";
    for fault in [spans, tallies].iter().take(if on.db.is_postgres() { 2 } else { 1 }) {
        behind_its_back(on, fault).await;
        assert_eq!(look(on, false).await.len(), 1, "{fault}");
        look(on, true).await;
        assert_eq!(look(on, false).await, [], "{fault}");
    }
    behind_its_back(on, "UPDATE time_sums SET n = n + 1 WHERE span = 900").await;
    assert!(!look(on, true).await.is_empty());
    // What was noted is in the longer spans with the next notes that are added up.
    assert!(storage::sums::add_some(&on.db).await.unwrap());
    look(on, true).await;
    assert_eq!(look(on, false).await, []);
}

#[tokio::test]
async fn files_and_uploads_that_belong_to_nothing_are_found() {
    let office = Office::open().await;
    let on = &office.on;
    let folder = service::imports::upload::folder(&on.rules.data_dir);
    std::fs::create_dir_all(&folder).unwrap();
    let old = |name: String| {
        let file = File::create(folder.join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_hours(2)).unwrap();
    };
    old(UploadId::generate().to_string());
    File::create(folder.join(UploadId::generate().to_string())).unwrap();
    let row = upload::Model {
        id: UploadId::generate(),
        user_id: office.actor.who.user().unwrap(),
        node_id: on.node,
        bytes: 1,
        created_at: on.now(),
        used_at: None,
        name: None,
        mime_type: None,
    };
    upload::Entity::insert(row.into_active_model()).exec_without_returning(on.db.reader()).await.unwrap();
    let found: Vec<String> = look(on, false).await.into_iter().map(|finding| finding.found).collect();
    assert_eq!(
        found,
        ["1 files of uploads are there that no upload names", "1 uploads that nothing uses have no file"]
    );
    look(on, true).await;
    assert_eq!(look(on, false).await, []);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a file that has just come may be an upload soon");
}

/// Everything that is counted changes all the time, and mending is asked for all the time.
#[tokio::test]
async fn nothing_is_found_where_all_are_at_work() {
    let mut office = Office::open().await;
    office.rule(|rules| rules.at_once = 500);
    let bureau = Bureau::of(office, "2026-10-21T07:00:00Z", 4 * 24 * 3600).await;
    let on = &bureau.office.on;
    let script = bureau.script(ContactChannel::Email, "Hello {{ first_name }}").await;
    let sequence = bureau.sequence(vec![email(script, 0); 5], |_| ()).await;
    for n in 0..60 {
        let lead = bureau.lead(&format!("lead{n}"), |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
    }
    let usernames = names("busy", 1_500);
    let first = bureau.office.campaign(&usernames, 60_000).await;
    let batch = bureau.office.batch_of(first).await;
    let second = bureau.office.campaign_of(batch, 1_000_000).await;
    let worker = bureau.worker();
    bureau.office.start(first).await;
    let mut looks = 0;
    let work = async {
        bureau.office.start(second).await;
        bureau.office.until(second, CampaignStatus::Completed).await;
        bureau.office.until(first, CampaignStatus::Completed).await;
        bureau.finish(sequence.id).await;
    };
    let watch = async {
        loop {
            assert_eq!(look(on, looks % 2 == 1).await, [], "look {looks}");
            looks += 1;
        }
    };
    tokio::select! {
        () = work => {}
        () = watch => {}
    }
    worker.stop().await;
    assert!(looks > 1, "{looks}");
    assert_eq!(look(on, false).await, []);
}

fn run(app: &TestApp, more: &[&str]) -> Output {
    let mut command = herald("check");
    command.arg(format!("--data-dir={}", app.data_dir().display())).args(app.database().flags()).args(more);
    command.output().unwrap()
}

#[tokio::test]
async fn the_command_works_beside_a_server_and_tells_by_its_status() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let made = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id } } }";
    admin.data(made, json!({ "input": { "name": "Some", "all": true, "allowEmpty": true } })).await;
    let told = |output: &Output| {
        let text = [output.stdout.clone(), output.stderr.clone()].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (status, text) = told(&run(&app, &[]));
    assert_eq!((status, text.contains("Nothing contradicts itself")), (Some(0), true), "{text}");
    behind_its_back(app.services(), "UPDATE batches SET channel_count = 7").await;
    let (status, text) = told(&run(&app, &[]));
    assert_eq!(
        (status, text.contains("wrong    1 batches") && text.contains("--fix counts")),
        (Some(1), true),
        "{text}"
    );
    let (status, text) = told(&run(&app, &["--fix"]));
    assert_eq!((status, text.contains("mended   1 batches")), (Some(0), true), "{text}");
    assert_eq!(told(&run(&app, &[])).0, Some(0));
    let lines = "{ auditLogs(filter: { actions: [DATABASE_MENDED] }) { nodes { severity metadata } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!(lines[0]["severity"], "WARNING", "{lines}");
    let elsewhere = tempfile::tempdir().unwrap();
    let nothing = herald("check").arg(format!("--data-dir={}", elsewhere.path().display())).output().unwrap();
    assert_eq!(told(&nothing).0, Some(2), "{:?}", told(&nothing));
}
