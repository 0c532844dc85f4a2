//! A worker over time that the test lets pass: slots, stalls, time-outs, waits, leases, lost events.

use std::time::Duration;

use domain::broadcast::{JobStatus, ProgressStatus};
use domain::clock::Clock;
use domain::delivery::{Fault, Receipt};
use sea_orm::{ConnectionTrait, EntityTrait};
use service::broadcast::campaign;
use storage::Db;
use storage::broadcast::queue::senders;
use storage::broadcast::sender;

use super::fixture::names;
use super::holding::{claim, hold};
use super::scripted::{ACCEPTED, Lab};
use crate::harness::{Postgres, eventually, only_on};

const MS: Duration = Duration::from_millis(1);
const SECOND: i64 = 1_000_000_000;

/// R1: whatever froze the process, what it had leased before goes back unsent, and costs nothing.
#[tokio::test]
async fn a_stall_forfeits_the_slots_that_it_ran_over() {
    let lab = Lab::open(|_| ACCEPTED).await;
    let id = lab.office.campaign(&names("stall", 12), 600).await;
    lab.office.start(id).await;
    let worker = lab.worker();
    // The first claim gives three slots within the horizon; one of them is now.
    lab.office.until_row(id, "the first claim", |row| row.sent == 1 && row.sending == 2).await;
    lab.clock.advance(Duration::from_secs(10));
    let after = lab.clock.nanos();
    lab.office.until_row(id, "the next one", |row| row.sent >= 2).await;
    // A second one would have been there by now.
    tokio::time::sleep(100 * MS).await;
    assert_eq!(lab.calls().iter().filter(|call| call.at == after).count(), 1, "one new slot, and none of the old ones");
    lab.pass_until("the end", 5 * MS, async || lab.office.progress(id).await.sent == 12).await;
    worker.stop().await;
    lab.assert_paced(600);
    assert!(lab.office.jobs(id).await.iter().all(|job| job.attempts == 1), "what went back cost no attempt");
}

/// R3, R11: a repetition keeps its identity, and takes a slot of its own.
#[tokio::test]
async fn repetitions_take_slots_too() {
    let lab = Lab::open(|call| match call.nth {
        0 => Some(Err(Fault::ConnectionLost)),
        _ => Some(Ok(Receipt::Duplicate)),
    })
    .await;
    let id = lab.office.campaign(&names("again", 20), 600).await;
    lab.office.start(id).await;
    let worker = lab.worker();
    lab.pass_until("the end", 5 * MS, async || lab.office.progress(id).await.sent == 20).await;
    worker.stop().await;
    assert_eq!(lab.calls().len(), 40);
    lab.assert_identities(20);
    lab.assert_paced(600);
}

/// R12: no answer for ten seconds is a lost one.
#[tokio::test]
async fn a_call_that_is_never_answered_is_ambiguous_after_ten_seconds() {
    let lab = Lab::open(|call| if call.nth == 0 { None } else { ACCEPTED }).await;
    let id = lab.office.campaign(&names("silent", 1), 600).await;
    lab.office.start(id).await;
    let worker = lab.worker();
    lab.office.until_row(id, "the call", |row| row.sending == 1).await;
    lab.pass(9_800 * MS, 200 * MS).await;
    // The machine has time to do what would be due.
    tokio::time::sleep(50 * MS).await;
    assert_eq!((lab.calls().len(), lab.office.progress(id).await.sending), (1, 1), "one call at a time");
    lab.pass(400 * MS, 200 * MS).await;
    lab.office.until_row(id, "the time-out", |row| row.queued == 1).await;
    let job = lab.office.jobs(id).await.remove(0);
    assert_eq!((job.error_message.as_deref(), job.attempts), (Some("TIMED_OUT"), 0));
    assert!(job.ambiguous_since.is_some());
    lab.pass_until("the repetition", 20 * MS, async || lab.office.progress(id).await.sent == 1).await;
    worker.stop().await;
    let calls = lab.calls();
    assert_eq!((calls.len(), calls[0].random_id), (2, calls[1].random_id));
    assert!(calls[1].at - calls[0].at >= 11 * SECOND, "it was repeated after a second");
}

