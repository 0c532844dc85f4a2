//! A circuit breaker: a provider that fails again and again is left alone for a while, then tried with one contact.

use std::time::Duration;

/// Faults in a row that open the circuit.
const FAULTS: u32 = 5;
/// How long it stays open the first time.
const FIRST: Duration = Duration::from_secs(30);
/// How long it stays open at most; each probe that fails doubles the time.
const LONGEST: Duration = Duration::from_mins(10);
/// How long a probe may take before another is let through: its answer may have been lost.
const PROBE: Duration = Duration::from_mins(1);

/// The circuit of one provider. Instants are of a clock that never jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    faults: u32,
    /// How often in a row it was opened.
    openings: u32,
    /// Nothing goes through before this instant; set while the circuit is open or a probe is on its way.
    until: Option<Duration>,
}

impl Breaker {
    /// Whether a contact may go through now.
    ///
    /// # Errors
    /// The circuit is open: how long it stays so.
    pub fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        match self.until {
            None => Ok(()),
            Some(until) if now < until => Err(until.saturating_sub(now)),
            // Half open: this one is the probe, the others wait for what becomes of it.
            Some(_) => {
                self.until = Some(now + PROBE);
                Ok(())
            }
        }
    }

    /// The provider answered, whatever it said: the circuit closes.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// The provider could not be reached, did not answer, or could not work.
    pub fn failed(&mut self, now: Duration) {
        self.faults = self.faults.saturating_add(1);
        if self.faults >= FAULTS {
            let pause = FIRST.saturating_mul(1 << self.openings.min(10)).min(LONGEST);
            self.openings = self.openings.saturating_add(1);
            self.until = Some(now + pause);
        }
    }

    /// What the provider said several times leaves no doubt: the circuit opens now, without waiting for more faults.
    pub fn open(&mut self, now: Duration) {
        self.faults = self.faults.max(FAULTS - 1);
        self.failed(now);
    }

    /// Whether nothing goes through at `now`.
    pub fn is_open(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One call in a scenario: what happens, at which second, and what is expected of the breaker.
    enum Step {
        Passes,
        Waits(u64),
        Fails,
        Answers,
    }

    #[test]
    fn it_opens_after_five_faults_and_lets_one_probe_through_at_a_time() {
        use Step::{Answers, Fails, Passes, Waits};
        let table = [
            (0, Passes),
            (0, Fails),
            (1, Fails),
            (1, Answers),
            // The row of faults was broken.
            (2, Fails),
            (2, Fails),
            (2, Fails),
            (2, Fails),
            (3, Passes),
            (3, Fails),
            (3, Waits(30)),
            (32, Waits(1)),
            (33, Passes),
            // The others wait for the probe.
            (33, Waits(60)),
            (34, Fails),
            (34, Waits(60)),
            (94, Passes),
            (95, Fails),
            (95, Waits(120)),
            (215, Passes),
            // A probe of which nothing is heard does not keep the circuit open for ever.
            (275, Passes),
            (276, Answers),
            (276, Passes),
            (277, Fails),
            (277, Passes),
        ];
        let mut breaker = Breaker::default();
        for (line, (second, step)) in table.into_iter().enumerate() {
            let now = Duration::from_secs(second);
            match step {
                Passes => assert_eq!(breaker.admit(now), Ok(()), "line {line}"),
                Waits(seconds) => {
                    assert_eq!(breaker.admit(now), Err(Duration::from_secs(seconds)), "line {line}");
                    assert!(breaker.is_open(now));
                }
                Fails => breaker.failed(now),
                Answers => breaker.answered(),
            }
        }
    }

    #[test]
    fn it_can_be_opened_at_once() {
        let mut breaker = Breaker::default();
        breaker.open(Duration::ZERO);
        assert_eq!(breaker.admit(Duration::ZERO), Err(FIRST));
        // The probe says the same: it is left alone for longer.
        assert_eq!(breaker.admit(FIRST), Ok(()));
        breaker.open(FIRST);
        assert_eq!(breaker.admit(FIRST), Err(FIRST * 2));
    }

    #[test]
    fn it_never_stays_open_for_longer_than_ten_minutes() {
        let mut breaker = Breaker::default();
        for _ in 0..1_000 {
            breaker.failed(Duration::ZERO);
        }
        assert_eq!(breaker.admit(Duration::ZERO), Err(LONGEST));
    }
}
