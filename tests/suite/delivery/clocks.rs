//! A clock that jumps loosens no rate and stops no campaign (R19).

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::audit::Action;
use domain::broadcast::CampaignStatus;
use domain::clock::{Clock, SystemClock, VirtualClock};
use domain::id::BroadcastCampaignId;
use domain::pacing::interval;
use service::broadcast::pace;
use storage::broadcast::queue::slots;

use super::fixture::{Office, names};
use crate::harness::{Postgres, only_on};

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
    clock.steer(seconds * 1_000_000_000);
    let office = Office::with_clock(clock.clone()).await;
    let id = office.campaign(&names("wrong", 20), rate).await;
    office.start(id).await;
    slots::take(&office.on.db, id, clock.nanos(), 1).await.expect("asks").expect("a slot");
    Some((office, clock, id))
}

#[tokio::test]
async fn a_worker_whose_clock_is_an_hour_ahead_is_set_right_and_goes_on() {
    let Some((office, clock, id)) = wrong_by(3_600, 6_000).await else { return };
    let worker = office.steered_worker(clock.clone());
    office.until(id, CampaignStatus::Completed).await;
    worker.stop().await;
    let ahead = office.on.db.ahead_of(|| clock.nanos()).await.expect("asks");
    assert!(ahead.abs() < 200_000_000, "{ahead} ns");
    // A claim that was on its way when the clock was set takes one more slot by the old time.
    assert!((1..=2).contains(&office.audited(Action::ClockCorrected).await));
}

#[tokio::test]
async fn a_worker_whose_clock_is_an_hour_behind_sends_nothing_early_when_it_is_set_right() {
    let Some((office, clock, id)) = wrong_by(-3_600, 1).await else { return };
    let worker = office.steered_worker(clock.clone());
    // Nothing comes, for as long as it takes to set the clock.
    tokio::time::sleep(Duration::from_secs(2)).await;
    worker.stop().await;
    let ahead = office.on.db.ahead_of(|| clock.nanos()).await.expect("asks");
    assert!(ahead.abs() < 200_000_000, "{ahead} ns");
    assert_eq!(office.progress(id).await.sent, 0, "its one slot of this minute is taken");
}
