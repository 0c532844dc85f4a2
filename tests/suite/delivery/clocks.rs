//! A clock that jumps loosens no rate and stops no campaign (R19).

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::DateTime;
use domain::audit::Action;
use domain::broadcast::CampaignStatus;
use domain::clock::{Clock, Sample, SystemClock, VirtualClock};
use domain::id::BroadcastCampaignId;
use domain::pacing::interval;
use service::broadcast::pace;
use storage::broadcast::queue::slots;

use super::fixture::{Office, names};
use crate::harness::{Cable, Postgres, only_on};

async fn office() -> (Office, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::at(DateTime::from_timestamp(1_800_000_000, 0).expect("in range")));
    (Office::with_clock(clock.clone()).await, clock)
}

#[tokio::test]
async fn a_jump_forward_gives_no_slot_before_its_time() {
    let (office, clock) = office().await;
    let id = office.campaign(&names("jump", 10), 20).await;
    office.start(id).await;
    let take = async || slots::take(&office.on.db, id, clock.nanos(), 5).await.expect("asks");
    assert_eq!(take().await.expect("the first slot is free").slots.count, 1);
    assert!(take().await.is_none());
    // The machine's clock was ten seconds behind, and is set right.
    clock.advance(Duration::from_secs(10));
    pace::before_jump(&office.on, clock.nanos()).await.expect("mends");
    assert!(take().await.is_none(), "no time has passed for Telegram");
    clock.advance(Duration::from_nanos(u64::try_from(interval(20)).expect("positive")));
    assert_eq!(take().await.expect("the next slot").slots.count, 1);
}

#[tokio::test]
async fn a_slot_far_in_the_future_is_brought_back_and_audited() {
    let (office, clock) = office().await;
    let id = office.campaign(&names("fault", 10), 20).await;
    office.start(id).await;
    slots::take(&office.on.db, id, clock.nanos() + 3_600_000_000_000, 1).await.expect("asks").expect("a slot");
    assert!(
        slots::take(&office.on.db, id, clock.nanos(), 1).await.expect("asks").is_none(),
        "it stands still for an hour"
    );
    pace::mend_faults(&office.on).await.expect("mends");
    assert_eq!(office.progress(id).await.last_slot, clock.nanos());
    assert_eq!(office.audited(Action::ClockCorrected).await, 1);
    pace::mend_faults(&office.on).await.expect("mends");
    assert_eq!(office.audited(Action::ClockCorrected).await, 1, "only what is wrong");
}

/// A worker of a fleet whose machine is wrong by `seconds`, and one slot that it has taken by that time.
async fn wrong_by(seconds: i64, rate: i32) -> Option<(Office, Arc<SystemClock>, BroadcastCampaignId)> {
    if !only_on(Postgres, "on SQLite there is one clock, and nobody to differ from") {
        return None;
    }
    let clock = Arc::new(SystemClock::new());
    clock.steer(Sample { ahead: seconds * 1_000_000_000, error: 0 });
    let office = Office::with_clock(clock.clone()).await;
    let id = office.campaign(&names("wrong", 20), rate).await;
    office.start(id).await;
    slots::take(&office.on.db, id, clock.nanos(), 1).await.expect("asks").expect("a slot");
    Some((office, clock, id))
}

#[tokio::test]
async fn a_worker_whose_clock_is_an_hour_ahead_is_set_right_and_goes_on() {
    let Some((office, clock, id)) = wrong_by(3_600, 6_000).await else { return };
    let (worker, _steered) = office.steered_worker(clock.clone()).await;
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let sample = office.on.db.compare(|| clock.nanos()).await.expect("asks");
    assert!(sample.ahead.abs() < 200_000_000, "{sample:?}");
    // A claim that was on its way when the clock was set takes one more slot by the old time.
    assert!((1..=2).contains(&office.audited(Action::ClockCorrected).await));
}

#[tokio::test]
async fn a_worker_whose_clock_is_an_hour_behind_sends_nothing_early_when_it_is_set_right() {
    let Some((office, clock, id)) = wrong_by(-3_600, 1).await else { return };
    let (worker, _steered) = office.steered_worker(clock.clone()).await;
    // Nothing comes, for as long as it takes to set the clock.
    tokio::time::sleep(Duration::from_secs(2)).await;
    worker.stop().await;
    let sample = office.on.db.compare(|| clock.nanos()).await.expect("asks");
    assert!(sample.ahead.abs() < 200_000_000, "{sample:?}");
    assert_eq!(office.progress(id).await.sent, 0, "its one slot of this minute is taken");
}

