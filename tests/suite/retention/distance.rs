//! A database that is far away: contacts go out all the same, each once, and what is decided on is still so when it is written.

use std::time::{Duration, Instant};

use domain::id::RetentionSequenceId;
use domain::pacing::Slots;
use domain::retention::pace::slots;
use domain::retention::words::{ContactAttemptStatus, ContactChannel, ExecutionStatus};
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use service::retention::consent::{self, Word};
use service::retention::{contact_attempt, enrollment, sequence};
use service::stop;
use storage::retention::execution;
use storage::retention::queue::pace::{Wish, last, take};
use worker::Worker;

use super::engine::{Bureau, email};
use crate::delivery::fixture::Office;
use crate::harness::{Cable, Postgres, only_on, within};

const PATIENCE: Duration = Duration::from_mins(1);
/// Real time: within contact hours.
const START: &str = "2026-03-03T10:00:00Z";

/// A bureau whose worker is so far away from the database, while the test is beside it.
async fn far(round_trip: Duration) -> (Bureau, Cable, Worker) {
    let mut bureau = Bureau::open(START, 1).await;
    let office = &mut bureau.office;
    let cable = Cable::to(&office.database().server()).await;
    let behind = office.database().by(cable.port).open(office.folder.path()).await;
    let direct = std::mem::replace(&mut office.on.db, behind);
    let worker = bureau.worker();
    bureau.office.on.db = direct;
    cable.lengthen(round_trip);
    (bureau, cable, worker)
}

/// A sequence of one step that is due at once.
async fn at_once(bureau: &Bureau) -> RetentionSequenceId {
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    bureau.sequence(vec![email(script, 0)], |_| ()).await.id
}

/// Enrolls 60 leads once the worker is warm, and returns how long it took until all were contacted, each once.
async fn sixty(round_trip: Duration) -> Duration {
    let (bureau, _cable, worker) = far(round_trip).await;
    let id = at_once(&bureau).await;
    let first = bureau.lead("first", |_| ()).await;
    bureau.enroll(id, first).await;
    bureau.sent(id, 1).await;
    let mut leads = Vec::new();
    for n in 0..60 {
        leads.push(bureau.lead(&format!("lead{n}"), |_| ()).await);
    }
    for lead in leads {
        bureau.enroll(id, lead).await;
    }
    let began = Instant::now();
    let taken = async || {
        let taken = bureau.taken().len();
        if taken == 61 { Ok(()) } else { Err(taken) }
    };
    within(PATIENCE, "all are contacted", taken).await;
    let took = began.elapsed();
    let row = bureau.finish(id).await;
    worker.stop().await;
    assert_eq!((row.steps_sent, row.steps_unknown, row.steps_failed), (61, 0, 0), "{row:?}");
    bureau.counters_are_right(id).await;
    assert!(bureau.taken().values().all(|times| *times == 1), "each once");
    took
}

#[tokio::test]
async fn contacts_go_out_soon_though_the_database_is_far_away() {
    if !only_on(Postgres, "there is no way to SQLite") {
        return;
    }
    let took = sixty(Duration::from_millis(30)).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn contacts_go_out_though_the_database_is_very_far_away() {
    if !only_on(Postgres, "there is no way to SQLite") {
        return;
    }
    sixty(Duration::from_millis(80)).await;
    sixty(Duration::from_millis(150)).await;
}

/// Waits until a claim has read its steps with their leads and contacts, and can't go on: it waits for the table of conversion rules.
async fn has_read(bureau: &Bureau) {
    let db = bureau.office.on.db.reader();
    let waits =
        "SELECT COUNT(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
                 AND query LIKE '%FROM _conversion_rules_%' AND pid <> pg_backend_pid()";
    within(PATIENCE, "a claim waits", async || {
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), waits)).await.unwrap().unwrap();
        if row.try_get::<i64>("", "n").unwrap() > 0 { Ok(()) } else { Err("nobody waits") }
    })
    .await;
}

