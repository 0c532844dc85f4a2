//! Transactions that meet: they wait in one order, nobody waits for a campaign that is not his, and none is lost (R7, R23, R25).

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::service::broadcast::campaign;
use ::service::broadcast::delivery::sender as service;
use ::service::broadcast::delivery::sender::Gone;
use ::service::broadcast::delivery::settle::settle;
use domain::broadcast::CampaignStatus;
use domain::delivery::Fault;
use domain::error::Error;
use domain::id::ChannelId;
use sea_orm::{ConnectionTrait, Statement};
use storage::broadcast::queue::lease::{Decision, lease};
use storage::broadcast::queue::settle::{ChannelOutcome, ChannelResult, channels};
use storage::{Db, Tx};
use tokio::sync::{Barrier, oneshot};
use tokio::time::{sleep, timeout};

use super::fixture::{Office, names};
use super::holding::{ACCEPTED, answers, claim, hold, request};
use crate::harness::{Postgres, eventually, only_on};

/// Row locks are PostgreSQL's: SQLite has one writer.
async fn postgres() -> Option<Office> {
    if only_on(Postgres, "SQLite has one writer") { Some(Office::open().await) } else { None }
}

/// Waits until so many transactions wait for what another has locked.
async fn waiting(office: &Office, count: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let db = office.on.db.reader();
    eventually("they wait for the lock", async || {
        let row = db.query_one_raw(Statement::from_string(office.on.db.backend(), sql)).await.expect("answers");
        row.expect("a row").try_get_by_index::<i64>(0).expect("a number") >= count
    })
    .await;
}

/// R7: fifty channels, locked unordered by four workers, gave 26 deadlocks in eight seconds.
#[tokio::test]
async fn channels_are_locked_in_one_order_whatever_the_order_of_the_answers() {
    let Some(office) = postgres().await else { return };
    let usernames = names("crossed", 50);
    office.batch(&usernames).await;
    let mut results = Vec::new();
    for name in &usernames {
        let channel = office.channel(name).await.id;
        results.push(ChannelResult { channel, outcome: ChannelOutcome::Refused, error: Some("closed".into()) });
    }
    let reversed: Vec<_> = results.iter().rev().cloned().collect();
    // Both get as far as the channel in the middle, and go on together.
    let middle = office.on.db.reader().begin().await.expect("begins");
    let sql = format!("SELECT id FROM channels WHERE username = '{}' FOR UPDATE", usernames[25]);
    middle.execute_unprepared(&sql).await.expect("locks");
    let (one, other, ()) = tokio::join!(refuse(&office, &results), refuse(&office, &reversed), async {
        waiting(&office, 2).await;
        middle.rollback().await.expect("lets go");
    });
    one.and(other).expect("no deadlock");
    assert_eq!(office.channel(&usernames[0]).await.error_count, 2);
}

/// Without the repetition by which a deadlock would go unnoticed.
async fn refuse(office: &Office, results: &[ChannelResult]) -> Result<Vec<ChannelId>, Error> {
    let tx = office.on.db.reader().begin().await?;
    // As in a large table: channels are looked up one by one, in the order of the answers.
    for plan in ["hashjoin", "mergejoin", "seqscan"] {
        tx.execute_unprepared(&format!("SET LOCAL enable_{plan} = off")).await?;
    }
    let gone = channels(&tx, results, office.on.now(), 1_000).await?;
    tx.commit().await?;
    Ok(gone)
}

/// R7: the campaign's row comes last, so a settlement that waits for a job or a channel holds nobody up.
#[tokio::test]
async fn a_settlement_that_waits_does_not_keep_others_from_leasing() {
    let Some(office) = postgres().await else { return };
    let id = office.campaign(&names("queue", 10), 6_000).await;
    office.start(id).await;
    let holder = hold(&office).await;
    let refused = Err(Fault::rpc(403, "CHAT_WRITE_FORBIDDEN"));
    for (sql, reply) in [
        ("SELECT id FROM jobs WHERE position = 1 FOR UPDATE", ACCEPTED),
        ("SELECT id FROM channels ORDER BY id FOR UPDATE", refused),
    ] {
        let (mission, leased) = claim(&office, id, &holder, 2).await;
        let other = office.on.db.reader().begin().await.expect("begins");
        other.execute_unprepared(sql).await.expect("locks");
        let told = answers(&office, &leased, Some(&reply));
        let settled = settle(&office.on, &mission, &told, &[]);
        let meanwhile = async {
            waiting(&office, 1).await;
            let leasing = timeout(Duration::from_secs(1), claim(&office, id, &holder, 1)).await;
            other.rollback().await.expect("lets go");
            leasing.expect("the campaign's row is free").1.jobs.len()
        };
        let (settled, leased) = tokio::join!(settled, meanwhile);
        settled.expect("settles");
        assert_eq!(leased, 1);
    }
    office.assert_counters(id).await;
}