/// Why these tests need PostgreSQL.
const FLEET: &str = "on SQLite there is one clock, and nobody to differ from";

#[tokio::test]
async fn heavy_a_step_of_the_databases_clock_loosens_no_rate() {
    const RATE: usize = 12_000;
    if !only_on(Postgres, FLEET) {
        return;
    }
    let office = Office::open().await;
    office.database().has_own_time().await;
    let id = office.campaign(&names("step", 8_000), RATE.try_into().expect("small")).await;
    office.start(id).await;
    let mut fleet = Vec::new();
    // As in life: they don't ask for the time together.
    for _ in 0..3 {
        fleet.push(office.steered_worker(Arc::new(SystemClock::new())).await);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    for seconds in [60, -600, -605] {
        office.database().step(seconds).await;
        let (began, before) = (Instant::now(), office.ledger().len());
        tokio::time::sleep(Duration::from_secs(4)).await;
        let (took, sent) = (began.elapsed(), office.ledger().len() - before);
        // What a window of a minute has in reserve, for the slots that were taken by the time before.
        let most = RATE * usize::try_from((took + Duration::from_millis(300)).as_millis()).expect("short") / 60_000;
        assert!(sent <= most, "{sent} of at most {most} in {took:?} after a step to {seconds} s");
        assert!(sent >= most / 4, "{sent} of {most} in {took:?} after a step to {seconds} s: it stands still");
    }
    let ledger = office.ledger();
    let once: std::collections::HashSet<_> = ledger.iter().map(|line| &line.username).collect();
    assert_eq!(once.len(), ledger.len(), "nothing twice");
    for (worker, _steered) in fleet {
        worker.stop().await;
    }
}

#[tokio::test]
async fn nobody_takes_slots_or_mends_them_by_another_time_than_the_databases() {
    if !only_on(Postgres, FLEET) {
        return;
    }
    let mut office = Office::open().await;
    let id = office.campaign(&names("other", 20), 6_000).await;
    office.start(id).await;
    office.on.db = office.database().open(office.folder.path()).await.clocked();
    let take = async |ahead_millis: i64| {
        let now = office.on.clock.nanos() + ahead_millis * 1_000_000;
        slots::take(&office.on.db, id, now, 1).await.expect("asks").is_some()
    };
    for ahead in [3_600_000, 60_000, 500, -1_000, -60_000, -3_600_000] {
        assert!(!take(ahead).await, "{ahead} ms ahead");
        // And whoever holds the clock is told.
        tokio::time::timeout(Duration::from_secs(5), office.on.db.doubted()).await.expect("it is doubted");
    }
    assert!(take(0).await && take(20).await);
    // On a long way a statement is late by as much as its claim allows for, and its clock is right all the same.
    let now = office.on.clock.nanos() - 1_000_000_000;
    let late = slots::take_ahead(&office.on.db, id, (now, now + 1_500_000_000), 1, None).await.expect("asks");
    assert!(late.is_some(), "its lead is longer than it was under way");

    // To one who is behind, all that others have taken lies far ahead.
    let late = SystemClock::new();
    late.steer(Sample { ahead: -60_000_000_000, error: 0 });
    let behind = service::Services { clock: Arc::new(late), ..office.on.clone() };
    let last = office.progress(id).await.last_slot;
    pace::mend_faults(&behind).await.expect("asks");
    assert_eq!((office.progress(id).await.last_slot, office.audited(Action::ClockCorrected).await), (last, 0));
}

#[tokio::test]
async fn answers_that_are_held_up_set_no_clock() {
    if !only_on(Postgres, FLEET) {
        return;
    }
    let office = Office::open().await;
    let cable = Cable::to(&office.database().server()).await;
    let clock = Arc::new(SystemClock::new());
    let mut on = office.on.clone();
    on.db = office.database().by(cable.port).open(office.folder.path()).await.clocked();
    on.clock = clock.clone();
    let machine = SystemClock::new();
    let stop = tokio_util::sync::CancellationToken::new();
    let steering = tokio::spawn(service::steering::run(on.clone(), clock.clone(), stop.clone()));
    let mut furthest = 0;
    for _ in 0..6 {
        cable.stand_still();
        on.db.doubt();
        tokio::time::sleep(Duration::from_millis(400)).await;
        cable.go_on();
        cable.lengthen(Duration::from_millis(60));
        on.db.doubt();
        tokio::time::sleep(Duration::from_millis(300)).await;
        furthest = furthest.max((clock.nanos() - machine.nanos()).abs());
    }
    stop.cancel();
    steering.await.expect("it ends");
    assert!(furthest < 50_000_000, "{furthest} ns");
}
