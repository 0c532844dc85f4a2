//! The messages of campaigns that ended long ago go, where it is wished: what is counted of them stays, and nothing is done with half of
//! them.

use chrono::TimeDelta;
use domain::broadcast::CampaignStatus;
use domain::error::Error;
use domain::id::BroadcastCampaignId;
use sea_orm::Statement;
use service::broadcast::campaign;
use service::keep;
use storage::Noun;
use storage::broadcast::job_change;
use storage::sums::{self, By, Range, Sum, Summed};

use super::fixture::{Office, names};

/// Just as many as two transactions take away.
const JOBS: usize = 2_000;

async fn run(office: &Office, sql: &str) {
    office.on.db.write_alone(Statement::from_string(office.on.db.backend(), sql)).await.expect("runs");
}

/// A campaign that has ended, ten of whose messages have failed.
async fn ended(office: &Office, prefix: &str, jobs: usize) -> BroadcastCampaignId {
    let id = office.campaign(&names(prefix, jobs), 60_000).await;
    office.start(id).await;
    run(
        office,
        "UPDATE jobs SET status = CASE WHEN position <= 10 THEN 'FAILED' ELSE 'SENT' END,
         failed_at = CASE WHEN position <= 10 THEN created_at END, sent_at = CASE WHEN position > 10 THEN created_at END
         WHERE status = 'QUEUED' RETURNING id",
    )
    .await;
    run(
        office,
        "UPDATE broadcast_campaign_progress SET status = 'COMPLETED', failed = 10, sent = queued - 10, queued = 0
         WHERE status = 'RUNNING' RETURNING campaign_id",
    )
    .await;
    run(
        office,
        "UPDATE broadcast_campaigns SET status = 'COMPLETED', completed_at = started_at WHERE status = 'RUNNING'
         RETURNING id",
    )
    .await;
    id
}

/// What reports say of campaigns.
async fn sent(office: &Office) -> Vec<Sum<BroadcastCampaignId>> {
    let (hour, now) = (TimeDelta::hours(1), office.on.now());
    let from = now - hour * 2_500;
    sums::add_up(&office.on.db).await.expect("adds up");
    let range = Range { from, to: now + hour };
    let mut found = sums::read(office.on.db.reader(), Summed::Jobs, range, By::Owner, None).await.expect("reads");
    found.sort_by_key(|sum: &Sum<BroadcastCampaignId>| (sum.place, sum.status.clone()));
    found
}

#[tokio::test]
async fn old_messages_go_and_numbers_stay() {
    let mut office = Office::open().await;
    let old = ended(&office, "old", JOBS).await;
    let day =
        if office.on.db.is_postgres() { "started_at - interval '40 days'" } else { "datetime(started_at, '-40 days')" };
    let aged =
        format!("UPDATE broadcast_campaigns SET completed_at = {day} WHERE completed_at IS NOT NULL RETURNING id");
    run(&office, &aged).await;
    let young = ended(&office, "young", 20).await;
    let (before, counters) = (sent(&office).await, office.progress(old).await);
    assert_eq!(before.len(), 4, "sent and failed of both: {before:?}");
    assert_eq!(keep::prune(&office.on).await.expect("does nothing"), keep::Gone::default());
    office.rule(|rules| rules.keep.jobs = Some(TimeDelta::days(30)));
    let gone = keep::prune(&office.on).await.expect("takes away");
    assert_eq!(gone, keep::Gone { jobs: JOBS as u64, ..keep::Gone::default() });
    assert_eq!((office.jobs(old).await.len(), office.jobs(young).await.len()), (0, 20));
    assert_eq!((sent(&office).await, office.progress(old).await), (before, counters));
    let log = job_change::Entity::after(old, 0).all(office.on.db.reader()).await.expect("reads");
    assert_eq!(log.len(), 0, "nor is there a log of them");
    let all = storage::broadcast::progress::jobs(office.on.db.reader(), None).await.expect("counts");
    assert_eq!(all, 20, "and nobody counts them among those that are there");
    let row = storage::broadcast::campaign::Entity::get(office.on.db.reader(), old).await.expect("it is there");
    assert!(row.status == CampaignStatus::Completed && row.jobs_removed_at.is_some());
    let again = campaign::retry_failed(&office.on, &office.actor, old, None).await.expect_err("they are gone");
    assert!(matches!(&again, Error::Precondition(why) if why.contains("HERALD_KEEP_JOBS")), "{again}");
    let back = campaign::delete_sent(&office.on, &office.actor, old).await.expect_err("they are gone");
    assert!(matches!(back, Error::Precondition(_)), "{back}");
    assert_eq!(keep::prune(&office.on).await.expect("nothing is left"), keep::Gone::default());
}

#[tokio::test]
async fn messages_that_are_half_gone_go_wholly_and_are_not_sent_again() {
    let mut office = Office::open().await;
    let id = ended(&office, "half", 20).await;
    run(&office, "UPDATE broadcast_campaigns SET jobs_removed_at = started_at RETURNING id").await;
    let again = campaign::retry_failed(&office.on, &office.actor, id, None).await.expect_err("they are going");
    assert!(matches!(again, Error::Precondition(_)), "{again}");
    office.rule(|rules| rules.keep.jobs = Some(TimeDelta::days(30)));
    let gone = keep::prune(&office.on).await.expect("takes away");
    assert_eq!((gone.jobs, office.jobs(id).await.len()), (20, 0));
}
