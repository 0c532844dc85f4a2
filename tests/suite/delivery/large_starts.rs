//! The start of a campaign to more channels than a request can wait for is a task: whole, or taken back.

use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, ProgressStatus};
use domain::error::Error;
use domain::id::{BroadcastCampaignId, NounId};
use domain::task::{TaskKind, TaskStatus};
use serde_json::json;
use service::broadcast::campaign;
use service::{Actor, tasks};
use storage::{Noun, task};
use tokio_util::sync::CancellationToken;

use super::crashes::prepare;
use super::fixture::{Office, names};
use crate::harness::{TestApp, within};

/// Rows that are many here.
const MANY: i32 = 20;

/// An office in which a start of more than [`MANY`] is a task.
async fn office() -> Office {
    let mut office = Office::open().await;
    office.rule(|rules| rules.at_once = MANY);
    office
}

async fn task(office: &Office, id: BroadcastCampaignId) -> task::Model {
    let latest = tasks::latest(&office.on, TaskKind::StartBroadcastCampaign, id.uuid()).await;
    latest.expect("reads").expect("a task")
}

async fn row(office: &Office, id: BroadcastCampaignId) -> storage::broadcast::campaign::Model {
    storage::broadcast::campaign::Entity::get(office.on.db.reader(), id).await.expect("it is there")
}

/// Begins the start without waiting for any of it, as schedules do.
async fn begin(office: &Office, id: BroadcastCampaignId) {
    let begun = campaign::start(&office.on, &Actor::system(), id).await.expect("it begins");
    assert_eq!(begun.status, CampaignStatus::Queued);
    assert_eq!(task(office, id).await.status, TaskStatus::Queued);
}

/// Does the first chunk, after which the process ends.
async fn one_chunk(office: &Office) {
    let stop = CancellationToken::new();
    let (seen, mut on) = (stop.clone(), office.on.clone());
    on.db = on.db.watched(move |sql| {
        if sql.starts_with("INSERT INTO jobs") {
            seen.cancel();
        }
    });
    tasks::run_pending(&on, &stop).await.expect("does one");
}

#[tokio::test]
async fn a_start_that_was_cut_off_between_two_chunks_is_finished_by_another_process() {
    let office = office().await;
    let id = office.campaign(&names("cut", 70), 60_000).await;
    begin(&office, id).await;
    one_chunk(&office).await;
    let (half, row) = (task(&office, id).await, office.progress(id).await);
    assert_eq!((half.status, half.done, half.total), (TaskStatus::Running, 20, Some(70)));
    assert_eq!((row.status, row.total, office.jobs(id).await.len()), (ProgressStatus::Starting, 0, 20));
    let worker = office.worker();
    let other = office.another().await;
    if !other.on.db.is_postgres() {
        campaign::undo_interrupted(&other.on).await.expect("looks for starts that nobody goes on with");
    }
    let again = campaign::start(&other.on, &other.actor, id).await.expect_err("it is being started");
    assert!(matches!(again, Error::Transition(_)), "{again}");
    assert!(office.ledger().is_empty(), "half of it is not sent");
    other.do_tasks().await;
    assert_eq!(other.progress(id).await.total, 70);
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let whole = task(&office, id).await;
    assert_eq!((whole.status, whole.done, whole.total), (TaskStatus::Completed, 70, Some(70)));
    let jobs = office.jobs(id).await;
    assert!(
        jobs.iter().zip(1..).all(|(job, position)| job.position == position) && jobs.is_sorted_by_key(|job| job.id)
    );
    let reached: HashSet<String> = office.ledger().into_iter().map(|line| line.username).collect();
    assert_eq!((reached.len(), office.ledger().len()), (70, 70), "each of them once");
    assert_eq!(office.audited(Action::CampaignStarted).await, 1);
}

