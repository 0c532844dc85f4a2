//! Time is a dependency: everything asks the [`Clock`], so that tests hold time still or let it fly (R19).

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

/// The time of day, the passing of time, and waiting.
pub trait Clock: Send + Sync + 'static {
    /// Nanoseconds since 1970 in UTC. All processes of a fleet agree on it to within some milliseconds.
    fn nanos(&self) -> i64;

    /// The time since some fixed instant. It never jumps, and it goes on while the machine is suspended.
    fn monotonic(&self) -> Duration;

    /// Waits for `duration` of this clock's time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// The present instant, to the millisecond, as it is stored and shown.
    fn now(&self) -> DateTime<Utc> {
        instant(self.nanos())
    }
}

/// The instant `nanos` nanoseconds after 1970, to the millisecond.
pub fn instant(nanos: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(nanos).trunc_subsecs(3)
}

/// Nanoseconds since 1970, of an instant between 1678 and 2262.
pub fn nanos(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_nanos_opt().unwrap_or(i64::MAX)
}

/// A duration in nanoseconds, at most 292 years.
pub fn duration_nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// A comparison of this process' clock with the database's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Nanoseconds by which the database's time of day is ahead.
    pub ahead: i64,
    /// By how much that may be wrong: half of the time that the question took. Nobody knows which way was the slower one.
    pub error: i64,
}

impl Sample {
    /// The database said `there` when it was asked between `before` and `after` of this clock; all in nanoseconds.
    pub const fn new(before: i64, there: i64, after: i64) -> Self {
        let error = (after - before) / 2;
        Self { ahead: there - (before + error), error }
    }

    /// Whether the clocks differ by so much that the difference is made good by a jump.
    pub const fn is_step(self) -> bool {
        self.ahead.abs() - self.error > SLEWED
    }

    /// Whether both can be true.
    pub const fn agrees_with(self, other: Self) -> bool {
        (self.ahead - other.ahead).abs() <= self.error + other.error + JITTER
    }
}

/// The machine's monotonic clock, shifted to the time of day of the fleet.
///
/// A step of the machine's time of day moves nothing: only [`SystemClock::steer`] does, by what the database says.
#[derive(Debug)]
pub struct SystemClock {
    /// Time of day less monotonic time, in nanoseconds.
    offset: Mutex<i64>,
}

/// Corrections up to this long are made gradually, so that no slot is skipped or repeated.
const SLEWED: i64 = 100_000_000;
/// How far two samples may lie apart although no clock has been set: processes wait for the processor.
const JITTER: i64 = 20_000_000;

/// How a correction was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// The difference is not known well enough: nothing was done.
    Kept,
    /// A tenth of the difference was made good.
    Slewed,
    /// The clock jumped by this many nanoseconds.
    Stepped(i64),
}

impl SystemClock {
    /// A clock that starts at this machine's time of day.
    pub fn new() -> Self {
        Self { offset: Mutex::new(machine_offset()) }
    }

    /// Moves this clock towards the database's: a little at a time, or, beyond 100 ms, at once. What lies within the error of the
    /// sample is left as it is. New ids go by the last clock that was steered.
    pub fn steer(&self, sample: Sample) -> Steering {
        let mut offset = self.offset.lock();
        let steering = if sample.is_step() {
            *offset += sample.ahead;
            Steering::Stepped(sample.ahead)
        } else if sample.ahead.abs() > sample.error {
            *offset += sample.ahead / 10;
            Steering::Slewed
        } else {
            Steering::Kept
        };
        OFFSET_OF_IDS.store(*offset, Ordering::Relaxed);
        steering
    }
}

/// Time of day less monotonic time by which ids are made: of the clock that was steered last.
static OFFSET_OF_IDS: LazyLock<AtomicI64> = LazyLock::new(|| AtomicI64::new(machine_offset()));

