//! The audience is frozen at the start, in time, all or nothing (R21, R23).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::broadcast::{CampaignStatus, ProgressStatus};
use domain::error::Error;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Statement};
use service::broadcast::campaign;
use service::tasks;
use storage::broadcast::queue::freeze;
use storage::broadcast::{batch_channel, job, job_change, leftover, progress};

use tokio_util::sync::CancellationToken;

use super::fixture::{Office, names};
use crate::harness::{Postgres, only_on};

fn jobs() -> usize {
    std::env::var("HERALD_TEST_FREEZE_JOBS").ok().and_then(|text| text.parse().ok()).unwrap_or(30_000)
}

/// In one statement, SQLite let another writer wait 7.4 s for a million jobs.
#[tokio::test]
async fn heavy_others_write_while_a_large_audience_is_frozen() {
    let mut office = Office::open().await;
    let id = office.campaign(&names("frozen", jobs()), 1).await;
    let turns = Arc::new(Mutex::new(String::new()));
    let noted = turns.clone();
    let first_chunk = Arc::new(Mutex::new(None));
    let frozen_at = first_chunk.clone();
    office.on.db = office.on.db.watched(move |sql| {
        let turn = if sql.starts_with("INSERT INTO jobs") { "F" } else { "-" };
        if turn == "F" {
            frozen_at.lock().expect("no panic").get_or_insert_with(Instant::now);
        }
        noted.lock().expect("no panic").push_str(if sql.starts_with("INSERT INTO") { turn } else { "" });
    });
    let began = Instant::now();
    let starting = {
        let (on, actor) = (office.on.clone(), office.actor.clone());
        tokio::spawn(async move {
            campaign::start(&on, &actor, id).await?;
            tasks::run_pending(&on, &CancellationToken::new()).await
        })
    };
    let mut longest = Duration::ZERO;
    let mut writes = 0;
    while !starting.is_finished() {
        let began = Instant::now();
        office.template("another").await;
        longest = longest.max(began.elapsed());
        writes += 1;
    }
    starting.await.expect("no panic").expect("starts");
    let freezing = first_chunk.lock().expect("no panic").map(|at: Instant| at.elapsed());
    println!(
        "{} jobs: started in {:?}, of which since the first chunk {freezing:?}; {writes} writes of others, the longest {longest:?}",
        jobs(),
        began.elapsed()
    );
    if !office.on.db.is_postgres() {
        let turns = turns.lock().expect("no panic");
        assert!(
            turns.matches('F').count() >= jobs() / 5_000 && !turns.contains("FF"),
            "others get their turn: {turns}"
        );
    }
    assert!(longest < Duration::from_secs(3), "a writer waited {longest:?} of {writes}");
    let row = office.progress(id).await;
    assert_eq!((row.total, row.queued), (i32::try_from(jobs()).expect("fits"), row.total));
    let log = job_change::Entity::after(id, 0).all(office.on.db.reader()).await.expect("reads");
    assert_eq!(log.iter().map(|entry| entry.positions.as_str()).collect::<Vec<_>>(), [format!("1-{}", jobs())]);
    let first = job::Entity::of(id).order_by_asc(job::Column::Position).one(office.on.db.reader()).await;
    assert_eq!(first.expect("reads").expect("a job").id.0.get_version_num(), 7);
}

#[tokio::test]
async fn positions_and_ids_rise_together_without_a_gap() {
    let office = Office::open().await;
    let id = office.campaign(&names("order", 12_000), 1).await;
    office.start(id).await;
    let jobs = office.jobs(id).await;
    assert!(jobs.iter().zip(1..).all(|(job, position)| job.position == position));
    assert!(jobs.is_sorted_by_key(|job| job.id));
    assert!(jobs.is_sorted_by_key(|job| job.channel_id));
}

#[tokio::test]
async fn later_edits_of_template_and_batch_do_not_touch_a_started_campaign() {
    let office = Office::open().await;
    let id = office.campaign(&names("edited", 5), 60_000).await;
    office.start(id).await;
    let edit = "UPDATE templates SET content = 'Another {{ nobody }}' RETURNING id";
    office.on.db.write_alone(Statement::from_string(office.on.db.backend(), edit)).await.expect("writes");
    let emptied = batch_channel::Entity::delete_many().filter(batch_channel::Column::BatchId.is_not_null());
    let emptied = &emptied;
    let write = office.on.db.write(|tx| async move { Ok(emptied.clone().exec(&*tx).await.map(drop)?) });
    write.await.expect("writes");
    let worker = office.worker();
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert!(office.ledger().iter().all(|line| line.text.starts_with("Hello edited")));
    assert_eq!(office.ledger().len(), 5);
}

#[tokio::test]
async fn a_start_tells_everything_that_is_wrong_at_once() {
    let office = Office::open().await;
    let long = "x".repeat(4_090);
    let template = office.template(&format!("{long}{{{{ username }}}}")).await;
    let usernames = ["short", "a_long_enough_name", "another_long_name"].map(String::from);
    let id = office.campaign_with(&usernames, 60, |new| new.template = template).await;
    let Err(Error::Invalid(violations)) = campaign::start(&office.on, &office.actor, id).await else {
        panic!("it must be refused")
    };
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations[0].message.contains("4108 UTF-16 units; Telegram takes 4096"), "{}", violations[0].message);
    assert_eq!(office.progress(id).await.status, ProgressStatus::Queued);
    let empty = office.campaign(&[], 60).await;
    let error = campaign::start(&office.on, &office.actor, empty).await.expect_err("nobody to write to");
    assert_eq!(error.to_string(), "the batch has no active channels");
}