/// R7, R21: the campaign's row comes last in the freeze too.
#[tokio::test]
async fn a_freeze_that_takes_long_does_not_lock_its_campaign() {
    let Some(office) = postgres().await else { return };
    let id = office.campaign(&names("editable", 5), 6_000).await;
    let other = office.on.db.reader().begin().await.expect("begins");
    let sql = format!(
        "INSERT INTO jobs (id, campaign_id, position, channel_id, status, change, created_at)
         VALUES (gen_random_uuid(), '{}', 5, gen_random_uuid(), 'QUEUED', 1, now())",
        id.0
    );
    other.execute_unprepared(&sql).await.expect("stands in the way of the last job");
    let meanwhile = async {
        waiting(&office, 1).await;
        let rename = campaign::Update { name: Some("renamed".into()), ..campaign::Update::default() };
        let renaming = campaign::update(&office.on, &office.actor, id, rename);
        let renamed = timeout(Duration::from_secs(1), renaming).await;
        other.rollback().await.expect("lets go");
        renamed.expect("the campaign's row is free").map(drop)
    };
    let (started, renamed) = tokio::join!(campaign::start(&office.on, &office.actor, id), meanwhile);
    renamed.expect("renames");
    assert_eq!(started.expect("starts").name, "renamed");
}

/// R25: of two that wait for each other PostgreSQL ends one. It is run again, from its beginning.
#[tokio::test]
async fn a_transaction_that_lost_a_deadlock_is_run_again() {
    let Some(office) = postgres().await else { return };
    office.batch(&names("dead", 2)).await;
    let meeting = &Barrier::new(2);
    let crossing = |first: &'static str, second: &'static str| {
        let tries = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let db = office.on.db.clone();
        async move {
            let count = |tx: Arc<Tx>, name: &'static str| async move {
                let sql = format!("UPDATE channels SET error_count = error_count + 1 WHERE username = '{name}'");
                tx.execute_unprepared(&sql).await.map(drop)
            };
            let tries = &tries;
            db.write(|tx| async move {
                count(tx.clone(), first).await?;
                if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                    meeting.wait().await;
                }
                Ok(count(tx, second).await?)
            })
            .await?;
            Ok::<_, Error>(tries.load(std::sync::atomic::Ordering::SeqCst))
        }
    };
    let (one, other) = tokio::join!(crossing("dead_0001", "dead_0002"), crossing("dead_0002", "dead_0001"));
    assert_eq!(one.expect("succeeds") + other.expect("succeeds"), 3, "one of them twice");
    for name in ["dead_0001", "dead_0002"] {
        assert_eq!(office.channel(name).await.error_count, 2, "each counted once");
    }
}

/// R25: what others hold locked is passed over, and is not forgotten.
#[tokio::test]
async fn jobs_that_were_locked_are_leased_later() {
    let Some(office) = postgres().await else { return };
    let id = office.campaign(&names("passed", 200), 60_000).await;
    office.start(id).await;
    let other = office.on.db.reader().begin().await.expect("begins");
    other.execute_unprepared("SELECT id FROM jobs WHERE position IN (2, 3) FOR UPDATE").await.expect("locks");
    let worker = office.worker();
    office.until_row(id, "all others", |row| row.sent == 198).await;
    other.rollback().await.expect("lets go");
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(office.ledger().len(), 200);
}

