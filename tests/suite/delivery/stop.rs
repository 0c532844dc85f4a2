//! The stop of everything: nothing starts after its answer, of any sort and in no process, and it is undone as a whole.

use std::time::Duration;

use chrono::TimeDelta;
use domain::broadcast::CampaignStatus;
use domain::error::Error;
use domain::retention::words::ContactChannel;
use serde_json::{Value as Json, json};
use service::broadcast::campaign;
use service::stop;
use tempfile::TempDir;

use super::crashes::{complete, ledger, prepare, start};
use super::fixture::{Office, names};
use super::live::field::Field;
use crate::harness::{Database, Postgres, Process, TestApp, eventually, herald, only_on, within};
use crate::retention::engine::{Bureau, email};

/// Longer than any send that was claimed before may take to start.
const SILENCE: Duration = Duration::from_millis(1_200);

#[tokio::test]
async fn no_message_starts_after_the_answer_and_all_goes_on_where_it_was() {
    let office = Office::open().await;
    let Office { on, actor, .. } = &office;
    let (running, paused) =
        (office.campaign(&names("run", 3_000), 60_000).await, office.campaign(&names("rest", 3), 6_000).await);
    office.start(paused).await;
    campaign::pause(on, actor, paused).await.unwrap();
    let worker = office.worker();
    office.start(running).await;
    within(Duration::from_mins(1), "messages go out", async || {
        if office.ledger().len() > 100 { Ok(()) } else { Err(office.ledger().len()) }
    })
    .await;
    let began = std::time::Instant::now();
    stop::stop_all(on, actor, "a wrong link").await.unwrap();
    let (took, sent) = (began.elapsed(), office.ledger().len());
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(sent < 3_000, "it was stopped in the midst of it");
    let other = office.campaign(&names("late", 3), 6_000).await;
    office.start(other).await;
    tokio::time::sleep(SILENCE).await;
    assert_eq!(office.ledger().len(), sent, "nothing starts after the answer");
    let states = async || [office.progress(running).await.status, office.progress(paused).await.status];
    let before = states().await;
    assert!(stop::resume_all(on, actor).await.unwrap() && !stop::resume_all(on, actor).await.unwrap());
    office.until(running, CampaignStatus::Completed).await;
    office.until(other, CampaignStatus::Completed).await;
    assert_eq!(before[1], states().await[1], "what was paused before is paused afterwards");
    assert_eq!(office.ledger().len(), 3_003, "each once");
    worker.stop().await;
}

#[tokio::test]
async fn accounts_start_nothing_after_the_answer() {
    let field = Field::with(2, |_, row| row.messages_per_minute = 600).await;
    let Office { on, actor, .. } = &field.office;
    let id = field.office.campaign(&names("live", 30), 600).await;
    field.office.start(id).await;
    let worker = field.worker();
    field.until("the first messages", async || field.sends().len() > 2).await;
    stop::stop_all(on, actor, "a wrong text").await.unwrap();
    let sent = field.sends().len();
    assert!(sent < 30);
    tokio::time::sleep(SILENCE).await;
    assert_eq!(field.sends().len(), sent);
    stop::resume_all(on, actor).await.unwrap();
    field.office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    field.assert_once();
}

#[tokio::test]
async fn no_step_of_a_sequence_starts_after_the_answer() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello {{ first_name }}").await;
    let sequence = bureau.sequence(vec![email(script, 0)], |_| ()).await.id;
    stop::stop_all(on, actor, "the wrong list").await.unwrap();
    for n in 0..5 {
        let lead = bureau.lead(&format!("lead{n}"), |_| ()).await;
        bureau.enroll(sequence, lead).await;
    }
    let worker = bureau.worker();
    tokio::time::sleep(SILENCE).await;
    let done = async || bureau.progress(sequence).await.steps_sent;
    assert_eq!(done().await, 0);
    stop::resume_all(on, actor).await.unwrap();
    eventually("the steps go", async || done().await == 5).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_stop_says_why_once_and_one_that_says_nothing_is_refused() {
    let office = Office::open().await;
    let Office { on, actor, .. } = &office;
    for wrong in ["", " ", "a\nb", &"x".repeat(201)] {
        assert!(matches!(stop::stop_all(on, actor, wrong).await, Err(Error::Invalid(_))), "{wrong:?}");
    }
    let first = stop::stop_all(on, actor, "first").await.unwrap();
    let second = stop::stop_all(on, actor, "second").await.unwrap();
    assert_eq!(first, second, "the first one holds");
    assert!((on.now() - first.stopped_at) < TimeDelta::minutes(5));
    let refused = stop::require_none(on).await.unwrap_err().to_string();
    assert!(refused.contains("first") && refused.contains("resumeAll"), "{refused}");
}

const EXPLAIN: &str = "query($id: ID!) { broadcastCampaign(id: $id) {
    jobs(filter: { statuses: [QUEUED] }, first: 1) { nodes { explanation { reason until } } } } }";

