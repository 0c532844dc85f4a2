//! What an A/B test can tell: rates that differ, how sure that is, and whether it is enough to decide.
//!
//! An arm is a share of leads: so many were contacted, so many of them did what was hoped for. The formulas are those of
//! Newcombe (1998, method 10), Evan Miller (closed form of P(B > A)), and Waudby-Smith et al. (2023, confidence sequences).
//! No function panics: what can't be computed is None.

mod assignment;
mod bayes;
mod frequentist;
mod plan;
mod sequential;
mod threshold;
mod verdict;

#[cfg(test)]
mod tests;

pub use assignment::assign;
pub use bayes::{Beliefs, beliefs, expected_loss, probability_best, probability_greater};
pub use frequentist::{ZTest, newcombe, wilson, z_test};
pub use plan::{SampleRatio, sample_ratio, sample_size};
pub use sequential::{Sequential, sequential};
pub use threshold::{Better, Pairs, rate_is_worse, ratio_is_worse};
pub use verdict::{Numbers, Reason, Thresholds, Verdict, numbers, verdict};

use statrs::distribution::{ContinuousCDF, Normal};

/// How one arm did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    trials: u64,
    successes: u64,
}

impl Arm {
    /// `successes` of `trials`. More successes than trials count as as many.
    pub const fn new(successes: u64, trials: u64) -> Self {
        Self { trials, successes: if successes > trials { trials } else { successes } }
    }

    /// How many were contacted.
    pub const fn trials(self) -> u64 {
        self.trials
    }

    /// How many of them did what was hoped for.
    pub const fn successes(self) -> u64 {
        self.successes
    }

    /// The share of successes, from 0 to 1; None without a trial.
    pub fn rate(self) -> Option<f64> {
        (self.trials > 0).then(|| float(self.successes) / float(self.trials))
    }
}

/// A range in which something lies, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A count as a number to reckon with: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no table has 2^53 rows")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// The standard normal distribution.
fn normal() -> Normal {
    Normal::new(0.0, 1.0).expect("these parameters are right")
}

/// The two-sided p-value of a standard normal `z`.
fn two_sided(z: f64) -> f64 {
    2.0 * normal().sf(z.abs())
}

/// The standard normal quantile.
fn quantile(p: f64) -> f64 {
    normal().inverse_cdf(p)
}
