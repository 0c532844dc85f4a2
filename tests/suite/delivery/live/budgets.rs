//! What an account may do in a day, and at what pace.

use std::time::Duration;

use domain::broadcast::CampaignStatus;
use domain::pacing::{GRACE, interval};

use super::super::fixture::names;
use super::field::Field;

#[tokio::test]
async fn a_day_has_so_many_new_peers_and_look_ups() {
    for (peers, resolves) in [(3, 100_000), (100_000, 4)] {
        let field = Field::with(1, |_, row| {
            row.new_peers_per_day = peers;
            row.resolves_per_day = resolves;
        })
        .await;
        let first = field.office.campaign(&names("day", 8), 6_000).await;
        field.office.start(first).await;
        let worker = field.worker();
        let most = i32::min(peers, resolves);
        field.office.until_row(first, "the day's budget", |row| row.sent == most).await;
        // Who was written to before may be written to again.
        let second = field.office.campaign_of(field.office.batch_of(first).await, 6_000).await;
        field.office.start(second).await;
        field.office.until_row(second, "the known ones", |row| row.sent == most).await;
        worker.stop().await;
        let account = field.account(0).await;
        assert_eq!(field.received().len(), usize::try_from(most).expect("few"));
        assert!(account.new_peers_today <= peers && account.resolves_today <= resolves, "{account:?}");
        assert!(field.resolves().len() <= usize::try_from(resolves).expect("few"));
    }
}

/// Two campaigns by one account: together they keep its pace, and each its own.
#[tokio::test]
async fn an_account_keeps_its_pace_over_all_its_campaigns() {
    let rate = 600;
    let field = Field::with(1, |_, row| row.messages_per_minute = 600).await;
    let one = field.office.campaign(&names("one", 10), 6_000).await;
    let two = field.office.campaign(&names("two", 10), 6_000).await;
    field.office.start(one).await;
    field.office.start(two).await;
    let worker = field.worker();
    field.office.until(one, CampaignStatus::Completed).await;
    field.office.until(two, CampaignStatus::Completed).await;
    worker.stop().await;
    assert_eq!(field.sends().len(), 20);
    let mut starts = Vec::new();
    for id in [one, two] {
        starts.extend(field.office.jobs(id).await.into_iter().filter_map(|job| job.started_at));
    }
    starts.sort_unstable();
    assert_eq!(starts.len(), 20);
    for (n, first) in starts.iter().enumerate() {
        for (later, distance) in starts[n..].iter().zip(0u32..) {
            let least = Duration::from_nanos(interval(rate).unsigned_abs()) * distance;
            // The later one may be on time and the earlier one late; instants are stored in milliseconds.
            let apart = (*later - *first).to_std().expect("they are in order") + GRACE + Duration::from_millis(1);
            assert!(apart >= least, "{distance} sends within {apart:?}");
        }
    }
    field.assert_once();
}
