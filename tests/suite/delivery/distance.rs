//! A PostgreSQL that is far away: the rate is used and kept, a pause acts within a second, and a claim takes few ways there and back.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::broadcast::CampaignStatus;
use domain::id::BroadcastCampaignId;
use service::Services;
use service::broadcast::campaign;
use service::broadcast::delivery::settle::settle;
use service::broadcast::delivery::{Mission, lease};
use storage::broadcast::queue::slots;
use worker::Worker;

use super::fixture::{Accepted, Office, names};
use super::holding::{ACCEPTED, answers, hold, request};
use super::live::field::Field;
use crate::harness::{Cable, Postgres, only_on};

/// Why these tests need PostgreSQL.
const SERVER: &str = "SQLite is a file: there is no way to it that could be long";

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The office's services by a way to PostgreSQL that takes so long, and the way.
async fn behind(office: &Office, round_trip: Duration) -> (Services, Cable) {
    let cable = Cable::to(&office.database().server()).await;
    let mut far = office.on.clone();
    far.db = office.database().by(cable.port).open(office.folder.path()).await;
    cable.lengthen(round_trip);
    (far, cable)
}

/// A worker of the office whose database is so far away.
async fn far_worker(office: &mut Office, round_trip: Duration) -> (Worker, Services, Cable) {
    let (far, cable) = behind(office, round_trip).await;
    let near = std::mem::replace(&mut office.on, far.clone());
    let worker = office.worker();
    office.on = near;
    (worker, far, cable)
}

/// The most sends within `span`.
fn busiest(sends: &[Accepted], span: TimeDelta) -> usize {
    let mut at: Vec<_> = sends.iter().map(|send| send.at).collect();
    at.sort_unstable();
    (0..at.len())
        .map(|first| at[first..].iter().take_while(|last| **last - at[first] <= span).count())
        .max()
        .unwrap_or(0)
}

async fn all_sent_once(office: &Office, id: BroadcastCampaignId, jobs: usize) {
    office.until(id, CampaignStatus::Completed).await;
    office.assert_counters(id).await;
    let ledger = office.ledger();
    assert_eq!(ledger.len(), jobs);
    assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), jobs, "nothing twice");
}

#[tokio::test]
async fn heavy_a_rate_is_used_and_kept_however_far_the_database_is() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    // Ways there and back, in milliseconds.
    for way in [30, 80] {
        let mut office = Office::open().await;
        let jobs = 700;
        let id = office.campaign(&names("far", jobs), 6_000).await;
        office.start(id).await;
        let (worker, _, _cable) = far_worker(&mut office, ms(way)).await;
        all_sent_once(&office, id, jobs).await;
        worker.stop().await;
        // In its best five seconds: a machine that is busy with something else for one of them says nothing of the way.
        let most = busiest(&office.ledger(), TimeDelta::seconds(5));
        assert!(most > 450, "{most} sends in 5 s at {way} ms");
        // A hundred a second; each may come a quarter of a second late.
        let most = busiest(&office.ledger(), TimeDelta::seconds(2));
        assert!(most <= 226, "{most} sends in 2 s at {way} ms");
    }
}

#[tokio::test]
async fn heavy_a_campaign_without_a_rate_is_through_soon_though_the_database_is_far() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let mut office = Office::open().await;
    let id = office.campaign(&names("fast", 5_000), 1_000_000).await;
    office.start(id).await;
    let (worker, _, _cable) = far_worker(&mut office, ms(30)).await;
    let began = Instant::now();
    all_sent_once(&office, id, 5_000).await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    worker.stop().await;
}

