//! A database that was restored or copied: nobody gets anything twice, and what may be missing is named.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use domain::broadcast::{CampaignStatus, JobStatus};
use domain::clock::{Clock, SystemClock, VirtualClock};
use domain::life::Outside;
use domain::retention::words::{ContactChannel, RetentionSequenceStatus};
use herald::app::Parts;
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};
use service::broadcast::campaign;
use service::{Services, life, retention};
use storage::Noun;
use storage::broadcast::campaign as campaigns;
use storage::retention::{sequence, sequence_progress};

use crate::accounts::campaigns::{campaign as new_campaign, run};
use crate::accounts::{added, mutate};
use crate::delivery::fixture::{Office, names};
use crate::harness::telegram::TelegramServer;
use crate::harness::{Client, Database, Process, Sqlite, TestApp, eventually, herald, only_on};
use crate::retention::engine::{Bureau, email};
use crate::retention::rows;

const BOTH: Parts = Parts { api: true, worker: true };
const CHANNELS: usize = 40;
const CAMPAIGN: &str = "query($id: ID!) { broadcastCampaign(id: $id) {
    status pausedBy pauseReason counters { total queued sent failed unknown } } }";

async fn shown(admin: &Client, id: &Json) -> Json {
    admin.data(CAMPAIGN, json!({ "id": id })).await["broadcastCampaign"].clone()
}

/// Channels that got a message twice.
fn twice(telegram: &TelegramServer) -> Vec<String> {
    let mut received = HashMap::<String, usize>::new();
    for message in telegram.accepted() {
        *received.entry(message.username).or_default() += 1;
    }
    received.into_iter().filter(|(_, times)| *times > 1).map(|(name, _)| name).collect()
}

/// A campaign that runs, was dumped when some of it was sent, and went on; the process has ended.
async fn sent_on(telegram: &TelegramServer) -> (TestApp, Database, Json) {
    let mut app = TestApp::live(telegram, &[], BOTH).await;
    let admin = app.admin().await;
    let account = added(&admin, telegram, 0).await;
    mutate(&admin, "updateTelegramAccount", json!({ "id": account["id"], "messagesPerMinute": 6000 })).await.data();
    let made = new_campaign(&admin, CHANNELS, json!({ "deliveryRate": 600 })).await;
    let id = made.data()["createBroadcastCampaign"]["campaign"]["id"].clone();
    run(&admin, "startBroadcastCampaign", json!({ "id": id })).await.data();
    eventually("some are sent", async || telegram.accepted().len() >= 8).await;
    app.stop().await;
    let dump = app.database().dump(&app.data_dir()).await;
    let before = telegram.accepted().len();
    app.restart(BOTH).await;
    eventually("it is sent on", async || telegram.accepted().len() >= before + 8).await;
    app.stop().await;
    assert!(telegram.accepted().len() < CHANNELS, "some are left");
    (app, dump, id)
}