#[tokio::test]
async fn two_starts_at_once_make_one_audience() {
    let office = Office::open().await;
    let id = office.campaign(&names("twice", 2_000), 60).await;
    let start = || campaign::start(&office.on, &office.actor, id);
    let (a, b) = tokio::join!(start(), start());
    assert!(a.is_ok() != b.is_ok(), "one of them: {a:?} {b:?}");
    assert_eq!(office.progress(id).await.total, 2_000);
    office.assert_counters(id).await;
}

#[tokio::test]
async fn an_interrupted_start_is_taken_back() {
    let office = Office::open().await;
    if office.on.db.is_postgres() {
        return; // One transaction there: nothing can be left half done.
    }
    let id = office.campaign(&names("half", 100), 60_000).await;
    office.start(id).await;
    // As a crash between two chunks leaves it.
    for sql in [
        "UPDATE broadcast_campaign_progress SET status = 'STARTING', total = 0, queued = 0, run = 0 RETURNING run",
        "UPDATE broadcast_campaigns SET status = 'QUEUED', content = NULL RETURNING id",
        "DELETE FROM jobs WHERE position > 40 RETURNING id",
        "DELETE FROM job_changes RETURNING seq",
    ] {
        office.on.db.write_alone(Statement::from_string(office.on.db.backend(), sql)).await.expect("writes");
    }
    let refused = campaign::start(&office.on, &office.actor, id).await.expect_err("it is being started");
    assert!(refused.to_string().contains("being started"), "{refused}");
    campaign::undo_interrupted(&office.on).await.expect("undoes");
    assert!(office.jobs(id).await.is_empty());
    office.start(id).await;
    let worker = office.worker();
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(office.ledger().len(), 100);
}

/// On SQLite a start is many transactions: it comes to its end even if nobody waits for it any more.
#[tokio::test]
async fn a_start_whose_caller_went_away_comes_to_its_end() {
    let office = Office::open().await;
    let id = office.campaign(&names("alone", 20_000), 1).await;
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    tokio::spawn(tasks::run(office.on.clone(), stop));
    let started = campaign::start(&office.on, &office.actor, id);
    let begun = office.until_row(id, "the start", |row| row.status != ProgressStatus::Queued);
    tokio::select! {
        started = started => started.map(drop).expect("starts"),
        _ = begun => {}
    }
    office.until(id, CampaignStatus::Running).await;
    office.assert_counters(id).await;
}

/// Two remove what is left of a campaign, and one of them finds nothing that the other is not removing.
#[tokio::test]
async fn what_is_left_of_a_deleted_campaign_is_known_until_all_of_it_is_gone() {
    if !only_on(Postgres, "SQLite's writers come one after the other") {
        return;
    }
    let office = Office::open().await;
    let id = office.campaign(&names("left", 60), 1).await;
    office.start(id).await;
    let on = &office.on;
    // As after a crash at the beginning: the campaign is gone, its jobs are there.
    let gone = on.db.write(|tx| async move {
        let leftover = leftover::Model { campaign_id: id }.into_active_model();
        leftover::Entity::insert(leftover).exec_without_returning(&*tx).await?;
        progress::Entity::delete_by_id(id).exec(&*tx).await?;
        Ok(())
    });
    gone.await.expect("is deleted");
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let one = {
        let (on, begun) = (on.clone(), Mutex::new(Some((begun, may_go_on))));
        tokio::spawn(async move {
            on.db
                .write(|tx| {
                    let (begun, may_go_on) = begun.lock().expect("no panic").take().expect("it runs once");
                    async move {
                        assert!(leftover::Entity::claim(&tx, id).await?);
                        // Many at a time, as many as are left.
                        freeze::remove_jobs(&tx, id, 5_000).await?;
                        begun.send(()).expect("somebody waits");
                        may_go_on.await.expect("it is told");
                        Err::<(), _>(Error::Timeout)
                    }
                })
                .await
        })
    };
    is_begun.await.expect("it begins");
    campaign::sweep_leftovers(on).await.expect("leaves it to the other");
    go_on.send(()).expect("it waits");
    one.await.expect("no panic").expect_err("it is ended in the middle");
    assert_eq!(office.jobs(id).await.len(), 60, "nothing was removed after all");
    campaign::sweep_leftovers(on).await.expect("somebody knows of them");
    assert!(office.jobs(id).await.is_empty());
    assert!(leftover::Entity::find().one(on.db.reader()).await.expect("reads").is_none());
}

#[tokio::test]
async fn a_start_that_cannot_be_taken_back_at_once_is_taken_back_later() {
    let office = Office::open().await;
    if office.on.db.is_postgres() {
        return; // One transaction there: PostgreSQL takes it back.
    }
    let id = office.campaign(&names("stuck", 8_000), 1).await;
    let run = async |sql: &str| {
        office.on.db.write_alone(Statement::from_string(office.on.db.backend(), sql)).await.expect("runs");
    };
    // As when the disk is full in the middle.
    run("CREATE TRIGGER full BEFORE INSERT ON jobs WHEN NEW.position = 6000 BEGIN SELECT RAISE(ABORT, 'full'); END")
        .await;
    run("CREATE TRIGGER stuck BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END").await;
    campaign::start(&office.on, &office.actor, id).await.expect_err("it fails");
    assert_eq!(office.progress(id).await.status, ProgressStatus::Starting);
    run("DROP TRIGGER stuck").await;
    run("DROP TRIGGER full").await;
    office.until_row(id, "the undoing", |row| row.status == ProgressStatus::Queued).await;
    office.start(id).await;
    assert_eq!(office.progress(id).await.total, 8_000);
}