#[tokio::test]
async fn two_processes_at_one_start_make_each_job_once() {
    let office = office().await;
    let id = office.campaign(&names("both", 90), 60).await;
    begin(&office, id).await;
    let other = office.another().await;
    tokio::join!(office.do_tasks(), other.do_tasks());
    // One of them may have found the other at the last chunk.
    office.do_tasks().await;
    let started = office.progress(id).await;
    assert_eq!((started.status, started.total), (ProgressStatus::Running, 90));
    office.assert_counters(id).await;
}

#[tokio::test]
async fn a_text_that_cannot_be_sent_is_found_wherever_it_stands_and_nothing_is_started() {
    let office = office().await;
    let template = office.template(&format!("{}{{{{ username }}}}", "x".repeat(4_090))).await;
    let mut usernames = names("n", 65);
    usernames.push("a_name_that_is_too_long".into());
    let id = office.campaign_with(&usernames, 60, |new| new.template = template).await;
    campaign::start(&office.on, &office.actor, id).await.expect("it begins");
    office.do_tasks().await;
    let failed = task(&office, id).await;
    assert_eq!(failed.status, TaskStatus::Failed);
    let why = failed.error.expect("a reason");
    assert!(why.contains("the text for @a_name_that_is_too_long has 4113 UTF-16 units"), "{why}");
    assert_eq!(row(&office, id).await.status, CampaignStatus::Queued);
    assert_eq!((office.progress(id).await.status, office.jobs(id).await.len()), (ProgressStatus::Queued, 0));
    assert_eq!((office.audited(Action::TaskFailed).await, office.audited(Action::CampaignStarted).await), (1, 0));
    // What is wrong among the first is told at once, as with few.
    let usernames: Vec<String> = usernames.iter().map(|name| format!("{name}_b")).collect();
    let id = office.campaign_with(&usernames, 60, |new| new.template = template).await;
    let refused = campaign::start(&office.on, &office.actor, id).await.expect_err("it is refused");
    assert!(matches!(refused, Error::Invalid(_)), "{refused}");
}

#[tokio::test]
async fn a_start_that_is_cancelled_is_taken_back_and_can_be_made_again() {
    let office = office().await;
    let id = office.campaign(&names("back", 70), 60).await;
    begin(&office, id).await;
    one_chunk(&office).await;
    let ended = tasks::cancel(&office.on, &office.actor, task(&office, id).await.id).await.expect("it is cancelled");
    assert_eq!((ended.status, ended.ends_as), (TaskStatus::Cancelled, None));
    assert_eq!((office.progress(id).await.status, office.jobs(id).await.len()), (ProgressStatus::Queued, 0));
    let again = tasks::cancel(&office.on, &office.actor, ended.id).await.expect("a second time changes nothing");
    assert_eq!((again.version, office.audited(Action::TaskCancelled).await), (ended.version, 1));
    office.start(id).await;
    assert_eq!(office.progress(id).await.total, 70);
    let over = tasks::cancel(&office.on, &office.actor, task(&office, id).await.id).await.expect_err("it is over");
    assert!(over.to_string().contains("COMPLETED"), "{over}");
}

#[tokio::test]
async fn a_campaign_that_is_being_started_can_be_cancelled_and_deleted() {
    let office = office().await;
    let id = office.campaign(&names("stop", 70), 60_000).await;
    begin(&office, id).await;
    one_chunk(&office).await;
    let cancelled = campaign::cancel(&office.on, &office.actor, id).await.expect("it is cancelled");
    assert_eq!(cancelled.status, CampaignStatus::Cancelled);
    campaign::delete(&office.on, &office.actor, id).await.expect("it is deleted");
    office.do_tasks().await;
    assert_eq!(task(&office, id).await.status, TaskStatus::Cancelled);
    assert!(office.jobs(id).await.is_empty(), "nothing of it is left");
    let kept = office.campaign(&names("kept", 70), 60_000).await;
    begin(&office, kept).await;
    one_chunk(&office).await;
    campaign::cancel(&office.on, &office.actor, kept).await.expect("it is cancelled");
    office.do_tasks().await;
    assert_eq!((office.progress(kept).await.status, office.jobs(kept).await.len()), (ProgressStatus::Cancelled, 0));
}