/// Nanoseconds since 1970 by which ids are made. Whoever makes one needs no clock, and yet it sorts with those of the whole fleet.
pub(crate) fn nanos_of_ids() -> i64 {
    OFFSET_OF_IDS.load(Ordering::Relaxed) + duration_nanos(boottime())
}

fn machine_offset() -> i64 {
    let wall = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    wall.tv_sec * 1_000_000_000 + wall.tv_nsec - duration_nanos(boottime())
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn nanos(&self) -> i64 {
        *self.offset.lock() + duration_nanos(boottime())
    }

    fn monotonic(&self) -> Duration {
        boottime()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// `CLOCK_BOOTTIME`: unlike tokio's and std's instants it counts the time in which the machine was suspended.
fn boottime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let nanos = u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("time since boot is not negative");
    Duration::from_nanos(nanos)
}

/// A clock that moves only when it is told to.
#[derive(Debug)]
pub struct VirtualClock {
    time: tokio::sync::watch::Sender<Duration>,
    start: i64,
}

impl VirtualClock {
    /// A clock that stands at `start`.
    pub fn at(start: DateTime<Utc>) -> Self {
        Self { time: tokio::sync::watch::Sender::new(Duration::ZERO), start: nanos(start) }
    }

    /// Lets `duration` pass and wakes the sleepers whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.time.send_modify(|time| *time += duration);
    }
}

impl Clock for VirtualClock {
    fn nanos(&self) -> i64 {
        self.start + duration_nanos(*self.time.borrow())
    }

    fn monotonic(&self) -> Duration {
        *self.time.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let mut time = self.time.subscribe();
        let until = *time.borrow() + duration;
        Box::pin(async move {
            // The sender cannot be gone: it is borrowed for as long as this future lives.
            time.wait_for(|now| *now >= until).await.expect("the clock outlives its sleepers");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_differences_are_slewed_large_ones_jumped_and_unknown_ones_left() {
        let clock = SystemClock::new();
        let moved = |ahead: i64, error: i64| {
            let before = *clock.offset.lock();
            let steering = clock.steer(Sample { ahead, error });
            (steering, *clock.offset.lock() - before)
        };
        assert_eq!(moved(50_000_000, 0), (Steering::Slewed, 5_000_000));
        assert_eq!(moved(-100_000_000, 0), (Steering::Slewed, -10_000_000));
        assert_eq!(moved(100_000_001, 0), (Steering::Stepped(100_000_001), 100_000_001));
        assert_eq!(moved(-3_600_000_000_000, 0), (Steering::Stepped(-3_600_000_000_000), -3_600_000_000_000));
        assert_eq!(moved(40_000_000, 40_000_000), (Steering::Kept, 0), "the line alone may be the difference");
        assert_eq!(moved(1_000_000_000, 1_000_000_000), (Steering::Kept, 0));
        assert_eq!(moved(1_000_000_000, 950_000_000), (Steering::Slewed, 100_000_000), "it may be less than a step");
        assert_eq!(moved(-60_000_000_000, 1_000_000_000), (Steering::Stepped(-60_000_000_000), -60_000_000_000));
    }

    #[test]
    fn a_sample_errs_by_half_of_its_trip_however_slow_one_way_was() {
        for (there, back) in [(0, 0), (40, 40), (2_000, 1), (1, 2_000), (0, 3_700)] {
            for ahead in [-60_000i64, -5, 0, 5, 600_000] {
                let (before, after) = (1_000, 1_000 + there + back);
                let sample = Sample::new(before, before + there + ahead, after);
                assert!((sample.ahead - ahead).abs() <= sample.error + 1, "{there} {back} {ahead}: {sample:?}");
            }
        }
        let slow = Sample::new(0, 2_000_000_000, 2_000_000_000);
        assert!(!slow.is_step(), "two seconds in one direction are no wrong clock");
        assert!(slow.agrees_with(Sample { ahead: 0, error: 0 }));
        assert!(!Sample { ahead: 60_000_000_000, error: 0 }.agrees_with(slow));
    }
}
