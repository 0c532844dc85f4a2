//! The pace of a campaign over its last seconds, and how long the rest takes at it.

use std::collections::VecDeque;

use domain::broadcast::ProgressStatus;
use domain::pacing::interval;
use storage::broadcast::progress;

/// The pace is taken over so long, or over five sends where these take longer, but not over more than a minute.
const SHORTEST: i64 = 10 * SECOND;
const LONGEST: i64 = 60 * SECOND;
const SENDS: i64 = 5;

/// Over less there is no pace yet: a send or two more would double it.
const MEANINGFUL: i64 = 3 * SECOND;

const SECOND: i64 = 1_000_000_000;

/// Counters at some instants of the last seconds, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<Sample>);

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: i64,
    sent: i32,
    done: i32,
}

impl Pace {
    /// Remembers the counters of `now`, in nanoseconds since 1970.
    pub(super) fn note(&mut self, now: i64, row: &progress::Model) {
        let sample = Sample { at: now, sent: row.sent, done: row.done() };
        // A retry takes jobs back, and a clock may step: both make earlier counters meaningless.
        if self.0.back().is_some_and(|last| last.at > now || last.done > sample.done || last.sent > sample.sent) {
            self.0.clear();
        }
        self.0.push_back(sample);
        let span = (interval(row.delivery_rate.max(1)).saturating_mul(SENDS)).clamp(SHORTEST, LONGEST);
        while self.0.get(1).is_some_and(|second| now - second.at >= span) {
            self.0.pop_front();
        }
    }

    /// Messages accepted a minute.
    pub(super) fn sent_per_minute(&self) -> i32 {
        let rate = self.per_second(|sample| sample.sent).unwrap_or(0.0) * 60.0;
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
        let rate = rate.round() as i32;
        rate
    }

    /// Seconds until the last job has ended, if the campaign runs: at the pace of its last seconds, if that is the slower
    /// one, else at its rate; and after the server's wait.
    pub(super) fn seconds_left(&self, row: &progress::Model, now: i64) -> Option<i32> {
        if row.status != ProgressStatus::Running {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a forecast needs no nine digits")]
        let promised = row.delivery_rate.max(1) as f64 / 60.0;
        let span = self.0.back()?.at - self.0.front()?.at;
        let observed = self.per_second(|sample| sample.done).filter(|rate| span >= MEANINGFUL && *rate > 0.0);
        let rate = observed.map_or(promised, |observed| observed.min(promised));
        #[expect(clippy::cast_precision_loss, reason = "a forecast needs no nine digits")]
        let wait = (row.not_before - now).max(0) as f64 / SECOND as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
        let left = (wait + f64::from(row.queued + row.sending) / rate).ceil() as i32;
        Some(left)
    }

    fn per_second(&self, counter: impl Fn(&Sample) -> i32) -> Option<f64> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        #[expect(clippy::cast_precision_loss, reason = "a forecast needs no nine digits")]
        let seconds = (last.at - first.at).max(MEANINGFUL) as f64 / SECOND as f64;
        Some(f64::from(counter(last) - counter(first)) / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::BroadcastCampaignId;

    fn row(sent: i32, failed: i32, queued: i32) -> progress::Model {
        progress::Model {
            campaign_id: BroadcastCampaignId::generate(),
            status: ProgressStatus::Running,
            delivery_rate: 600,
            run: 1,
            last_slot: 0,
            slots_taken: 0,
            not_before: 0,
            failures_in_a_row: 0,
            version: 1,
            seq: 0,
            preview: 0,
            total: sent + failed + queued,
            queued,
            sending: 0,
            sent,
            failed,
            cancelled: 0,
            unknown: 0,
        }
    }

    #[test]
    fn the_pace_is_that_of_the_last_ten_seconds() {
        let mut pace = Pace::default();
        assert_eq!(pace.sent_per_minute(), 0);
        for second in 0..60 {
            let sent = if second < 40 { 0 } else { 10 * i32::try_from(second - 40).unwrap() };
            pace.note(second * SECOND, &row(sent, 0, 1_000 - sent));
        }
        assert_eq!(pace.sent_per_minute(), 600);
        assert!(pace.0.len() <= 11);
    }

    #[test]
    fn a_burst_at_the_beginning_is_no_pace() {
        let mut pace = Pace::default();
        pace.note(0, &row(0, 0, 1_000));
        pace.note(SECOND / 5, &row(4, 0, 996));
        assert_eq!(pace.sent_per_minute(), 80, "not 1,200, which was never promised");
    }

    #[test]
    fn the_rest_takes_as_long_as_the_slower_pace_says() {
        let mut pace = Pace::default();
        pace.note(0, &row(0, 0, 1_000));
        assert_eq!(pace.seconds_left(&row(0, 0, 1_000), 0), Some(100), "nothing is known but the rate");
        pace.note(10 * SECOND, &row(40, 10, 950));
        assert_eq!(pace.sent_per_minute(), 240);
        assert_eq!(pace.seconds_left(&row(40, 10, 950), 10 * SECOND), Some(190), "failures take time too");
        let flooded = progress::Model { not_before: 30 * SECOND, ..row(40, 10, 950) };
        assert_eq!(pace.seconds_left(&flooded, 10 * SECOND), Some(210));
        pace.note(20 * SECOND, &row(340, 10, 650));
        assert_eq!(pace.seconds_left(&row(340, 10, 650), 20 * SECOND), Some(65), "never faster than promised");
    }

    #[test]
    fn what_does_not_run_has_no_end_in_sight() {
        use ProgressStatus::{Completed, Paused, Queued, Starting};
        for status in [Queued, Starting, Paused, Completed] {
            let row = progress::Model { status, ..row(0, 0, 10) };
            let mut pace = Pace::default();
            pace.note(0, &row);
            assert_eq!(pace.seconds_left(&row, 0), None);
        }
    }

    #[test]
    fn a_retry_starts_the_measurement_anew() {
        let mut pace = Pace::default();
        pace.note(0, &row(50, 50, 0));
        pace.note(5 * SECOND, &row(50, 0, 50));
        assert_eq!(pace.sent_per_minute(), 0);
        pace.note(10 * SECOND, &row(100, 0, 0));
        assert_eq!(pace.sent_per_minute(), 600);
    }
}