#[tokio::test]
async fn a_scheduled_start_of_many_waits_for_nobody_and_a_failed_one_is_missed() {
    let office = office().await;
    let at = office.on.now() + TimeDelta::milliseconds(1);
    let good = office.campaign_with(&names("due", 70), 60, |new| new.scheduled_at = Some(at)).await;
    let template = office.template(&format!("{}{{{{ username }}}}", "x".repeat(4_090))).await;
    let mut usernames = names("o", 65);
    usernames.push("a_name_that_is_too_long".into());
    let bad = office.campaign_with(&usernames, 60, |new| (new.template, new.scheduled_at) = (template, Some(at))).await;
    campaign::fire_schedules(&office.on).await.expect("fires");
    for id in [good, bad] {
        assert_eq!((office.progress(id).await.status, office.jobs(id).await.len()), (ProgressStatus::Starting, 0));
    }
    campaign::fire_schedules(&office.on).await.expect("nothing is due any more");
    office.do_tasks().await;
    assert_eq!((row(&office, good).await.status, office.progress(good).await.total), (CampaignStatus::Running, 70));
    let missed = row(&office, bad).await;
    assert!(missed.schedule_missed_reason.is_some_and(|why| why.contains("a_name_that_is_too_long")));
    assert_eq!(office.audited(Action::CampaignScheduleMissed).await, 1);
}

#[tokio::test]
async fn a_restored_database_takes_a_start_back_and_does_not_go_on_with_it() {
    let office = office().await;
    let id = office.campaign(&names("old", 70), 60).await;
    begin(&office, id).await;
    one_chunk(&office).await;
    assert_eq!(tasks::doubt_all(&office.on, "the database was restored").await.expect("ends it"), 1);
    assert_eq!(tasks::doubt_all(&office.on, "the database was restored").await.expect("nothing is left"), 0);
    office.do_tasks().await;
    let ended = task(&office, id).await;
    assert_eq!((ended.status, ended.error.as_deref()), (TaskStatus::Failed, Some("the database was restored")));
    assert_eq!((office.progress(id).await.status, office.jobs(id).await.len()), (ProgressStatus::Queued, 0));
}

const START: &str = "mutation($input: StartBroadcastCampaignInput!) { startBroadcastCampaign(input: $input) {
    campaign { id status } task { id kind status subjectId total } } }";
const TASK: &str = "query($id: ID!) { task(id: $id) { status done total error completedAt createdBy { username } } }";

#[tokio::test]
async fn a_start_of_more_than_ten_thousand_answers_with_its_task_and_so_does_its_repetition() {
    let herald = TestApp::start().await;
    let admin = herald.admin().await;
    let id = prepare(&admin, &names("large", 10_001), 60).await;
    let input = json!({ "input": { "id": id, "idempotencyKey": "once" } });
    let started = admin.data(START, input.clone()).await["startBroadcastCampaign"].clone();
    let task = started["task"].clone();
    assert_eq!((&task["kind"], &task["subjectId"]), (&json!("START_BROADCAST_CAMPAIGN"), &json!(id)), "{started}");
    let again = admin.data(START, input).await["startBroadcastCampaign"].clone();
    assert_eq!(again["task"]["id"], task["id"]);
    let ended = within(Duration::from_mins(1), "the start is through", async || {
        let row = admin.data(TASK, json!({ "id": task["id"] })).await["task"].take();
        if row["status"] == "COMPLETED" { Ok(row) } else { Err(row) }
    })
    .await;
    assert_eq!((&ended["done"], &ended["total"]), (&json!(10_001), &json!(10_001)), "{ended}");
    let campaign = "query($id: ID!) { broadcastCampaign(id: $id) { status totalJobs } }";
    let campaign = admin.data(campaign, json!({ "id": id })).await["broadcastCampaign"].take();
    assert_eq!((&campaign["status"], &campaign["totalJobs"]), (&json!("RUNNING"), &json!(10_001)));
}
