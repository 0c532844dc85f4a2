//! How fast a client sends or reads in the time in which it is waited for: one that is too slow for long holds a connection that
//! others need.

use std::time::Duration;

use tokio::time::Instant;

/// What has moved while a client was waited for. The time that Herald takes itself does not count.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// Bytes a second.
    least: u32,
    window: Duration,
    /// Since when it is waited for.
    since: Option<Instant>,
    waited: Duration,
    bytes: u64,
}

/// The client is too slow.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooSlow;

impl Pace {
    /// At least so many bytes a second over each `window` of waiting; 0: any number.
    pub(super) const fn new(least: u32, window: Duration) -> Self {
        Self { least, window, since: None, waited: Duration::ZERO, bytes: 0 }
    }

    /// The client is waited for from now on, unless it is already.
    pub(super) fn waits(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// So many bytes have moved.
    pub(super) fn moved(&mut self, bytes: usize) -> Result<(), TooSlow> {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes as u64;
        if self.waited < self.window {
            return Ok(());
        }
        let least = self.waited.as_millis() * u128::from(self.least) / 1_000;
        let is_too_slow = u128::from(self.bytes) < least;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        if is_too_slow { Err(TooSlow) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// How many of 100 pieces of so many bytes go through, one each second of which `ours` are spent by Herald.
    async fn through(bytes: usize, ours: u64) -> usize {
        let mut pace = Pace::new(1_000, Duration::from_secs(30));
        for n in 0..100 {
            sleep(Duration::from_millis(ours)).await;
            pace.waits();
            sleep(Duration::from_millis(1_000 - ours)).await;
            if pace.moved(bytes).is_err() {
                return n;
            }
        }
        100
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_waited_for_moves_so_much_in_each_window() {
        assert_eq!(through(1, 0).await, 29);
        assert_eq!(through(999, 0).await, 29);
        assert_eq!(through(1_000, 0).await, 100, "slow, but not too slow");
        assert_eq!(through(400, 700).await, 100, "it is Herald who is slow");
        assert_eq!(through(200, 700).await, 99);
        let mut pace = Pace::new(1_000, Duration::from_secs(30));
        pace.moved(10_000_000).unwrap();
        for window in 0..2 {
            pace.waits();
            sleep(Duration::from_secs(31)).await;
            assert_eq!(pace.moved(1).is_ok(), window == 0, "what was fast once is not fast for ever");
        }
        let mut any = Pace::new(0, Duration::from_secs(1));
        any.waits();
        sleep(Duration::from_hours(1)).await;
        assert_eq!(any.moved(0), Ok(()));
    }
}
