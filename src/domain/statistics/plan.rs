//! How many leads a test needs, and whether they went to the arms as was intended.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{float, quantile};

/// Leads that each arm needs so that `rate_a` and `rate_b` are told apart with probability `power` by a two-sided test at
/// `alpha`. None if they are equal or one is no rate.
pub fn sample_size(rate_a: f64, rate_b: f64, alpha: f64, power: f64) -> Option<f64> {
    let is_share = |p: f64| p > 0.0 && p < 1.0;
    let is_rate = |p: f64| (0.0..=1.0).contains(&p);
    let difference = rate_b - rate_a;
    if !(is_rate(rate_a) && is_rate(rate_b) && is_share(alpha) && is_share(power)) || difference.abs() < f64::EPSILON {
        return None;
    }
    let middle = f64::midpoint(rate_a, rate_b);
    let under_none = quantile(1.0 - alpha / 2.0) * (2.0 * middle * (1.0 - middle)).sqrt();
    let under_some = quantile(power) * (rate_a * (1.0 - rate_a) + rate_b * (1.0 - rate_b)).sqrt();
    Some(((under_none + under_some) / difference).powi(2))
}

/// The chi-square test of the numbers of leads against the intended split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleRatio {
    /// The statistic.
    pub chi_squared: f64,
    /// How likely a deviation as large as this one is by chance.
    pub p: f64,
}

impl SampleRatio {
    /// Below this p the assignment, or what is counted, is broken: no result of the test means anything.
    pub const ALARM: f64 = 0.001;

    /// Whether something is wrong with the assignment.
    pub fn is_alarming(self) -> bool {
        self.p < Self::ALARM
    }
}

/// Whether `counts` can come of a split by `weights`; None without counts, or with less than two weights.
pub fn sample_ratio(counts: &[u64], weights: &[u32]) -> Option<SampleRatio> {
    let (all, weight) = (float(counts.iter().sum()), weights.iter().copied().map(f64::from).sum::<f64>());
    if counts.len() < 2 || counts.len() != weights.len() || all <= 0.0 || weights.contains(&0) {
        return None;
    }
    let pairs = counts.iter().zip(weights).map(|(count, share)| (float(*count), all * f64::from(*share) / weight));
    let chi_squared: f64 = pairs.map(|(count, expected)| (count - expected).powi(2) / expected).sum();
    let distribution = ChiSquared::new(float(counts.len() as u64 - 1)).ok()?;
    Some(SampleRatio { chi_squared, p: distribution.sf(chi_squared) })
}
