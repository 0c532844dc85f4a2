//! Time is a dependency: everything asks the [`Clock`], so that tests hold time still or let it fly (R19).

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

/// How a correction was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// A tenth of the difference was made good.
    Slewed,
    /// The clock jumped by this many nanoseconds.
    Stepped(i64),
}

impl SystemClock {
    /// A clock that starts at this machine's time of day.
    pub fn new() -> Self {
        let wall = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let wall = wall.tv_sec * 1_000_000_000 + wall.tv_nsec;
        Self { offset: Mutex::new(wall - duration_nanos(boottime())) }
    }

    /// Whether a clock that is `ahead` nanoseconds ahead is reached by a jump.
    pub const fn is_step(ahead: i64) -> bool {
        ahead.abs() > SLEWED
    }

    /// Moves this clock towards one that is `ahead` nanoseconds ahead: a little at a time, or, beyond 100 ms, at once.
    pub fn steer(&self, ahead: i64) -> Steering {
        let mut offset = self.offset.lock();
        if Self::is_step(ahead) {
            *offset += ahead;
            Steering::Stepped(ahead)
        } else {
            *offset += ahead / 10;
            Steering::Slewed
        }
    }
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
    fn small_differences_are_slewed_and_large_ones_jumped() {
        let clock = SystemClock::new();
        let moved = |ahead: i64| {
            let before = *clock.offset.lock();
            let steering = clock.steer(ahead);
            (steering, *clock.offset.lock() - before)
        };
        assert_eq!(moved(50_000_000), (Steering::Slewed, 5_000_000));
        assert_eq!(moved(-100_000_000), (Steering::Slewed, -10_000_000));
        assert_eq!(moved(100_000_001), (Steering::Stepped(100_000_001), 100_000_001));
        assert_eq!(moved(-3_600_000_000_000), (Steering::Stepped(-3_600_000_000_000), -3_600_000_000_000));
    }
}
