//! Whether something is surely worse than a threshold: what a conversion rule asks of a channel.

use super::{Arm, float, quantile};

/// Which way is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// As of rates and revenue.
    Higher,
    /// As of costs.
    Lower,
}

/// Sums over many pairs of numbers, such as the revenue and the cost of each attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pairs {
    /// How many pairs.
    pub count: u64,
    /// The sum of the numerators.
    pub y: f64,
    /// The sum of the squares of the numerators.
    pub yy: f64,
    /// The sum of the denominators.
    pub x: f64,
    /// The sum of the squares of the denominators.
    pub xx: f64,
    /// The sum of the products.
    pub xy: f64,
}

impl Pairs {
    /// Adds other pairs to these.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.y += other.y;
        self.yy += other.yy;
        self.x += other.x;
        self.xx += other.xx;
        self.xy += other.xy;
    }
}

/// Whether a rate is below `threshold` with a one-sided `confidence`: the score test, which knows what to do with no success
/// at all. A rate without a trial is not.
pub fn rate_is_worse(arm: Arm, threshold: f64, confidence: f64) -> bool {
    let Some(rate) = arm.rate() else { return false };
    if threshold <= 0.0 || threshold > 1.0 {
        // No rate is below nothing, and all are below more than everything.
        return threshold > 1.0;
    }
    let deviation = (threshold * (1.0 - threshold) / float(arm.trials)).sqrt();
    rate - threshold < -quantile(confidence) * deviation
}

/// Whether the ratio of two sums, such as revenue to cost, is on the wrong side of `threshold` with a one-sided `confidence`.
///
/// y/x < t says that the mean of y - t x is negative, which is a plain test of one mean (Fieller): no ratio has to be
/// estimated, and a denominator of nothing is no trouble.
pub fn ratio_is_worse(pairs: &Pairs, better: Better, threshold: f64, confidence: f64) -> bool {
    let n = float(pairs.count);
    if n <= 0.0 {
        return false;
    }
    let mean = (pairs.y - threshold * pairs.x) / n;
    let squares = pairs.yy - 2.0 * threshold * pairs.xy + threshold * threshold * pairs.xx;
    let deviation = ((squares / n - mean * mean).max(0.0) / n).sqrt();
    let surely = quantile(confidence) * deviation;
    match better {
        Better::Higher => mean < -surely,
        Better::Lower => mean > surely,
    }
}
