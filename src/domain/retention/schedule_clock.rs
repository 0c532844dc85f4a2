//! The clock that sequences go by. It is everybody's, unless a demonstration or a test lets it fly: its anchor and its speed
//! are in the database, so all processes agree on it, and a restart goes on.

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::instant;

/// How the clock of sequences goes by everybody's. All are nanoseconds since 1970, but the speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// When it was set going, by everybody's clock.
    pub anchor: i64,
    /// What the clock showed then.
    pub start: i64,
    /// The clock's seconds for each second of everybody's.
    pub speed: i64,
    /// Whether the clock goes on as everybody's once it shows the same: a demonstration begins some weeks ago.
    pub catches_up: bool,
}

impl Pace {
    /// Everybody's clock.
    pub const REAL: Self = Self { anchor: 0, start: 0, speed: 1, catches_up: false };

    /// The time that this clock shows when everybody's clock shows `now`, to the millisecond.
    pub const fn at_nanos(self, now: i64) -> i64 {
        let shown = self.start.saturating_add(now.saturating_sub(self.anchor).saturating_mul(self.speed));
        if self.catches_up && shown > now { now } else { shown }
    }

    /// The time that this clock shows at `now`, as an instant.
    pub fn at(self, now: i64) -> DateTime<Utc> {
        instant(self.at_nanos(now))
    }

    /// How much of its time passes in `real` time.
    pub fn stretched(self, real: TimeDelta) -> TimeDelta {
        TimeDelta::milliseconds(real.num_milliseconds().saturating_mul(self.speed))
    }

    /// How much real time `own` time takes, rounded up to a millisecond.
    pub fn real(self, own: TimeDelta) -> TimeDelta {
        TimeDelta::milliseconds(own.num_milliseconds() / self.speed.max(1) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_flies_from_its_anchor_on_and_real_time_is_itself() {
        let now = 1_800_000_000_123_456_789;
        assert_eq!(Pace::REAL.at(now), instant(now));
        let pace = Pace { anchor: now, start: 5_000_000_000, speed: 3_600, catches_up: false };
        assert_eq!(pace.at_nanos(now), 5_000_000_000);
        assert_eq!(pace.at_nanos(now + 1_000_000_000), 5_000_000_000 + 3_600_000_000_000);
        assert_eq!(pace.stretched(TimeDelta::seconds(2)), TimeDelta::hours(2));
        assert_eq!(pace.real(TimeDelta::hours(1)), TimeDelta::milliseconds(1_001));
        let hour = 3_600_000_000_000;
        let pace = Pace { anchor: now, start: now - hour, speed: 3_601, catches_up: true };
        let later = now + 1_000_000_000;
        assert!(pace.at_nanos(now) < now && pace.at_nanos(later) == later && pace.at_nanos(now + hour) == now + hour);
    }
}