async fn nobody_gets_it_twice(forgets: bool) {
    let telegram = TelegramServer::start(1).await;
    let (mut app, dump, id) = sent_on(&telegram).await;
    app.database().restore(&dump, &app.data_dir()).await;
    if forgets {
        telegram.forget_random_ids();
    }
    let before = telegram.accepted().len();
    app.restart(BOTH).await;
    let admin = app.admin().await;
    let paused = shown(&admin, &id).await;
    assert_eq!((&paused["status"], &paused["pausedBy"]), (&json!("PAUSED"), &json!("HERALD")), "{paused}");
    assert!(paused["pauseReason"].as_str().unwrap().contains("the database was restored"), "{paused}");
    let lines = "{ auditLogs(filter: { actions: [DATABASE_RESTORED] }) { nodes { severity metadata } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["severity"]), (1, &json!("WARNING")), "{lines}");
    assert_eq!(telegram.accepted().len(), before, "nothing is sent until somebody wants it");
    run(&admin, "resumeBroadcastCampaign", json!({ "id": id })).await.data();
    eventually("it is complete", async || shown(&admin, &id).await["status"] == "COMPLETED").await;
    let ended = shown(&admin, &id).await;
    assert_eq!((twice(&telegram), telegram.accepted().len()), (Vec::new(), CHANNELS), "{ended}");
    assert_eq!(ended["counters"]["sent"], json!(CHANNELS), "{ended}");
    // Once it is known, it is over: the next start is an ordinary one.
    app.restart(BOTH).await;
    let lines = "{ auditLogs(filter: { actions: [DATABASE_RESTORED] }) { nodes { id } } }";
    let lines = app.admin().await.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn after_a_restore_nobody_gets_it_twice_from_a_telegram_that_remembers_random_ids() {
    Box::pin(nobody_gets_it_twice(false)).await;
}

#[tokio::test]
async fn after_a_restore_nobody_gets_it_twice_from_a_telegram_that_has_forgotten_random_ids() {
    Box::pin(nobody_gets_it_twice(true)).await;
}

/// What was sent before the first restore is looked for after the second one, too.
#[tokio::test]
async fn after_two_restores_nobody_gets_it_twice() {
    let telegram = TelegramServer::start(1).await;
    let (mut app, dump, id) = sent_on(&telegram).await;
    app.database().restore(&dump, &app.data_dir()).await;
    drop(dump);
    telegram.forget_random_ids();
    app.restart(BOTH).await;
    app.stop().await;
    // Before anybody has let the campaign go on.
    let dump = app.database().dump(&app.data_dir()).await;
    app.restart(BOTH).await;
    app.stop().await;
    app.database().restore(&dump, &app.data_dir()).await;
    app.restart(BOTH).await;
    let admin = app.admin().await;
    let lines = "{ auditLogs(filter: { actions: [DATABASE_RESTORED] }) { nodes { id } } }";
    let lines = admin.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 2, "each of them is recognised");
    assert_eq!(shown(&admin, &id).await["status"], "PAUSED");
    run(&admin, "resumeBroadcastCampaign", json!({ "id": id })).await.data();
    eventually("it is complete", async || shown(&admin, &id).await["status"] == "COMPLETED").await;
    assert_eq!((twice(&telegram), telegram.accepted().len()), (Vec::new(), CHANNELS));
    app.stop().await;
}

/// As long as a restored campaign is in doubt, what can't be known is named, and not sent.
#[tokio::test]
async fn after_a_restore_what_a_history_is_too_long_to_tell_is_unknown() {
    let telegram = TelegramServer::start(1).await;
    let (mut app, dump, id) = sent_on(&telegram).await;
    app.database().restore(&dump, &app.data_dir()).await;
    telegram.forget_random_ids();
    let before = telegram.accepted().len();
    let sent: Vec<String> = telegram.accepted().into_iter().map(|message| message.username).collect();
    for channel in 0..CHANNELS {
        telegram.chatter(&format!("channel_{channel}"), 301);
    }
    app.restart(BOTH).await;
    let admin = app.admin().await;
    run(&admin, "resumeBroadcastCampaign", json!({ "id": id })).await.data();
    eventually("it is complete", async || shown(&admin, &id).await["status"] == "COMPLETED").await;
    let ended = shown(&admin, &id).await;
    let known = ended["counters"]["sent"].as_u64().unwrap();
    let unknown = ended["counters"]["unknown"].as_u64().unwrap();
    assert_eq!(usize::try_from(known + unknown).unwrap(), CHANNELS, "{ended}");
    assert!(unknown > 0 && usize::try_from(known).unwrap() < sent.len(), "{ended}");
    let posts = telegram.accepted().into_iter().filter(|message| message.text.starts_with("Hello")).count();
    assert_eq!(posts, before, "nothing is sent of which nobody knows whether it was");
    app.stop().await;
}

/// Whoever lets it know that nothing was done in between gets no pause.
#[tokio::test]
async fn whoever_restores_says_what_he_knows_better() {
    let telegram = TelegramServer::start(1).await;
    let (mut app, dump, id) = sent_on(&telegram).await;
    let server = format!("--telegram-server={}", telegram.address());
    let with = |answer: &[&'static str]| -> Vec<String> {
        let flags = ["--telegram=live", "--telegram-api-id=1", &server];
        flags.iter().chain(answer).map(ToString::to_string).collect()
    };
    app.database().restore(&dump, &app.data_dir()).await;
    let flags = with(&["--after-restore=no"]);
    app.start_with(&flags.iter().map(String::as_str).collect::<Vec<_>>(), BOTH).await;
    let admin = app.admin().await;
    assert_ne!(shown(&admin, &id).await["status"], "PAUSED");
    app.stop().await;
    let flags = with(&["--after-restore"]);
    app.start_with(&flags.iter().map(String::as_str).collect::<Vec<_>>(), BOTH).await;
    let now = shown(&app.admin().await, &id).await["status"].clone();
    assert!(now == "PAUSED" || now == "COMPLETED", "{now}");
    app.stop().await;
}

