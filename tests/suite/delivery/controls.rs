//! Pause, resume, cancel and schedules act at once and lose nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::audit::Action;
use domain::broadcast::{CampaignStatus, JobStatus, ProgressStatus};
use domain::error::Error;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait};
use service::broadcast::{campaign, job};

use super::fixture::{Office, names};
use crate::harness::{Postgres, only_on};

/// R5: read at the claim only, the status lets four starts in ten come after the answer.
#[tokio::test]
async fn nothing_starts_after_a_pause_has_answered() {
    let office = Office::open().await;
    let other = office.another().await;
    let id = office.campaign(&names("paused", 3_000), 60_000).await;
    office.start(id).await;
    let workers =
        if office.on.db.is_postgres() { vec![office.worker(), other.worker()] } else { vec![office.worker()] };
    for round in 0..4 {
        // The test's own time: some hundred sends between two pauses.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let asked = Instant::now();
        campaign::pause(&office.on, &office.actor, id).await.expect("pauses");
        let answered = office.on.clock.now();
        assert!(asked.elapsed() < Duration::from_secs(1), "it answers within a second");
        // Longer than the horizon of a claim.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let late = [office.ledger(), other.ledger()].concat().into_iter().filter(|line| line.at > answered).count();
        assert_eq!(late, 0, "sends after the answer, in round {round}");
        let row = office.until_row(id, "the leases to come back", |row| row.sending == 0).await;
        assert!(row.queued > 0 && row.status == ProgressStatus::Paused);
        campaign::resume(&office.on, &office.actor, id).await.expect("resumes");
    }
    office.until(id, CampaignStatus::Completed).await;
    for worker in workers {
        worker.stop().await;
    }
    let mut accepted: Vec<String> =
        if office.on.db.is_postgres() { [office.ledger(), other.ledger()].concat() } else { office.ledger() }
            .into_iter()
            .map(|line| line.username)
            .collect();
    assert_eq!(accepted.len(), 3_000, "resumed exactly");
    accepted.sort_unstable();
    accepted.dedup();
    assert_eq!(accepted.len(), 3_000);
    assert!(office.jobs(id).await.iter().all(|job| job.attempts == 1), "what went back untouched cost no attempt");
}

#[tokio::test]
async fn a_cancelled_campaign_ends_what_was_queued() {
    let office = Office::open().await;
    let id = office.campaign(&names("cancelled", 2_500), 6_000).await;
    office.start(id).await;
    let worker = office.worker();
    office.until_row(id, "some sends", |row| row.sent > 20).await;
    campaign::cancel(&office.on, &office.actor, id).await.expect("cancels");
    let answered = office.on.clock.now();
    let row = office.until_row(id, "the end", |row| row.queued + row.sending == 0).await;
    worker.stop().await;
    assert_eq!(row.status, ProgressStatus::Cancelled);
    assert_eq!(row.sent + row.cancelled, 2_500);
    office.assert_counters(id).await;
    assert!(office.ledger().iter().all(|line| line.at <= answered));
    let refused = campaign::resume(&office.on, &office.actor, id).await.expect_err("it has ended");
    assert_eq!(refused.to_string(), "the campaign cannot go from CANCELLED to RUNNING");
}

/// R6: in one statement a million jobs took 19.5 s, in which nobody else could write.
#[tokio::test]
async fn a_large_cancellation_goes_in_chunks() {
    let mut office = Office::open().await;
    let (jobs, chunks) = if office.on.db.is_postgres() { (12_000, 2) } else { (5_000, 3) };
    let id = office.campaign(&names("chunked", jobs), 1).await;
    office.start(id).await;
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    office.on.db = office.on.db.watched(move |sql| {
        counted.fetch_add(usize::from(sql.starts_with("UPDATE jobs")), Ordering::SeqCst);
    });
    campaign::cancel(&office.on, &office.actor, id).await.expect("cancels");
    campaign::sweep_cancelled(&office.on).await.expect("sweeps");
    assert_eq!(seen.load(Ordering::SeqCst), chunks);
    assert_eq!(office.progress(id).await.cancelled, i32::try_from(jobs).expect("few"));
    office.assert_counters(id).await;
}

/// R6: to find what is queued among what was sent or requeued may take long; the answer waits for none of it.
#[tokio::test]
async fn a_large_cancellation_is_answered_before_its_jobs_are_looked_at() {
    let mut office = Office::open().await;
    let id = office.campaign(&names("many", 1_001), 1).await;
    office.start(id).await;
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    office.on.db = office.on.db.watched(move |sql| {
        counted.fetch_add(usize::from(sql.replace("jobs_removed_at", "").contains("jobs")), Ordering::SeqCst);
    });
    campaign::cancel(&office.on, &office.actor, id).await.expect("cancels");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    let row = office.progress(id).await;
    assert_eq!((row.status, row.queued), (ProgressStatus::Cancelled, 1_001));
    let worker = office.worker();
    office.until_row(id, "the sweep", |row| row.cancelled == 1_001).await;
    worker.stop().await;
    office.assert_counters(id).await;
}