/// R11: as long as Telegram surely knows the random id, and no longer.
#[tokio::test]
async fn a_lost_answer_is_repeated_within_the_window_and_then_unknown() {
    let mut lab = Lab::open(|_| Some(Err(Fault::ConnectionLost))).await;
    lab.office.rule(|rules| rules.dedupe_window = Duration::from_secs(30));
    let id = lab.office.campaign(&names("window", 1), 600).await;
    lab.office.start(id).await;
    let worker = lab.worker();
    lab.pass_until("the end", 20 * MS, async || lab.office.progress(id).await.status == ProgressStatus::Completed)
        .await;
    worker.stop().await;
    assert_eq!(lab.office.progress(id).await.unknown, 1);
    let calls = lab.calls();
    assert!(calls.len() >= 4, "{calls:?}");
    lab.assert_identities(1);
    assert!(calls.iter().all(|call| call.at - calls[0].at < 30 * SECOND), "{calls:?}");
}

/// R18: to the second, from the instant it is read, whatever has been leased; and for this campaign only.
#[tokio::test]
async fn a_wait_is_obeyed_from_the_instant_it_is_read() {
    let lab = Lab::open(|call| {
        let is_first = call.username == "flooded_0004" && call.nth == 0;
        if is_first { Some(Err(Fault::rpc(420, "FLOOD_WAIT_3"))) } else { ACCEPTED }
    })
    .await;
    let flooded = lab.office.campaign(&names("flooded", 20), 600).await;
    let other = lab.office.campaign(&names("other", 60), 600).await;
    lab.office.start(flooded).await;
    lab.office.start(other).await;
    let worker = lab.worker();
    lab.pass_until("the end", 10 * MS, async || {
        lab.office.progress(flooded).await.sent == 20 && lab.office.progress(other).await.sent == 60
    })
    .await;
    worker.stop().await;
    let calls = lab.calls();
    let asked = calls.iter().position(|call| call.username == "flooded_0004").expect("it was sent");
    let (before, after) = calls.split_at(asked + 1);
    let asked = before.last().expect("itself").at;
    let next = after.iter().find(|call| call.username.starts_with("flooded")).expect("it goes on").at;
    assert!((4 * SECOND..6 * SECOND).contains(&(next - asked)), "it waited {} ms", (next - asked) / 1_000_000);
    let meanwhile = after.iter().filter(|call| call.username.starts_with("other") && call.at < next).count();
    assert!(meanwhile > 10, "the other one goes on: {meanwhile}");
    assert!(lab.office.jobs(flooded).await.iter().all(|job| job.attempts == 1), "a wait costs no attempt");
}

/// R16: others may take its leases over 24 s after its last sign of life, so it starts nothing after 18.
#[tokio::test]
async fn without_signs_of_life_nothing_starts_after_eighteen_seconds() {
    let lab = Lab::open(|_| ACCEPTED).await;
    // There is no table for signs of life.
    let elsewhere = Db::sqlite(&lab.office.folder.path().join("elsewhere.db")).await.expect("opens");
    let id = lab.office.campaign(&names("numb", 300), 600).await;
    lab.office.start(id).await;
    let began = lab.clock.nanos();
    let worker = lab.worker_with_beats(elsewhere);
    lab.office.until_row(id, "the first send", |row| row.sent > 0).await;
    lab.pass(Duration::from_secs(25), 10 * MS).await;
    worker.stop().await;
    let calls = lab.calls();
    let last = calls.iter().map(|call| call.at - began).max().expect("some");
    assert!((5 * SECOND..18 * SECOND).contains(&last), "the last one after {} ms", last / 1_000_000);
    assert_eq!(calls.len(), usize::try_from(lab.office.progress(id).await.sent).expect("few"));
}