fn restored() -> Outside {
    Outside { is_told: true, ..Outside::default() }
}

/// What is scheduled, what has not begun and what waits for leads.
#[tokio::test]
async fn a_restored_database_starts_nothing_by_itself() {
    let office = Office::open().await;
    let on = &office.on;
    let at = on.now() + TimeDelta::hours(1);
    let scheduled = office.campaign_with(&names("later", 2), 600, |new| new.scheduled_at = Some(at)).await;
    let waiting = office.campaign(&names("never", 2), 600).await;
    let row = &rows::sequence(on.now());
    let write = on.db.write(|tx| async move {
        sequence::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await?;
        let progress = sequence_progress::Model::new(row.id).into_active_model();
        sequence_progress::Entity::insert(progress).exec_without_returning(&*tx).await?;
        sequence_progress::Entity::enter(row.id, RetentionSequenceStatus::Active).exec(&*tx).await?;
        Ok(())
    });
    write.await.unwrap();
    let present = life::begin(on, &restored(), false).await.unwrap();

    let missed = campaigns::Entity::get(on.db.reader(), scheduled).await.unwrap();
    assert!(missed.schedule_missed_at.is_some());
    assert!(missed.schedule_missed_reason.unwrap().contains("restored"));
    let paused = sequence::Entity::get(on.db.reader(), row.id).await.unwrap();
    assert_eq!(paused.status, RetentionSequenceStatus::Paused);
    assert!(paused.pause_reason.unwrap().contains("restored"));
    // It was started, perhaps, and is started again by somebody who does not know.
    office.start(waiting).await;
    assert!(office.jobs(waiting).await.iter().all(|job| job.sought_since.is_some() && job.status == JobStatus::Queued));

    // What was resumed goes on after the next start, in this process and in one that has seen the life before.
    campaign::pause(on, &office.actor, waiting).await.unwrap();
    campaign::resume(on, &office.actor, waiting).await.unwrap();
    for marks in [vec![present.mark()], Vec::new()] {
        let outside = Outside { marks, ..Outside::default() };
        let again = life::begin(on, &outside, false).await.unwrap();
        assert_eq!(again.mark().life, present.mark().life);
        let row = campaigns::Entity::get(on.db.reader(), waiting).await.unwrap();
        assert_eq!(row.status, CampaignStatus::Running);
    }
    let lives = life::lives(on).await.unwrap();
    assert_eq!(lives.len(), 1, "a database without a life has begun one as a restored one");
    assert_eq!(retention::sequence::pause_all(on, "again").await.unwrap(), 0);
    assert_eq!(office.audited(domain::audit::Action::RetentionSequencePaused).await, 1);
}

/// What an email had reached after the dump waits for a person; what begins afterwards goes out.
#[tokio::test]
async fn after_a_restore_steps_wait_for_a_person() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", 4 * 24 * 3600).await;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let sequence = bureau.sequence(vec![email(script, 0)], |_| ()).await;
    let lead = bureau.lead("ann", |_| ()).await;
    bureau.enroll(sequence.id, lead).await;
    let data = bureau.office.folder.path();
    let database = bureau.office.database();
    let again = async || Bureau { office: bureau.office.another().await };
    bureau.office.on.db.clone().close().await.unwrap();
    let dump = database.dump(data).await;

    let sent = again().await;
    let worker = sent.worker();
    sent.finish(sequence.id).await;
    worker.stop().await;
    assert_eq!(sent.taken().values().sum::<usize>(), 1);
    sent.office.on.db.clone().close().await.unwrap();
    database.restore(&dump, data).await;

    let restored_one = again().await;
    let before = restored_one.taken().values().sum::<usize>();
    let on = &restored_one.office.on;
    life::begin(on, &restored(), false).await.unwrap();
    let worker = restored_one.worker();
    let other = restored_one.sequence(vec![email(script, 0)], |new| new.name = "New".into()).await;
    restored_one.enroll(other.id, restored_one.lead("bob", |_| ()).await).await;
    restored_one.finish(other.id).await;
    assert_eq!(restored_one.taken().values().sum::<usize>(), before + 1, "only what was begun since");
    let waits = restored_one.progress(sequence.id).await;
    assert_eq!((waits.steps_scheduled, waits.steps_sent), (1, 0), "{waits:?}");
    retention::sequence::activate(on, &restored_one.office.actor, sequence.id).await.unwrap();
    restored_one.finish(sequence.id).await;
    worker.stop().await;
    assert_eq!(restored_one.taken().values().sum::<usize>(), before + 2, "a person wants it");
    assert_eq!(sequence::Entity::get(on.db.reader(), sequence.id).await.unwrap().pause_reason, None);
}

