//! A bucket that fills at a constant rate: who takes too much waits.

use std::time::Duration;

/// So much at once, and so much a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    size: f64,
    per_second: f64,
    level: f64,
    /// When `level` was right, by a clock that never jumps.
    at: Duration,
}

impl Bucket {
    /// A full bucket of `size`, into which `per_second` flows.
    pub fn new(size: u32, per_second: u32, now: Duration) -> Self {
        Self { size: size.into(), per_second: f64::from(per_second.max(1)), level: size.into(), at: now }
    }

    /// Takes `amount` out.
    ///
    /// # Errors
    /// There is not enough in it: how long until there is. Nothing was taken. What is larger than the bucket waits until it is full.
    pub fn take(&mut self, amount: u32, now: Duration) -> Result<(), Duration> {
        self.fill(now);
        let amount = f64::from(amount).min(self.size);
        if amount <= self.level {
            self.level -= amount;
            return Ok(());
        }
        Err(Duration::from_secs_f64((amount - self.level) / self.per_second))
    }

    /// Whether nothing is missing: such a bucket may be forgotten.
    pub fn is_full(&mut self, now: Duration) -> bool {
        self.fill(now);
        self.level >= self.size
    }

    /// What is in the bucket, rounded down.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and its size")]
    pub fn level(&mut self, now: Duration) -> u32 {
        self.fill(now);
        self.level as u32
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.level = (self.level + passed * self.per_second).min(self.size);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut bucket = Bucket::new(3, 2, at(0));
        assert_eq!([0; 3].map(|_| bucket.take(1, at(0))), [Ok(()); 3]);
        assert_eq!(bucket.take(1, at(0)), Err(at(500)));
        assert_eq!(bucket.take(1, at(499)), Err(at(1)));
        assert_eq!(bucket.take(1, at(500)), Ok(()));
        assert_eq!(bucket.take(2, at(500)), Err(at(1000)));
        assert_eq!([bucket.level(at(500)), bucket.level(at(999)), bucket.level(at(1000))], [0, 0, 1]);
        assert!(!bucket.is_full(at(1999)));
        assert!(bucket.is_full(at(2000)));
    }

    #[test]
    fn it_never_holds_more_than_its_size_and_a_clock_that_goes_back_takes_nothing() {
        let mut bucket = Bucket::new(2, 1, at(1000));
        assert_eq!(bucket.take(2, at(90_000)), Ok(()));
        assert_eq!(bucket.take(1, at(0)), Err(at(1000)));
        assert_eq!(bucket.take(5, at(92_000)), Ok(()), "what is larger than the bucket takes all of it");
    }
}