/// R16: a process elsewhere is gone when it has been silent for 24 s on one's own clock, and not before.
#[tokio::test]
async fn who_is_silent_for_twenty_four_seconds_is_taken_over() {
    if !only_on(Postgres, "on SQLite there is nobody else") {
        return;
    }
    let lab = Lab::open(|_| ACCEPTED).await;
    let office = &lab.office;
    let id = office.campaign(&names("mute", 3), 600).await;
    office.start(id).await;
    let mute = hold(office).await;
    claim(office, id, &mute, 3).await;
    let worker = lab.worker();
    let is_there = async || {
        let row = sender::Entity::find_by_id(mute.id).one(office.on.db.reader()).await.expect("reads");
        row.expect("it is remembered").ended_at.is_none() && office.progress(id).await.sending == 3
    };
    lab.pass(Duration::from_secs(20), 100 * MS).await;
    assert!(is_there().await);
    assert!(senders::beat(&office.on.db, mute.id, 1, None).await.expect("it lives").is_some());
    lab.pass(Duration::from_secs(20), 100 * MS).await;
    assert!(is_there().await, "it gave a sign of life");
    lab.pass_until("the takeover", 100 * MS, async || office.progress(id).await.sent == 3).await;
    worker.stop().await;
    assert!(!is_there().await);
    assert!(office.jobs(id).await.iter().all(|job| (job.leases, job.ambiguous_since) == (1, None)));
}

/// R16: who was taken for dead and lives begins anew.
#[tokio::test]
async fn who_was_taken_over_registers_anew_and_goes_on() {
    let lab = Lab::open(|_| ACCEPTED).await;
    let office = &lab.office;
    let id = office.campaign(&names("risen", 40), 600).await;
    office.start(id).await;
    let worker = lab.worker();
    office.until_row(id, "the first send", |row| row.sent > 0).await;
    let senders = async || sender::Entity::find().all(office.on.db.reader()).await.expect("reads");
    let first = senders().await.remove(0);
    assert!(senders::fence(&office.on.db, first.id, first.epoch, first.beat).await.expect("fences"));
    lab.pass_until("the end", 10 * MS, async || office.progress(id).await.sent == 40).await;
    assert_eq!(senders().await.len(), 2);
    worker.stop().await;
    assert_eq!(lab.calls().len(), 40);
}

/// R10: a lease that was committed and never answered is found by its key, and its jobs go back.
#[tokio::test]
async fn a_lease_that_the_holder_knows_nothing_of_goes_back_at_the_next_sign_of_life() {
    let lab = Lab::open(|_| ACCEPTED).await;
    let office = &lab.office;
    let id = office.campaign(&names("unknown", 5), 1).await;
    office.start(id).await;
    let worker = lab.worker();
    office.until_row(id, "the first send", |row| row.sent == 1).await;
    let holder = sender::Entity::find().one(office.on.db.reader()).await.expect("reads").expect("it is registered");
    let (_, leased) = claim(office, id, &holder, 2).await;
    assert_eq!(leased.jobs.len(), 2);
    lab.pass_until("the return", 50 * MS, async || office.progress(id).await.sending == 0).await;
    worker.stop().await;
    for job in office.jobs(id).await.into_iter().filter(|job| job.status == JobStatus::Queued) {
        assert_eq!((job.ambiguous_since, job.attempts, job.leases), (None, 0, 0));
    }
    assert_eq!(lab.calls().len(), 1);
    office.assert_counters(id).await;
}

/// R10: while the database takes no answers they wait, and nothing is asked twice.
#[tokio::test]
async fn what_was_learned_waits_until_the_database_takes_it() {
    if !only_on(Postgres, "SQLite can't be told to be full by a trigger; the full disk is tried elsewhere") {
        return;
    }
    let lab = Lab::open(|_| ACCEPTED).await;
    let office = &lab.office;
    let id = office.campaign(&names("waits", 20), 600).await;
    office.start(id).await;
    let run = async |sql: &str| office.on.db.reader().execute_unprepared(sql).await.map(drop).expect("runs");
    run("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full' USING ERRCODE = '53100'; END $$")
        .await;
    run("CREATE TRIGGER full_disk BEFORE UPDATE ON jobs FOR EACH ROW WHEN (NEW.status = 'SENT') EXECUTE FUNCTION full_disk()")
        .await;
    let worker = lab.worker();
    lab.pass_until("some answers", 5 * MS, async || lab.calls().len() >= 5).await;
    lab.pass(Duration::from_secs(5), 20 * MS).await;
    assert_eq!(office.progress(id).await.sent, 0);
    run("DROP TRIGGER full_disk ON jobs").await;
    lab.pass_until("the end", 5 * MS, async || office.progress(id).await.sent == 20).await;
    worker.stop().await;
    assert_eq!(lab.calls().len(), 20);
    office.assert_counters(id).await;
}

