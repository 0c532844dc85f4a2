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
/// D: no send starts later than this, and what [`delay`] adds for its claim's lead, after its claim began. It bounds late slots, slots lost in a crash,
/// the time that a pause takes, and the sends that a crash leaves ambiguous.
pub const DEADLINE: Duration = Duration::from_millis(500);
/// How long pause and cancel wait where no claim has a lead: D and a margin. With the longest [`delay`] of those who claim, every
/// start that was claimed before is over then (R5).
pub const BARRIER: Duration = Duration::from_millis(550);
/// The longest lead: claims that take longer come too late for their first slots. A pause takes as much longer.
pub const LONGEST_LEAD: Duration = Duration::from_millis(1_500);
/// Leads are multiples of this, so that they seldom change.
const LEAD_STEP: Duration = Duration::from_millis(50);

/// Messages a minute that a campaign may ask for.
pub const RATES: std::ops::RangeInclusive<i32> = 1..=1_000_000;

/// The nanoseconds of a minute and a grace: the span that R + 1 slots must exceed.
pub const SPAN: i64 = 60_250_000_000;

const G: i64 = 250_000_000;
const CAUGHT_UP: i64 = 125_000_000;

/// T: nanoseconds between two slots at `rate` messages a minute.
///
/// 60 s divided by the rate would put R + 1 starts into a closed window even without stalls; this uses 99.58 % of the rate.
pub const fn interval(rate: i64) -> i64 {
    SPAN.div_euclid(rate) + (SPAN.rem_euclid(rate) != 0) as i64 + 1
}

/// How long the last claims took. From this follows how long before its first slot a claim must begin: its lead.
///
/// Whoever claims takes slots as if it were later by the lead, so that they begin where the claim will be over, however far away
/// the database is. The lead is the longest time but one of the last eight, without what g allows for: one claim that stood still
/// changes nothing, two do.
#[derive(Debug, Clone, Copy)]
pub struct ClaimTimes {
    last: [Duration; 8],
    next: usize,
}

impl ClaimTimes {
    /// Of somebody who has not claimed yet, and expects a claim to take so long.
    pub const fn expecting(took: Duration) -> Self {
        Self { last: [took; 8], next: 0 }
    }

    /// A claim took so long.
    pub const fn note(&mut self, took: Duration) {
        self.last[self.next] = took;
        self.next = (self.next + 1) % self.last.len();
    }

    /// The lead of the next claim: a multiple of 50 ms, at most [`LONGEST_LEAD`].
    pub fn lead(&self) -> Duration {
        let mut sorted = self.last;
        sorted.sort_unstable();
        let steps = sorted[sorted.len() - 2].as_millis().saturating_sub(1) / LEAD_STEP.as_millis();
        (LEAD_STEP * u32::try_from(steps).unwrap_or(u32::MAX)).min(LONGEST_LEAD)
    }
}

/// How far beyond the instant at which a claim will be over slots are taken, by a claim with this lead: until the next one, which
/// begins when this one is over, can have its own.
pub fn horizon(lead: Duration) -> Duration {
    const NEXT: Duration = Duration::from_millis(100);
    HORIZON.max(lead + NEXT)
}

/// How much longer than D after it began a claim with this lead may have messages start.
pub fn delay(lead: Duration) -> Duration {
    (lead + horizon(lead)).saturating_sub(HORIZON)
}

/// How many jobs the next lease may have, after one of at most `limit` whose rows took so long beyond the way to the database and
/// back. More than `most` it never has.
///
/// Halving helps where the time is that of the rows: what a hundred take is not theirs, and is left to the lead.
pub fn lease_limit(limit: i64, most: i64, rows: Duration) -> i64 {
    const ROWS: Duration = Duration::from_millis(80);
    const FEWEST: i64 = 100;
    if rows > ROWS { (limit / 2).max(FEWEST.min(limit)) } else { (limit + limit / 2 + 1).min(most) }
}

/// Where the next slot of a campaign lies; `now`, from which on slots are wanted, `last_slot` and `not_before` are in nanoseconds
/// since 1970.
///
/// A campaign that was kept busy catches up what a stall of at most [`CATCH_UP`] cost it. One that was idle starts at `now`: a
/// burst would be within the rate, but not evenly spaced.
pub const fn next_slot(now: i64, last_slot: i64, not_before: i64, rate: i64) -> i64 {
    let due = last_slot.saturating_add(interval(rate));
    let slot = if due >= now - CAUGHT_UP { due } else { now };
    if slot >= not_before { slot } else { not_before }
}

