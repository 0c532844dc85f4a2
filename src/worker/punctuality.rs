//! Whether what is claimed comes to be sent: more that comes back because its claim was over too late is told to whoever reads the log.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::meters;

/// Looks, one a second, over which is counted.
const LOOKS: u64 = 10;

/// What this process has started, and what was too late for its slot.
#[derive(Debug, Default)]
pub struct Punctuality {
    started: AtomicU64,
    late: AtomicU64,
    looks: AtomicU64,
    /// Whether that was told since the last sign of life.
    told: AtomicBool,
    /// How long the last sign of life took, in milliseconds.
    trip: AtomicU64,
}

/// Figures of the last seconds, in which more came back than went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lateness {
    /// What came back.
    pub late: u64,
    /// All that was claimed.
    pub claimed: u64,
    /// How long the database took for a sign of life, in milliseconds.
    pub trip_ms: u64,
}

impl Punctuality {
    /// A send starts.
    pub fn starts(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    /// A send would have started too late, and goes back.
    pub fn is_late(&self) {
        meters::late();
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// The way to the database and back took so long.
    pub fn trip(&self, took: Duration) {
        meters::trip(took);
        self.trip.store(u64::try_from(took.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Looks, once a second; tells after ten seconds in which more came back than went out.
    pub fn look(&self) -> Option<Lateness> {
        if !(self.looks.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(LOOKS) {
            return None;
        }
        let (started, late) = (self.started.swap(0, Ordering::Relaxed), self.late.swap(0, Ordering::Relaxed));
        let trip_ms = self.trip.load(Ordering::Relaxed);
        (late > started).then(|| {
            self.told.store(true, Ordering::Relaxed);
            Lateness { late, claimed: late + started, trip_ms }
        })
    }

    /// Whether it was told since this was last asked: the next sign of life tells everybody.
    pub fn take_told(&self) -> bool {
        self.told.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_that_comes_back_than_goes_out_is_told_after_ten_seconds() {
        let punctuality = Punctuality::default();
        let mut told = Vec::new();
        for second in 0..40 {
            punctuality.trip(Duration::from_millis(30));
            if !(10..20).contains(&second) {
                punctuality.starts();
            }
            if (10..30).contains(&second) {
                punctuality.is_late();
            }
            told.extend(punctuality.look().map(|lateness| (second, lateness)));
        }
        assert!(punctuality.take_told() && !punctuality.take_told(), "once");
        assert_eq!(told, [(19, Lateness { late: 10, claimed: 10, trip_ms: 30 })], "not while as many go out");
    }
}
