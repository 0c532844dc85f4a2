//! A comparison that may be looked at every day: its error rate holds over all looks together.

use super::{Arm, Interval, float};

/// The number of leads at which the confidence sequence is tightest.
const TUNED_FOR: f64 = 5_000.0;

/// The evidence of the data at this look, whichever look it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequential {
    /// Below alpha at any look: the rates differ.
    pub p: f64,
    /// In which B's rate less A's lies, at all looks together with a probability of 1 - alpha.
    pub interval: Interval,
}

/// The asymptotic confidence sequence for the difference of two rates (Waudby-Smith et al. 2023, as `GrowthBook` has it).
/// None if an arm is empty or neither varies.
pub fn sequential(a: Arm, b: Arm, alpha: f64) -> Option<Sequential> {
    let (rate_a, rate_b) = (a.rate()?, b.rate()?);
    let n = float(a.trials + b.trials);
    let variance = rate_a * (1.0 - rate_a) / float(a.trials) + rate_b * (1.0 - rate_b) / float(b.trials);
    if variance <= 0.0 {
        return None;
    }
    let difference = rate_b - rate_a;
    let spread = variance * n;
    let rho = rho(alpha);
    let mixed = n * rho * rho + 1.0;
    let half = spread.sqrt() * (2.0 * mixed / (n * rho).powi(2) * (mixed.sqrt() / alpha).ln()).sqrt();
    let exponent = -rho * rho * (difference * difference * n / variance) / (2.0 * mixed);
    Some(Sequential {
        p: (mixed.sqrt() * exponent.exp()).min(1.0),
        interval: Interval { low: difference - half, high: difference + half },
    })
}

/// The mixture's parameter that makes the sequence tightest at [`TUNED_FOR`] leads.
pub(super) fn rho(alpha: f64) -> f64 {
    let twice = -2.0 * alpha.ln();
    ((twice + (twice + 1.0).ln()) / TUNED_FOR).sqrt()
}
