//! The retry of more failed jobs than a request can wait for is a task: until it is through, a campaign that had ended does not send.

use domain::audit::Action;
use domain::broadcast::{CampaignStatus, JobStatus, ProgressStatus};
use domain::error::Error;
use domain::id::{BroadcastCampaignId, NounId};
use domain::task::{TaskKind, TaskStatus};
use sea_orm::Statement;
use service::broadcast::campaign;
use service::tasks;
use storage::{Noun, task};
use tokio_util::sync::CancellationToken;

use super::fixture::{Office, names};
use crate::harness::eventually;

/// Rows that are many here.
const MANY: i32 = 20;

async fn run(office: &Office, sql: &str) {
    office.on.db.write_alone(Statement::from_string(office.on.db.backend(), sql)).await.expect("runs");
}

/// A COMPLETED campaign whose messages have all failed, for two reasons in turns.
async fn failed(office: &Office, prefix: &str, jobs: usize) -> BroadcastCampaignId {
    let id = office.campaign(&names(prefix, jobs), 60_000).await;
    office.start(id).await;
    run(
        office,
        "UPDATE jobs SET status = 'FAILED', failed_at = created_at,
         reason = CASE WHEN position % 2 = 0 THEN 'CHAT_WRITE_FORBIDDEN' ELSE 'MEDIA_EMPTY' END
         WHERE status = 'QUEUED' RETURNING id",
    )
    .await;
    run(
        office,
        "UPDATE broadcast_campaign_progress SET status = 'COMPLETED', failed = queued, queued = 0
         WHERE status = 'RUNNING' RETURNING campaign_id",
    )
    .await;
    run(office, "UPDATE broadcast_campaigns SET status = 'COMPLETED' WHERE status = 'RUNNING' RETURNING id").await;
    id
}

/// An office, and a task that retries what failed of a campaign, of which one chunk is done.
async fn half(prefix: &str) -> (Office, BroadcastCampaignId, task::Model) {
    let mut office = Office::open().await;
    let id = failed(&office, prefix, 70).await;
    office.rule(|rules| rules.at_once = MANY);
    // The mutation itself does no chunk: somebody else is at the database.
    run_one(&office, id).await;
    let row = tasks::latest(&office.on, TaskKind::RetryFailedJobs, id.uuid()).await.expect("reads").expect("a task");
    (office, id, row)
}

/// Asks for the retry, and goes away with the first chunk.
async fn run_one(office: &Office, id: BroadcastCampaignId) {
    let stop = CancellationToken::new();
    let (seen, mut on, actor) = (stop.clone(), office.on.clone(), office.actor.clone());
    on.db = on.db.watched(move |sql| {
        if sql.contains("UPDATE jobs AS j SET") {
            seen.cancel();
        }
    });
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        asked = campaign::retry_failed(&on, &actor, id, None) => drop(asked.expect("it is asked for")),
    }
    // What was cut off in the middle of its first chunk has done none of it. Until its transaction is undone, the task is somebody's.
    eventually("one chunk is done", async || {
        let stop = CancellationToken::new();
        let (seen, mut on) = (stop.clone(), office.on.clone());
        on.db = on.db.watched(move |sql| {
            if sql.contains("UPDATE jobs AS j SET") {
                seen.cancel();
            }
        });
        tasks::run_pending(&on, &stop).await.expect("does one chunk, if nobody else has the task");
        stop.is_cancelled()
    })
    .await;
}

async fn row(office: &Office, id: BroadcastCampaignId) -> storage::broadcast::campaign::Model {
    storage::broadcast::campaign::Entity::get(office.on.db.reader(), id).await.expect("it is there")
}

#[tokio::test]
async fn a_retry_that_was_cut_off_is_finished_by_another_process_and_nothing_is_sent_before() {
    let (office, id, half) = half("again").await;
    assert!((20..70).contains(&half.done), "{half:?}");
    let held = row(&office, id).await;
    assert_eq!((held.status, half.status), (CampaignStatus::Paused, TaskStatus::Running));
    let worker = office.worker();
    assert_eq!(office.progress(id).await.status, ProgressStatus::Paused);
    office.assert_counters(id).await;
    let other = office.another().await;
    let twice = campaign::retry_failed(&other.on, &other.actor, id, None).await.expect_err("it is being done");
    assert!(matches!(twice, Error::Transition(_)), "{twice}");
    assert!(office.ledger().is_empty(), "half of it is not sent");
    other.do_tasks().await;
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(office.ledger().len(), 70);
    let whole = tasks::latest(&office.on, TaskKind::RetryFailedJobs, id.uuid()).await.expect("reads").expect("a task");
    assert_eq!((whole.status, whole.done), (TaskStatus::Completed, 70));
    assert_eq!(office.audited(Action::CampaignJobsRetried).await, 1);
}

#[tokio::test]
async fn a_retry_that_is_cancelled_leaves_the_campaign_paused_with_what_is_queued() {
    let (office, id, half) = half("left").await;
    let ended = tasks::cancel(&office.on, &office.actor, half.id).await.expect("it is cancelled");
    assert_eq!(ended.status, TaskStatus::Cancelled);
    let left = row(&office, id).await;
    assert_eq!(left.status, CampaignStatus::Paused);
    assert!(left.pause_reason.is_some_and(|why| why.contains("resume it to send those, or cancel it")));
    let progress = office.progress(id).await;
    assert_eq!((i64::from(progress.queued), progress.failed), (ended.done, 70 - progress.queued));
    office.assert_counters(id).await;
    assert_eq!(office.audited(Action::CampaignJobsRetried).await, 1);
}

#[tokio::test]
async fn a_retry_of_many_for_some_reasons_takes_only_those_and_a_running_campaign_goes_on() {
    let mut office = Office::open().await;
    let id = failed(&office, "some", 70).await;
    office.rule(|rules| rules.at_once = MANY);
    let reasons = ["MEDIA_EMPTY".to_owned()];
    let retry = campaign::retry_failed(&office.on, &office.actor, id, Some(&reasons)).await.expect("it is asked for");
    assert!(retry.task.is_some());
    office.do_tasks().await;
    let progress = office.progress(id).await;
    assert_eq!((progress.status, progress.queued, progress.failed), (ProgressStatus::Running, 35, 35));
    let jobs = office.jobs(id).await;
    let is_right = |job: &storage::broadcast::job::Model| (job.position % 2 == 0) == (job.status == JobStatus::Failed);
    assert!(jobs.iter().all(is_right));
    // Now it runs: what else has failed joins what is queued.
    let retry = campaign::retry_failed(&office.on, &office.actor, id, None).await.expect("it is asked for");
    office.do_tasks().await;
    let progress = office.progress(id).await;
    assert_eq!((progress.status, progress.queued), (ProgressStatus::Running, 70));
    assert_eq!(retry.campaign.id, id);
    // Few are tried again at once, and have no task.
    let few = campaign::retry_failed(&office.on, &office.actor, id, None).await.expect("nothing is left");
    assert!(few.task.is_none() && few.jobs.retried == 0);
}
