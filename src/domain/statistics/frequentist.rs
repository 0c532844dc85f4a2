//! Rates compared as of old: the z-test, Wilson's interval of one rate, Newcombe's of a difference.

use super::{Arm, Interval, float, quantile, two_sided};

/// The pooled two-proportion z-test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZTest {
    /// Positive if B's rate is the greater; None if nobody or everybody succeeded.
    pub z: Option<f64>,
    /// The two-sided p-value; 1 where there is no z.
    pub p: f64,
}

/// Whether two rates differ. Only good for a single look at the end: who looks every day and stops at the first p < 0.05 is
/// wrong far more often than one time in twenty. For that there is [`super::sequential`].
pub fn z_test(a: Arm, b: Arm) -> ZTest {
    let undefined = ZTest { z: None, p: 1.0 };
    let (Some(rate_a), Some(rate_b)) = (a.rate(), b.rate()) else { return undefined };
    let pooled = float(a.successes + b.successes) / float(a.trials + b.trials);
    let variance = pooled * (1.0 - pooled) * (1.0 / float(a.trials) + 1.0 / float(b.trials));
    if variance <= 0.0 {
        return undefined;
    }
    let z = (rate_b - rate_a) / variance.sqrt();
    ZTest { z: Some(z), p: two_sided(z) }
}

/// Wilson's interval of a rate at `confidence` (0 to 1, exclusive); None without a trial.
pub fn wilson(arm: Arm, confidence: f64) -> Option<Interval> {
    let (rate, n) = (arm.rate()?, float(arm.trials));
    let z = quantile(f64::midpoint(1.0, confidence));
    let (scale, middle) = (1.0 + z * z / n, rate + z * z / (2.0 * n));
    let half = z * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    // At the edges the two cancel only almost.
    let low = if arm.successes == 0 { 0.0 } else { (middle - half) / scale };
    let high = if arm.successes == arm.trials { 1.0 } else { (middle + half) / scale };
    Some(Interval { low, high })
}

/// Newcombe's interval (method 10) of B's rate less A's: right for small numbers too.
pub fn newcombe(a: Arm, b: Arm, confidence: f64) -> Option<Interval> {
    let (rate_a, rate_b) = (a.rate()?, b.rate()?);
    let (of_a, of_b) = (wilson(a, confidence)?, wilson(b, confidence)?);
    let difference = rate_b - rate_a;
    Some(Interval {
        low: difference - (rate_b - of_b.low).hypot(of_a.high - rate_a),
        high: difference + (of_b.high - rate_b).hypot(rate_a - of_a.low),
    })
}
