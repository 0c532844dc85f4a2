//! The rate as a promise: when a send may start (R1 to R3).
//!
//! Slots are instants at which one send of a campaign may start. They are at least [`interval`] apart and each may be used
//! at most [`GRACE`] late, so R + 1 starts span more than 60 s: no closed 60-second window ever holds more than R.

use std::time::Duration;

use super::clock::duration_nanos;

/// H: how far ahead slots are taken.
pub const HORIZON: Duration = Duration::from_millis(250);
/// g: how late a slot may be used.
pub const GRACE: Duration = Duration::from_millis(250);
/// How far in the past a slot may be taken: half of g, so that what is left of it is enough for the lease. With all of g a
/// database that cannot keep up with the rate made every lease come too late for its first slots: their jobs went back, were
/// leased again, and 1,000,000 jobs cost 4,600,000 updates instead of 2,000,000.
pub const CATCH_UP: Duration = Duration::from_millis(125);
/// D: no send starts later than this after its claim began. It bounds late slots, slots lost in a crash, the time that a
/// pause takes, and the sends that a crash leaves ambiguous.
pub const DEADLINE: Duration = Duration::from_millis(500);
/// How long pause and cancel wait after they are committed: D and a margin. Then every start that was claimed before is
/// over (R5).
pub const BARRIER: Duration = Duration::from_millis(550);

/// Messages a minute that a campaign may ask for.
pub const RATES: std::ops::RangeInclusive<i32> = 1..=1_000_000;

/// The nanoseconds of a minute and a grace: the span that R + 1 slots must exceed.
pub const SPAN: i64 = 60_250_000_000;

const H: i64 = 250_000_000;
const G: i64 = 250_000_000;
const CAUGHT_UP: i64 = 125_000_000;

/// T: nanoseconds between two slots at `rate` messages a minute.
///
/// 60 s divided by the rate would put R + 1 starts into a closed window even without stalls; this uses 99.58 % of the rate.
pub const fn interval(rate: i64) -> i64 {
    SPAN.div_euclid(rate) + (SPAN.rem_euclid(rate) != 0) as i64 + 1
}

/// Where the next slot of a campaign lies; `now`, `last_slot` and `not_before` are in nanoseconds since 1970.
///
/// A campaign that was kept busy catches up what a stall of at most [`CATCH_UP`] cost it. One that was idle starts at `now`: a
/// burst would be within the rate, but not evenly spaced.
pub const fn next_slot(now: i64, last_slot: i64, not_before: i64, rate: i64) -> i64 {
    let due = last_slot.saturating_add(interval(rate));
    let slot = if due >= now - CAUGHT_UP { due } else { now };
    if slot >= not_before { slot } else { not_before }
}

/// Slots taken in one claim: `count` of them, T apart, the last at `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// How many.
    pub count: i64,
    /// The last one, in nanoseconds since 1970.
    pub last: i64,
    /// T.
    pub interval: i64,
}

impl Slots {
    /// At most `wanted` slots that lie not beyond the horizon, or none.
    ///
    /// The database does this arithmetic in one statement; a test holds the two against each other.
    pub fn take(now: i64, last_slot: i64, not_before: i64, rate: i64, wanted: i64) -> Option<Self> {
        let first = next_slot(now, last_slot, not_before, rate);
        let interval = interval(rate);
        (first <= now + H && wanted > 0).then(|| {
            let count = wanted.min((now + H - first) / interval + 1);
            Self { count, last: first + (count - 1) * interval, interval }
        })
    }

    /// The slots in order, in nanoseconds since 1970.
    pub fn iter(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |n| self.last - (self.count - 1 - n) * self.interval)
    }
}

/// Whether a send may be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The job's slot is still to come: wait this many nanoseconds.
    Wait(i64),
    /// Now.
    Go,
    /// The slot or the claim is too old: the job goes back untouched, the slot is forfeited.
    Missed,
}

/// R1, the last check before the hand-over: within [slot, slot + g], and not later than D after the claim began.
///
/// `claimed` and `elapsed` are monotonic: when the claim began, and now. A slot that lies behind that deadline can't be used any
/// more: the clock by which it was taken has been set back since.
pub fn start(slot: i64, now: i64, claimed: Duration, elapsed: Duration) -> Start {
    let age = duration_nanos(elapsed.saturating_sub(claimed));
    let left = duration_nanos(DEADLINE) - age;
    if left < 0 || now > slot + G || slot - now > left {
        Start::Missed
    } else if now < slot {
        Start::Wait(slot - now)
    } else {
        Start::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_exceeds_a_minute_and_a_grace_over_the_rate() {
        for rate in [1i64, 2, 3, 7, 20, 600, 59_999, 60_000, 999_999, 1_000_000] {
            let span = interval(rate) * rate;
            assert!(span > SPAN, "{rate}: {span}");
            assert!(60_000_000_000 * 100 > span * 99, "{rate} uses less than 99 %");
        }
    }

    #[test]
    fn an_idle_campaign_starts_now_and_a_busy_one_goes_on_where_it_was() {
        let now = 1_000_000_000_000;
        assert_eq!(next_slot(now, 0, 0, 60), now);
        assert_eq!(next_slot(now, now - interval(60), 0, 60), now);
        assert_eq!(
            next_slot(now, now - interval(60) - CAUGHT_UP, 0, 60),
            now - CAUGHT_UP,
            "a short stall is caught up"
        );
        assert_eq!(next_slot(now, now - interval(60) - CAUGHT_UP - 1, 0, 60), now, "a long one is not");
        assert_eq!(next_slot(now, now, 0, 60), now + interval(60));
        assert_eq!(next_slot(now, 0, now + 5, 60), now + 5);
    }

    #[test]
    fn slots_end_at_the_horizon() {
        let now = 1_000_000_000_000;
        let taken = Slots::take(now, 0, 0, 60_000, 1_000).expect("slots are free");
        assert_eq!(taken.iter().next(), Some(now));
        assert_eq!(taken.count, H / interval(60_000) + 1);
        assert!(taken.last <= now + H);
        assert_eq!(Slots::take(now, now, 0, 20, 5), None, "the next one is 3 s away");
        assert_eq!(Slots::take(now, 0, 0, 60_000, 7).map(|slots| slots.count), Some(7));
    }

    #[test]
    fn a_start_is_never_early_never_late() {
        let ms = Duration::from_millis;
        assert_eq!(start(100, 90, ms(0), ms(0)), Start::Wait(10));
        assert_eq!(start(100, 100, ms(0), ms(500)), Start::Go);
        assert_eq!(start(100, 100 + G, ms(0), ms(1)), Start::Go);
        assert_eq!(start(100, 101 + G, ms(0), ms(1)), Start::Missed);
        assert_eq!(start(100, 100, ms(0), ms(501)), Start::Missed);
        let hour = 3_600_000_000_000;
        assert_eq!(start(hour, 0, ms(0), ms(0)), Start::Missed, "nobody waits an hour for a clock that was set back");
        assert_eq!(start(200_000_000, 0, ms(0), ms(300)), Start::Wait(200_000_000));
        assert_eq!(start(200_000_001, 0, ms(0), ms(300)), Start::Missed);
    }
}