/// The lines that a command says when it refuses to start on this folder.
fn refusal(folder: &Path, more: &[&str]) -> String {
    let mut command = herald("serve");
    let data = format!("--data-dir={}", folder.display());
    let said = command.args(["--telegram=simulated", "--listen=127.0.0.1:0", &data]).args(more).output().unwrap();
    assert!(!said.status.success());
    String::from_utf8(said.stderr).unwrap()
}

fn copy_of(folder: &Path, parent: &Path) -> PathBuf {
    let copy = parent.join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(folder).unwrap().flatten().filter(|file| file.path().is_file()) {
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    copy
}

/// A database of a version that kept no lives: an update goes on, a dump of some hours ago waits.
#[tokio::test]
async fn a_restored_database_that_has_no_life_is_told_from_an_update_by_how_long_nothing_was_done() {
    for (silent, waits) in [(50, false), (70, true)] {
        let clock = Arc::new(SystemClock::new());
        let ago = clock.now() - TimeDelta::minutes(silent);
        let office = Office::with_clock(Arc::new(VirtualClock::at(ago))).await;
        let on = &office.on;
        let runs = office.campaign(&names("runs", 2), 600).await;
        office.start(runs).await;
        life::begin(&Services { clock, ..on.clone() }, &Outside::default(), false).await.unwrap();
        let row = campaigns::Entity::get(on.db.reader(), runs).await.unwrap();
        assert_eq!(row.status == CampaignStatus::Paused, waits, "{silent} minutes: {}", row.status);
        if waits {
            let why = row.pause_reason.unwrap();
            assert!(
                why.contains("the database was restored") && why.contains(&ago.format("%Y-%m-%dT%H").to_string()),
                "{why}"
            );
        }
    }
}

async fn restores(process: &Process) -> usize {
    let lines = "{ auditLogs(filter: { actions: [DATABASE_RESTORED] }) { nodes { id } } }";
    process.admin().await.data(lines, json!({})).await["auditLogs"]["nodes"].as_array().unwrap().len()
}

/// A whole folder, copied when nobody used it, and an ordinary crash.
#[tokio::test]
async fn a_copied_folder_is_recognised_and_one_after_a_crash_is_none() {
    if !only_on(Sqlite, "a PostgreSQL is not in the folder") {
        return;
    }
    let app = TestApp::api_only().await;
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    let mut first = Process::serve(app.database(), &own, &[]);
    assert_eq!(restores(&first).await, 0);
    first.kill();
    let mut again = Process::serve(app.database(), &own, &[]);
    assert_eq!(restores(&again).await, 0, "a crash is no restore");
    assert!(again.terminate());
    let copied = Process::serve(app.database(), &copy_of(&own, folder.path()), &[]);
    assert_eq!(restores(&copied).await, 1);
    drop(copied);
    let original = Process::serve(app.database(), &own, &[]);
    assert_eq!(restores(&original).await, 0, "the original is as it was");
    drop(original);
    // Only the database was moved away, and the mark was left behind.
    std::fs::remove_file(own.join("herald.life")).unwrap();
    assert_eq!(restores(&Process::serve(app.database(), &own, &[])).await, 1);
}

#[tokio::test]
async fn a_copy_does_not_work_beside_its_original() {
    if !only_on(Sqlite, "a PostgreSQL is shared") {
        return;
    }
    let app = TestApp::start().await;
    app.admin().await;
    let parent = tempfile::tempdir().unwrap();
    let copy = copy_of(&app.data_dir(), parent.path());
    let said = refusal(&copy, &[]);
    assert!(said.contains("another herald on this machine works with the database of which this is a copy"), "{said}");
    assert!(said.contains("--after-restore"), "{said}");
}