#[tokio::test]
async fn everybody_is_told_of_a_stop() {
    let app = TestApp::start().await;
    let (admin, operator, auditor) = (app.admin().await, app.operator().await, app.auditor().await);
    let id = prepare(&admin, &names("told", 200), 60).await;
    start(&admin, &id).await;
    let stop = "mutation { stopAll(input: { reason: \"a wrong link\" }) { stop { reason by { username } } } }";
    for who in [&operator, &auditor] {
        assert_eq!(who.query(stop, json!({})).await.code(), "FORBIDDEN");
        assert_eq!(who.query("mutation { resumeAll { hasResumed } }", json!({})).await.code(), "FORBIDDEN");
    }
    let mut watched =
        auditor.subscribe("subscription { serverUpdated { stop { reason by { username } } } }", json!({})).await;
    assert_eq!(watched.data().await["serverUpdated"]["stop"], Json::Null);
    admin.data(stop, json!({})).await;
    let told = json!({ "reason": "a wrong link", "by": { "username": "admin" } });
    assert_eq!(watched.data().await["serverUpdated"]["stop"], told);
    let info = "{ serverInfo { stop { reason by { username } } } }";
    assert_eq!(
        operator.data(info, json!({})).await["serverInfo"]["stop"],
        json!({ "reason": "a wrong link", "by": null })
    );
    let explained =
        operator.data(EXPLAIN, json!({ "id": id })).await["broadcastCampaign"]["jobs"]["nodes"][0]["explanation"]
            .clone();
    assert_eq!(explained, json!({ "reason": "STOPPED", "until": null }));
    let metrics = async || {
        let answer = app.nobody().request(reqwest::Method::GET, "/metrics").send().await.unwrap();
        answer.text().await.unwrap()
    };
    eventually("the metric says so", async || metrics().await.contains("\nherald_stopped 1")).await;
    admin.data("mutation { resumeAll { hasResumed } }", json!({})).await;
    assert_eq!(watched.data().await["serverUpdated"]["stop"], Json::Null);
    eventually("the metric says so", async || metrics().await.contains("\nherald_stopped 0")).await;
    let lines = "{ auditLogs(filter: { actions: [EVERYTHING_STOPPED, EVERYTHING_RESUMED] }) { totalCount } }";
    assert_eq!(admin.data(lines, json!({})).await["auditLogs"]["totalCount"], 2);
}

/// Runs a command beside what runs; what it said.
fn aside(command: &str, database: &Database, folder: &TempDir, arguments: &[&str]) -> String {
    let mut process = herald(command);
    process.args(arguments).arg(format!("--data-dir={}", folder.path().display())).args(database.flags());
    let output = process.arg("--log=error").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_command_stops_what_runs_beside_it() {
    let (database, folder) = (Database::create().await, TempDir::new().unwrap());
    let mut process = Process::serve(&database, folder.path(), &[]);
    let admin = process.admin().await;
    let usernames = names("cli", 600);
    let id = prepare(&admin, &usernames, 6_000).await;
    start(&admin, &id).await;
    eventually("messages go out", async || ledger(folder.path()).len() > 20).await;
    let said = aside("stop", &database, &folder, &["a wrong link"]);
    assert!(said.contains("a wrong link") && said.contains("1 broadcast campaigns"), "{said}");
    let sent = ledger(folder.path()).len();
    tokio::time::sleep(SILENCE).await;
    assert_eq!(ledger(folder.path()).len(), sent);
    let info = admin.data("{ serverInfo { stop { reason } } }", json!({})).await;
    assert_eq!(info["serverInfo"]["stop"]["reason"], "a wrong link");
    assert!(aside("resume", &database, &folder, &[]).contains("goes on"));
    assert!(aside("resume", &database, &folder, &[]).contains("Nothing was stopped"));
    complete(&admin, &id, Duration::from_mins(1)).await;
    assert_eq!(ledger(folder.path()).len(), usernames.len());
    process.kill();
}

#[tokio::test]
async fn one_process_stops_the_whole_fleet() {
    if !only_on(Postgres, "processes share a database there only") {
        return;
    }
    let (database, folders) = (Database::create().await, [TempDir::new().unwrap(), TempDir::new().unwrap()]);
    let mut api = Process::serve(&database, folders[0].path(), &["--no-worker"]);
    let mut worker = Process::worker(&database, folders[1].path(), &[]);
    let admin = api.admin().await;
    let id = prepare(&admin, &names("fleet", 600), 6_000).await;
    start(&admin, &id).await;
    eventually("messages go out", async || ledger(folders[1].path()).len() > 20).await;
    admin.data("mutation { stopAll(input: { reason: \"x\" }) { stop { at } } }", json!({})).await;
    let sent = ledger(folders[1].path()).len();
    tokio::time::sleep(SILENCE).await;
    assert_eq!(ledger(folders[1].path()).len(), sent);
    admin.data("mutation { resumeAll { hasResumed } }", json!({})).await;
    complete(&admin, &id, Duration::from_mins(1)).await;
    api.kill();
    worker.kill();
}