/// R22: Redis only wakes. Here it is away, so nobody tells the worker that the message was mended.
#[tokio::test]
async fn without_any_event_a_worker_sends_the_message_as_it_is_now() {
    let lab = Lab::open(|_| ACCEPTED).await;
    let office = &lab.office;
    let id = office.campaign(&names("deaf", 2), 60).await;
    office.start(id).await;
    let worker = lab.worker();
    office.until_row(id, "the first send", |row| row.sent == 1).await;
    // The same database, and no way to tell.
    let elsewhere = office.another().await;
    let (on, actor) = (&elsewhere.on, &office.actor);
    let edit = async {
        campaign::pause(on, actor, id).await?;
        let content = Some("Mended".to_owned());
        campaign::update(on, actor, id, campaign::Update { content, ..campaign::Update::default() }).await?;
        campaign::resume(on, actor, id).await
    };
    let (edited, ()) = tokio::join!(edit, async {
        // The edit is under way.
        tokio::time::sleep(100 * MS).await;
        lab.clock.advance(600 * MS);
    });
    edited.expect("edits");
    lab.pass_until("the second send", 5 * MS, async || office.progress(id).await.sent == 2).await;
    worker.stop().await;
    assert_eq!(lab.calls()[1].text, "Mended");
}

/// A new retry limit acts on the next answer.
#[tokio::test]
async fn a_new_retry_limit_acts_on_what_is_being_sent() {
    let lab = Lab::open(|_| Some(Err(Fault::rpc(500, "RPC_CALL_FAIL")))).await;
    let office = &lab.office;
    let id = office.campaign(&names("limit", 1), 600).await;
    office.start(id).await;
    let worker = lab.worker();
    office.until_row(id, "the first answer", |row| row.sending == 0 && row.queued == 1 && row.seq > 2).await;
    let change = campaign::Update { retry_limit: Some(0), ..campaign::Update::default() };
    campaign::update(&office.on, &office.actor, id, change).await.expect("changes");
    lab.pass_until("the end", 20 * MS, async || office.progress(id).await.unknown == 1).await;
    worker.stop().await;
    assert_eq!(lab.calls().len(), 2);
}

/// R24: a worker that stops claims nothing more, waits for the answers, and gives everything back.
#[tokio::test]
async fn a_worker_that_stops_settles_what_is_in_flight_and_gives_back_the_rest() {
    let lab = Lab::open(|call| if call.username == "drained_0001" { None } else { ACCEPTED }).await;
    let office = &lab.office;
    let id = office.campaign(&names("drained", 40), 600).await;
    office.start(id).await;
    let worker = lab.worker();
    office.until_row(id, "the first claim", |row| row.sending == 3).await;
    eventually("the first is handed over", async || lab.calls().len() == 1).await;
    let stopped = tokio::spawn(worker.stop());
    // Whoever did not wait would have given all back by now.
    tokio::time::sleep(100 * MS).await;
    let row = office.progress(id).await;
    assert_eq!((row.sending, row.sent), (3, 0), "it waits for the answer");
    // Time passes: the slots of the other two come, and the call is given up.
    lab.pass(300 * MS, 20 * MS).await;
    lab.office.until_row(id, "the return of what was not started", |row| row.sending == 1).await;
    lab.clock.advance(Duration::from_secs(10));
    tokio::time::timeout(Duration::from_secs(3), stopped).await.expect("soon").expect("no panic");
    let row = office.progress(id).await;
    assert_eq!((row.sending, row.sent, row.queued), (0, 0, 40));
    assert_eq!(lab.calls().len(), 1);
    let jobs = office.jobs(id).await;
    assert!(jobs[0].ambiguous_since.is_some() && jobs[1..].iter().all(|job| job.ambiguous_since.is_none()));
    let left = sender::Entity::live().all(office.on.db.reader()).await.expect("reads");
    assert!(left.is_empty(), "everything was given back");
}