/// R15: a takeover comes wholly before a lease or wholly after it; in between, its jobs would be nobody's for ever.
#[tokio::test]
async fn a_lease_that_is_being_committed_is_not_missed_by_a_takeover() {
    let office = Office::open().await;
    let id = office.campaign(&names("between", 4), 6_000).await;
    office.start(id).await;
    let gone = hold(&office).await;
    let claim = &request(&office, id, &gone, 3).await;
    let (leased, told) = oneshot::channel();
    let leased = &std::sync::Mutex::new(Some(leased));
    let leasing = office.on.db.write(|tx| async move {
        let rows = lease(&tx, claim, |job| Decision::Send(i64::from(job.position))).await?;
        if let Some(leased) = leased.lock().expect("no panic").take() {
            leased.send(()).expect("somebody waits");
        }
        // Long enough for the takeover to come, which has to wait.
        sleep(Duration::from_millis(600)).await;
        Ok(rows.jobs.len())
    });
    let takeover = async {
        told.await.expect("it leases");
        service::take_over(&office.on, &gone, Gone::Ended).await
    };
    let (leasing, takeover) = tokio::join!(leasing, takeover);
    assert_eq!((leasing.expect("leases"), takeover.expect("takes over")), (3, true));
    let row = office.progress(id).await;
    assert_eq!((row.queued, row.sending), (4, 0));
    assert_eq!(office.jobs(id).await.iter().filter(|job| job.ambiguous_since.is_some()).count(), 3);
}

/// R25: a lease that a power cut forgets is a message sent twice.
#[tokio::test]
async fn commits_that_a_crash_may_forget_are_refused() {
    let office = Office::open().await;
    if let Some(url) = office.database_url() {
        let error = Db::postgres(&format!("{url}?options[synchronous_commit]=off"), 1).await.expect_err("refused");
        assert!(error.to_string().contains("synchronous_commit = off"), "{error}");
    } else {
        let ask = Statement::from_string(office.on.db.backend(), "PRAGMA synchronous");
        let rows = office.on.db.write_alone(ask).await.expect("answers");
        assert_eq!(rows[0].try_get_by_index::<i32>(0).expect("a number"), 2, "FULL");
    }
}

/// R23: with SQLite's busy handler alone some writers starve, a pause among them. In the queue each gets its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_sqlite_take_turns() {
    let office = Office::open().await;
    if office.on.db.is_postgres() {
        return; // There writers do not wait for each other.
    }
    let began = Instant::now();
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let db = office.on.db.clone();
            tokio::spawn(async move {
                let mut turns = 0;
                while began.elapsed() < Duration::from_millis(1_500) {
                    let touch = "UPDATE users SET version = version + 1";
                    db.write(|tx| async move { Ok(tx.execute_unprepared(touch).await.map(drop)?) }).await?;
                    turns += 1;
                }
                Ok::<i32, Error>(turns)
            })
        })
        .collect();
    let mut turns = Vec::new();
    for writer in writers {
        turns.push(writer.await.expect("no panic").expect("writes"));
    }
    let (least, most) = (turns.iter().min().expect("some"), turns.iter().max().expect("some"));
    assert!(most - least <= 2, "{turns:?}");
}

/// R25: an answer that the database refuses for what it says holds up none of the others.
#[tokio::test]
async fn an_answer_that_cannot_be_stored_is_set_aside_and_its_job_is_not_sent_twice() {
    let office = Office::open().await;
    let id = office.campaign(&names("poison", 300), 60_000).await;
    office.start(id).await;
    let when = "NEW.position = 7 AND NEW.message_id IS NOT NULL";
    let triggers = if office.on.db.is_postgres() {
        vec![
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poison'; END $$".to_owned(),
            format!("CREATE TRIGGER poison BEFORE UPDATE ON jobs FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse()"),
        ]
    } else {
        vec![format!(
            "CREATE TRIGGER poison BEFORE UPDATE ON jobs WHEN {when} BEGIN SELECT RAISE(ABORT, 'poison'); END"
        )]
    };
    for sql in triggers {
        let sql = &sql;
        let made = office.on.db.write(|tx| async move { Ok(tx.execute_unprepared(sql).await.map(drop)?) }).await;
        made.expect("a trigger");
    }
    let worker = office.worker();
    let row = office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(row.sent, 300);
    let ledger = office.ledger();
    assert_eq!(ledger.len(), 300, "nobody twice");
    let unknown: Vec<i32> =
        office.jobs(id).await.iter().filter(|job| job.message_id.is_none()).map(|job| job.position).collect();
    assert_eq!(unknown, [7], "only what could not be stored is lost");
}