/// A row of PostgreSQL that changes no column of an index, or of its condition, is written into its page and into no index.
#[tokio::test]
async fn what_changes_on_a_jobs_usual_way_stands_in_no_index() {
    if !only_on(Postgres, "SQLite writes a row where it was") {
        return;
    }
    let office = Office::open().await;
    let sql = "SELECT DISTINCT a.attname AS name FROM pg_index i
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
        WHERE i.indrelid = 'jobs'::regclass";
    let statement = sea_orm::Statement::from_string(office.on.db.backend(), sql);
    let rows = office.on.db.reader().query_all_raw(statement).await.expect("asks");
    let named: Vec<String> = rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect();
    assert!(named.iter().any(|name| name == "position"), "{named:?}");
    for changes in ["status", "change", "random_id", "attempts", "message_id", "started_at", "sent_at"] {
        assert!(named.iter().all(|name| name != changes), "{changes} is in an index: {named:?}");
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_cancellation_is_finished_by_any_worker() {
    let office = Office::open().await;
    let id = office.campaign(&names("half", 50), 1).await;
    office.start(id).await;
    // The status was committed, and then the process was gone.
    let crashed = sea_orm::Statement::from_string(
        office.on.db.backend(),
        "UPDATE broadcast_campaign_progress SET status = 'CANCELLED' RETURNING run",
    );
    office.on.db.write_alone(crashed).await.expect("writes");
    let worker = office.worker();
    office.until_row(id, "the sweep", |row| row.cancelled == 50).await;
    worker.stop().await;
    office.assert_counters(id).await;
}

#[tokio::test]
async fn illegal_transitions_are_refused_with_from_and_to() {
    let office = Office::open().await;
    let id = office.campaign(&names("idle", 2), 6_000).await;
    let (on, actor) = (&office.on, &office.actor);
    let told = |error: Error| error.to_string();
    assert_eq!(
        told(campaign::pause(on, actor, id).await.expect_err("idle")),
        "the campaign cannot go from QUEUED to PAUSED"
    );
    assert_eq!(
        told(campaign::resume(on, actor, id).await.expect_err("idle")),
        "the campaign cannot go from QUEUED to RUNNING"
    );
    assert_eq!(
        told(campaign::retry_failed(on, actor, id, None).await.expect_err("idle")),
        "the campaign cannot go from QUEUED to RUNNING"
    );
    office.start(id).await;
    assert_eq!(
        told(campaign::start(on, actor, id).await.expect_err("runs")),
        "the campaign cannot go from RUNNING to RUNNING"
    );
    assert!(matches!(campaign::delete(on, actor, id).await, Err(Error::Precondition(_))));
    let first = office.jobs(id).await[0].id;
    let cancelled = job::cancel(on, actor, first).await.expect("cancels");
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert_eq!(
        told(job::cancel(on, actor, first).await.expect_err("ended")),
        "the job cannot go from CANCELLED to CANCELLED"
    );
    assert_eq!(job::retry(on, actor, first).await.expect("retries").status, JobStatus::Queued);
    office.assert_counters(id).await;
    campaign::cancel(on, actor, id).await.expect("cancels");
    campaign::delete(on, actor, id).await.expect("deletes");
    assert!(office.jobs(id).await.is_empty(), "its jobs went with it");
}

#[tokio::test]
async fn a_schedule_fires_by_itself_and_an_overdue_one_does_not() {
    let office = Office::open().await;
    let now = office.on.now();
    let soon = office
        .campaign_with(&names("soon", 3), 60_000, |new| new.scheduled_at = Some(now + TimeDelta::seconds(1)))
        .await;
    let late = office.campaign(&names("late", 3), 60_000).await;
    // As if nobody had been there when it was due; an instant in the past is refused.
    let overdue = storage::broadcast::campaign::ActiveModel {
        id: Set(late),
        scheduled_at: Set(Some(now - TimeDelta::hours(2))),
        ..Default::default()
    };
    office
        .on
        .db
        .write(|tx| {
            let overdue = overdue.clone();
            async move { Ok(overdue.update(&*tx).await?) }
        })
        .await
        .expect("writes");
    let worker = office.worker();
    office.until(soon, CampaignStatus::Completed).await;
    worker.stop().await;
    assert!(office.ledger().iter().all(|line| line.at > now + TimeDelta::seconds(1)));
    let late = storage::broadcast::campaign::Entity::find_by_id(late).one(office.on.db.reader()).await;
    let late = late.expect("reads").expect("there");
    assert_eq!(late.status, CampaignStatus::Queued);
    assert!(late.schedule_missed_at.is_some());
    assert_eq!(office.audited(Action::CampaignScheduleMissed).await, 1);
}

#[tokio::test]
async fn a_message_that_telegram_refuses_pauses_the_campaign_and_can_be_mended() {
    use domain::delivery::{Fault, Receipt};
    use telegram::{Messenger, Outgoing};
    struct Strict;
    impl Messenger for Strict {
        fn send(&self, message: Outgoing) -> futures_util::future::BoxFuture<'_, domain::delivery::Reply> {
            let refused = message.text.text.starts_with("Hello");
            Box::pin(async move {
                if refused {
                    Err(Fault::rpc(400, "ENTITY_BOUNDS_INVALID"))
                } else {
                    Ok(Receipt::Accepted { message_id: None })
                }
            })
        }
    }
    let office = Office::open().await;
    let id = office.campaign(&names("strict", 500), 60_000).await;
    office.start(id).await;
    let worker = office.worker_with(Arc::new(Strict), Arc::new(|_| ()));
    office.until(id, CampaignStatus::Paused).await;
    let row = office.until_row(id, "rest", |row| row.sending == 0).await;
    assert_eq!((row.failed, row.queued), (0, 500), "not a thousand failures: none");
    let mended = campaign::Update { content: Some("Good day {{ channel_name }}".into()), ..Default::default() };
    campaign::update(&office.on, &office.actor, id, mended).await.expect("mends");
    campaign::resume(&office.on, &office.actor, id).await.expect("resumes");
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(row.sent, 500);
}
