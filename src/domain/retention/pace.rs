//! How many contacts a minute all processes together make on one channel, at most. Providers have paces of their own besides.

use std::time::Duration;

use super::words::ContactChannel;
use crate::pacing::{SPAN, Slots, interval, next_slot};

/// Contacts a minute.
pub const fn per_minute(channel: ContactChannel, is_simulated: bool) -> i64 {
    if is_simulated {
        return 600_000;
    }
    match channel {
        ContactChannel::Email => 1_200,
        ContactChannel::Sms => 600,
        ContactChannel::Call | ContactChannel::Telegram => 60,
        ContactChannel::Webhook => 6_000,
    }
}

/// The slots of a channel, at most `wanted`, that can be used from `from` on and lie not beyond `until`; `last` is the one that was
/// taken last. All are nanoseconds since 1970.
///
/// The database does this arithmetic in one statement; a test holds the two against each other.
pub fn slots(from: i64, until: i64, last: i64, rate: i64, wanted: i64) -> Option<Slots> {
    // A slot far in the future is the mark of a clock that was wrong (R19).
    let first = next_slot(from, last.min(from + SPAN), 0, rate);
    let interval = interval(rate);
    (first <= until && wanted > 0).then(|| {
        let count = wanted.min((until - first) / interval + 1);
        Slots { count, last: first + (count - 1) * interval, interval }
    })
}

/// How far ahead of a claim's last statements its slots begin: as long as these took lately. What begins earlier would be missed,
/// and what begins much later waits for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lead(Duration);

impl Lead {
    /// The lead after its part of a claim took so long: at once as much and a quarter more, or a little less than it was.
    #[must_use]
    pub fn after(self, took: Duration) -> Self {
        Self((took + took / 4).max(self.0 * 7 / 8))
    }

    /// The time that it gives.
    pub const fn time(self) -> Duration {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn slots_begin_where_the_claim_will_end_and_go_on_from_the_last() {
        let (now, rate) = (1_000_000_000_000, 6_000);
        let taken = slots(now + 80 * MS, now + 280 * MS, 0, rate, 100).unwrap();
        assert_eq!(taken.iter().next(), Some(now + 80 * MS));
        assert!(taken.last <= now + 280 * MS && taken.count == 20, "{taken:?}");
        let more = slots(now + 80 * MS, now + 500 * MS, taken.last, rate, 1).unwrap();
        assert_eq!(more.last, taken.last + interval(rate));
        assert_eq!(slots(now, now + 250 * MS, now + 300 * MS, rate, 1), None, "the next one is too far away");
        let wrong = slots(now, now + 250 * MS, now + 1_000 * SPAN, 1, 1);
        assert_eq!(wrong, None, "a slot far in the future binds for a minute, not for ever");
    }

    #[test]
    fn a_lead_follows_a_slow_line_at_once_and_a_fast_one_slowly() {
        let ms = Duration::from_millis;
        let slow = Lead::default().after(ms(160));
        assert_eq!(slow.time(), ms(200));
        let fast = slow.after(ms(4));
        assert_eq!(fast.time(), ms(175));
        let settled = (0..60).fold(fast, |lead, _| lead.after(ms(4)));
        assert_eq!(settled.time(), ms(5));
    }
}