/// Whether somebody keeps a campaign busy who is so much nearer to the database that a claim that begins at `now` and is over at
/// `ready` would leave slots out which the nearer one can use. All are in nanoseconds since 1970.
pub const fn is_busy_nearby(now: i64, ready: i64, last_slot: i64, rate: i64) -> bool {
    let due = last_slot.saturating_add(interval(rate));
    due >= now - CAUGHT_UP && due < ready - CAUGHT_UP
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
    /// At most `wanted` slots that lie not beyond the horizon, or none. `now` is when the claim will be over: the present instant,
    /// and the claim's lead.
    ///
    /// The database does this arithmetic in one statement; a test holds the two against each other.
    pub fn take(now: i64, last_slot: i64, not_before: i64, rate: i64, wanted: i64) -> Option<Self> {
        Self::take_within(HORIZON, now, last_slot, not_before, rate, wanted)
    }

    /// [`Self::take`] with another horizon: that of a claim with a lead.
    pub fn take_within(
        horizon: Duration,
        now: i64,
        last_slot: i64,
        not_before: i64,
        rate: i64,
        wanted: i64,
    ) -> Option<Self> {
        let first = next_slot(now, last_slot, not_before, rate);
        let (interval, end) = (interval(rate), now + duration_nanos(horizon));
        (first <= end && wanted > 0).then(|| {
            let count = wanted.min((end - first) / interval + 1);
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

/// R1, the last check before the hand-over: within [slot, slot + g], and not later than D after the claim should have been over.
///
/// `claimed` and `elapsed` are monotonic: when the claim began, later by its [`delay`], and now. A slot that lies behind that deadline
/// can't be used any more: the clock by which it was taken has been set back since.
pub fn start(slot: i64, now: i64, claimed: Duration, elapsed: Duration) -> Start {
    let left = duration_nanos(claimed + DEADLINE) - duration_nanos(elapsed);
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
        assert_eq!(taken.count, 250_000_000 / interval(60_000) + 1);
        assert!(taken.last <= now + 250_000_000);
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

    #[test]
    fn a_lead_gives_a_claim_more_time_and_no_slot_more_grace() {
        let ms = Duration::from_millis;
        // A claim that began at 0 with a lead of 300 ms, and was over sooner than expected.
        assert_eq!(start(550 * 1_000_000, 0, ms(300), ms(0)), Start::Wait(550_000_000));
        assert_eq!(start(100, 100, ms(300), ms(800)), Start::Go);
        assert_eq!(start(100, 100, ms(300), ms(801)), Start::Missed);
        assert_eq!(start(100, 101 + G, ms(300), ms(400)), Start::Missed);
    }

    #[test]
    fn leads_follow_what_claims_take_and_no_single_one() {
        let ms = Duration::from_millis;
        for (took, lead) in [(0, 0), (50, 0), (51, 50), (100, 50), (101, 100), (260, 250), (9_000, 1_500)] {
            assert_eq!(ClaimTimes::expecting(ms(took)).lead(), ms(lead), "{took} ms");
        }
        let mut times = ClaimTimes::expecting(ms(10));
        times.note(ms(3_000));
        assert_eq!(times.lead(), ms(0), "it stood still once");
        times.note(ms(240));
        assert_eq!(times.lead(), ms(200));
        (0..8).for_each(|_| times.note(ms(20)));
        assert_eq!(times.lead(), ms(0));
    }

    #[test]
    fn a_far_database_moves_all_bounds_but_grace() {
        let ms = Duration::from_millis;
        for (lead, ahead, later) in [(0, 250, 0), (150, 250, 150), (250, 350, 350), (1_500, 1_600, 2_850)] {
            assert_eq!((horizon(ms(lead)), delay(ms(lead))), (ms(ahead), ms(later)), "{lead} ms");
        }
    }

    #[test]
    fn a_lease_is_halved_for_its_rows_alone() {
        let ms = Duration::from_millis;
        assert_eq!(lease_limit(4_000, 5_000, ms(81)), 2_000);
        assert_eq!(lease_limit(4_000, 5_000, ms(80)), 5_000);
        assert_eq!(lease_limit(500, 5_000, ms(0)), 751);
        assert_eq!(lease_limit(150, 5_000, ms(500)), 100);
        assert_eq!(lease_limit(100, 5_000, ms(500)), 100);
        assert_eq!(lease_limit(60, 60, ms(500)), 60);
    }

    #[test]
    fn who_is_farther_away_leaves_a_campaign_that_is_kept_busy_to_the_nearer() {
        let (now, ms) = (1_000_000_000_000, 1_000_000);
        let busy = |lead: i64, ahead: i64| is_busy_nearby(now, now + lead * ms, now + ahead * ms, 60_000);
        assert!(busy(800, 200), "slots from 200 to 800 ms would be left out");
        assert!(!busy(800, 700), "it goes on where the others were");
        assert!(!busy(800, -200), "nobody is at work");
        assert!(!busy(0, 200) && !busy(0, -100) && !busy(0, -200));
    }
}