/// A contact by email that somebody makes beside Herald.
fn made(lead: domain::id::LeadId) -> contact_attempt::New {
    contact_attempt::New {
        lead,
        channel: ContactChannel::Email,
        status: ContactAttemptStatus::Success,
        campaign: None,
        script: None,
        provider: None,
        provider_ref: None,
        started_at: Some(START.parse().unwrap()),
        completed_at: None,
        duration: None,
        cost: None,
        currency: None,
        result: None,
        notes: None,
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases and what holds for each")]
async fn whatever_changes_between_the_look_and_the_lease_keeps_the_contact_back() {
    if !only_on(Postgres, "on SQLite writers wait for each other") {
        return;
    }
    let bureau = Bureau::open(START, 1).await;
    let Office { on, actor, .. } = &bureau.office;
    let (id, paused) = (at_once(&bureau).await, at_once(&bureau).await);
    let campaign = bureau.campaign(|_| ()).await;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let held = bureau.sequence(vec![email(script, 0)], |new| new.campaign = Some(campaign)).await.id;
    let worker = bureau.worker();
    let warm = bureau.lead("warm", |_| ()).await;
    bureau.enroll(id, warm).await;
    bureau.sent(id, 1).await;
    // One claim decides about all of them.
    stop::stop_all(on, actor, "until all are enrolled").await.unwrap();
    let mut leads = Vec::new();
    for (name, sequence) in
        [("refuses", id), ("all", id), ("leaves", id), ("often", id), ("moves", id), ("paused", paused), ("held", held)]
    {
        let lead = bureau.lead(name, |_| ()).await;
        leads.push((lead, sequence));
    }
    let control = bureau.lead("control", |_| ()).await;
    let mut enrolled = Vec::new();
    for (lead, sequence) in leads.iter().copied().chain([(control, id)]) {
        enrolled.push(bureau.enroll(sequence, lead).await);
    }
    let gate = on.db.reader().begin().await.unwrap();
    gate.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await.unwrap();
    gate.execute_unprepared("LOCK TABLE conversion_rules IN ACCESS EXCLUSIVE MODE").await.unwrap();
    stop::resume_all(on, actor).await.unwrap();
    has_read(&bureau).await;
    // What is read beside that comes at the same instant.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let word = |channels| Word {
        channels,
        is_refusal: true,
        source: "phone".into(),
        wording: None,
        at: None,
        expected_version: None,
    };
    let of = |n: usize| leads[n].0;
    consent::set(on, actor, of(0), word(Some(vec![ContactChannel::Email]))).await.unwrap();
    consent::set(on, actor, of(1), word(None)).await.unwrap();
    enrollment::cancel(on, actor, enrolled[2].id).await.unwrap();
    for _ in 0..5 {
        contact_attempt::record(on, actor, made(of(3))).await.unwrap();
    }
    let sql = "UPDATE leads SET email = 'elsewhere@example.org', version = version + 1 WHERE first_name = 'moves'";
    on.db.reader().execute_unprepared(sql).await.unwrap();
    sequence::pause(on, actor, paused).await.unwrap();
    let sql = "UPDATE retention_campaigns SET status = 'PAUSED', version = version + 1";
    on.db.reader().execute_unprepared(sql).await.unwrap();
    gate.commit().await.unwrap();
    within(PATIENCE, "the others are contacted", async || {
        let taken = bureau.taken();
        let all = [control, of(4)].iter().all(|lead| taken.contains_key(&lead.to_string()));
        if all { Ok(()) } else { Err(taken) }
    })
    .await;
    worker.stop().await;
    let taken = bureau.taken();
    for (n, why) in
        [(0, "refused"), (1, "refused all"), (2, "left"), (3, "was contacted often"), (5, "paused"), (6, "held")]
    {
        assert_eq!(taken.get(&of(n).to_string()), None, "{why}");
    }
    let status = async |n: usize| bureau.executions(of(n)).await[0].status;
    assert_eq!(status(0).await, ExecutionStatus::Skipped);
    assert_eq!((status(1).await, status(2).await), (ExecutionStatus::Cancelled, ExecutionStatus::Cancelled));
    for n in [3, 5, 6] {
        assert_eq!(status(n).await, ExecutionStatus::Scheduled);
    }
    let ledger = std::fs::read_to_string(bureau.office.folder.path().join(providers::simulated::LEDGER)).unwrap();
    assert!(ledger.contains("elsewhere@example.org") && !ledger.contains("moves@example.org"), "{ledger}");
    let leased = execution::Entity::find().all(on.db.reader()).await.unwrap();
    assert!(leased.iter().all(|row| row.lease.is_none()), "nothing is left leased");
    assert_eq!(bureau.attempts(of(0)).await.len(), 0);
}

#[tokio::test]
async fn the_database_and_the_rule_give_a_channel_the_same_slots() {
    const MS: i64 = 1_000_000;
    let office = Office::open().await;
    let db = &office.on.db;
    let now = 1_800_000_000_000_000_000;
    last(db, ContactChannel::Call).await.unwrap();
    for rate in [1, 60, 6_000, 600_000] {
        for offset in [-10_000, -130, -120, -20, 0, 100, 240, 60_000, 10_000_000] {
            for (lead, room, wanted) in [(0, 250, 1), (0, 250, 500), (160, 250, 60), (250, 20, 60)] {
                let (from, until) = (now + lead * MS, now + (lead + room) * MS);
                let before = now + offset * MS;
                let sql = format!("UPDATE channel_paces SET last_slot = {before} WHERE channel = 'CALL'");
                db.reader().execute_unprepared(&sql).await.unwrap();
                let wish = Wish {
                    channel: ContactChannel::Call,
                    rate,
                    from,
                    until,
                    count: wanted,
                    campaigns: &[],
                    clocked: None,
                };
                let taken = db.write(|tx| async move { take(&tx, wish).await }).await.unwrap();
                let rule: Option<Slots> = slots(from, until, before, rate, wanted);
                assert_eq!(taken, rule, "{rate} a minute, {offset} ms, {lead} + {room} ms, {wanted}");
                let kept = last(db, ContactChannel::Call).await.unwrap();
                assert_eq!(kept, rule.map_or(before, |slots| slots.last));
            }
        }
    }
}