/// R5: what a lead lets start later, a pause waits for.
#[tokio::test]
async fn heavy_nothing_starts_after_a_pause_has_answered_though_the_database_is_far() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    for way in [30, 150] {
        let mut office = Office::open().await;
        let id = office.campaign(&names("stopped", 2_000), 12_000).await;
        office.start(id).await;
        let (worker, far, _cable) = far_worker(&mut office, ms(way)).await;
        for _ in 0..2 {
            let before = office.ledger().len();
            office
                .until_row(id, "some sends", |row| usize::try_from(row.sent).is_ok_and(|sent| sent > before + 50))
                .await;
            let asked = Instant::now();
            campaign::pause(&far, &office.actor, id).await.expect("pauses");
            let (took, answered) = (asked.elapsed(), office.on.clock.now());
            assert!(way > 50 || took < Duration::from_secs(1), "a pause took {took:?} at {way} ms");
            // Longer than any claim of before could still start something.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let late = office.ledger().into_iter().filter(|line| line.at > answered).count();
            assert_eq!(late, 0, "sends after the answer, at {way} ms");
            campaign::resume(&far, &office.actor, id).await.expect("resumes");
        }
        let before = office.ledger().len();
        office.until_row(id, "some sends", |row| usize::try_from(row.sent).is_ok_and(|sent| sent > before + 50)).await;
        let asked = Instant::now();
        campaign::cancel(&far, &office.actor, id).await.expect("cancels");
        let (took, answered) = (asked.elapsed(), office.on.clock.now());
        assert!(way > 50 || took < Duration::from_millis(1_200), "a cancellation took {took:?} at {way} ms");
        let row = office.until_row(id, "its end", |row| row.queued + row.sending == 0).await;
        worker.stop().await;
        let ledger = office.ledger();
        assert_eq!(ledger.iter().filter(|line| line.at > answered).count(), 0, "sends after the answer");
        assert_eq!(usize::try_from(row.sent), Ok(ledger.len()));
        assert_eq!(ledger.iter().map(|line| &line.username).collect::<HashSet<_>>().len(), ledger.len());
    }
}

#[tokio::test]
async fn heavy_accounts_keep_their_pace_though_the_database_is_far() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let mut field = Field::with(2, |_, row| row.messages_per_minute = 60).await;
    let id = field.office.campaign(&names("distant", 16), 6_000).await;
    field.office.start(id).await;
    let (far, _cable) = behind(&field.office, ms(50)).await;
    let near = std::mem::replace(&mut field.office.on, far);
    let worker = field.worker();
    field.office.on = near;
    field.office.until_row(id, "the first send", |row| row.sent > 0).await;
    let began = Instant::now();
    field.office.until(id, CampaignStatus::Completed).await;
    // One a second from each of two accounts.
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    worker.stop().await;
    field.assert_once();
    assert_eq!(field.received().len(), 16);
}

/// Each way to the database and back is paid for by every message that waits for it.
#[tokio::test]
async fn a_claim_and_a_settlement_take_few_ways_to_the_database_and_back() {
    if !only_on(Postgres, SERVER) {
        return;
    }
    let office = Office::open().await;
    let id = office.campaign(&names("trips", 400), 1_000_000).await;
    office.start(id).await;
    let holder = hold(&office).await;
    let mission = Mission::load(&office.on, id).await.expect("a mission");
    let (far, cable) = behind(&office, Duration::ZERO).await;
    let mut took = Vec::new();
    // What comes first prepares its statements on its connection.
    for _ in 0..3 {
        let mut trips = Vec::new();
        let mut count = |before: usize| trips.push(cable.trips() - before);
        let before = cable.trips();
        slots::take(&far.db, id, office.on.clock.nanos(), 100).await.expect("asks").expect("slots");
        count(before);
        let claim = request(&office, id, &holder, 100).await;
        let before = cable.trips();
        let leased = lease::lease(&far, &mission, &claim).await.expect("leases");
        count(before);
        assert_eq!(leased.jobs.len(), 100);
        let answers = answers(&office, &leased, Some(&ACCEPTED));
        let before = cable.trips();
        settle(&far, &mission, &answers, &[leased.seq]).await.expect("settles");
        count(before);
        took = trips;
    }
    assert_eq!(took, [1, 2, 1], "slots, lease, settlement");
    let row = office.progress(id).await;
    assert_eq!((row.queued, row.sending, row.sent), (100, 0, 300));
    office.assert_counters(id).await;
}
