//! What to believe of the rates after the data, from a flat prior: Beta(1 + successes, 1 + failures).

use statrs::function::beta::{beta_reg, ln_beta};
use statrs::function::gamma::ln_gamma;

use super::{Arm, float};

/// A Beta distribution with whole parameters.
#[derive(Debug, Clone, Copy)]
struct Beta {
    a: u64,
    b: u64,
}

impl Beta {
    const fn of(arm: Arm) -> Self {
        Self { a: arm.successes + 1, b: arm.trials - arm.successes + 1 }
    }

    /// One success more.
    const fn raised(self) -> Self {
        Self { a: self.a + 1, b: self.b }
    }

    /// The distribution of 1 - x.
    const fn mirrored(self) -> Self {
        Self { a: self.b, b: self.a }
    }

    fn mean(self) -> f64 {
        float(self.a) / float(self.a + self.b)
    }

    fn deviation(self) -> f64 {
        let n = float(self.a + self.b);
        (float(self.a) * float(self.b) / (n * n * (n + 1.0))).sqrt()
    }

    fn density(self, x: f64) -> f64 {
        let (a, b) = (float(self.a), float(self.b));
        ((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - ln_beta(a, b)).exp()
    }

    /// The probability of a value up to `x`.
    fn up_to(self, x: f64) -> f64 {
        beta_reg(float(self.a), float(self.b), x)
    }
}

/// The beliefs about two arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beliefs {
    /// The probability that B's rate is greater than A's.
    pub b_is_better: f64,
    /// How much rate is lost on average if A is chosen.
    pub loss_of_a: f64,
    /// How much rate is lost on average if B is chosen.
    pub loss_of_b: f64,
}

/// The beliefs about two arms.
pub fn beliefs(a: Arm, b: Arm) -> Beliefs {
    Beliefs { b_is_better: probability_greater(a, b), loss_of_a: expected_loss(b, a), loss_of_b: expected_loss(a, b) }
}

/// The probability that B's rate is greater than A's.
pub fn probability_greater(a: Arm, b: Arm) -> f64 {
    greater(Beta::of(a), Beta::of(b))
}

/// How much rate is lost on average by choosing `chosen`: the mean of `max(rate of other - rate of chosen, 0)`.
pub fn expected_loss(other: Arm, chosen: Arm) -> f64 {
    let (other, chosen) = (Beta::of(other), Beta::of(chosen));
    let gain = other.mean() * greater(chosen, other.raised());
    (gain - chosen.mean() * greater(chosen.raised(), other)).max(0.0)
}

/// P(B > A), by Evan Miller's sum. It has as many terms as one of the four parameters, and by symmetry any of them will do:
/// the smallest is taken.
fn greater(a: Beta, b: Beta) -> f64 {
    let least = a.a.min(a.b).min(b.a).min(b.b);
    let sum = if least == b.a {
        sum(a, b)
    } else if least == a.a {
        1.0 - sum(b, a)
    } else if least == a.b {
        sum(b.mirrored(), a.mirrored())
    } else {
        1.0 - sum(a.mirrored(), b.mirrored())
    };
    sum.clamp(0.0, 1.0)
}

/// The sum itself. Each term is made of the one before it; the first is so small that only its logarithm can be written, so
/// all are scaled.
fn sum(a: Beta, b: Beta) -> f64 {
    const SCALE: f64 = 1e200;
    let (a_a, a_b, b_b) = (float(a.a), float(a.b), float(b.b));
    let mut logarithm = ln_gamma(a_b + b_b) + ln_gamma(a_a + a_b) - ln_gamma(a_a + a_b + b_b) - ln_gamma(a_b);
    let (mut term, mut sum) = (1.0, 0.0);
    for i in (0..b.a).map(float) {
        sum += term;
        term *= (a_a + i) * (b_b + i) / ((a_a + a_b + b_b + i) * (1.0 + i));
        if sum > SCALE {
            (term, sum) = (term / SCALE, sum / SCALE);
            logarithm += SCALE.ln();
        }
    }
    (sum.ln() + logarithm).exp()
}

/// For each of many arms the probability that its rate is the greatest of all: the integral of its density times the
/// probabilities that the others are below.
pub fn probability_best(arms: &[Arm]) -> Vec<f64> {
    let all: Vec<Beta> = arms.iter().copied().map(Beta::of).collect();
    let best = |k: usize| {
        let (mean, reach) = (all[k].mean(), REACH * all[k].deviation());
        let others = || all.iter().enumerate().filter(|(j, _)| *j != k);
        integral((mean - reach).max(0.0), (mean + reach).min(1.0), |x| {
            all[k].density(x) * others().map(|(_, other)| other.up_to(x)).product::<f64>()
        })
    };
    (0..all.len()).map(best).collect()
}

/// Abscissae and weights of Gauss and Legendre's rule with eight points, one half: the other mirrors it.
const POINTS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// How many deviations around its mean a density is looked at: of the most skewed one, the exponential, e^-40 is left out.
const REACH: f64 = 40.0;

/// The integral of a smooth function, in so many parts that each is little more than one deviation of the density.
fn integral(from: f64, to: f64, function: impl Fn(f64) -> f64) -> f64 {
    const PARTS: u8 = 64;
    let half = (to - from) / (2.0 * f64::from(PARTS));
    let part = |part: u8| {
        let middle = from + half * (2.0 * f64::from(part) + 1.0);
        let pair = |(at, weight): (f64, f64)| weight * (function(middle - half * at) + function(middle + half * at));
        POINTS.into_iter().map(pair).sum::<f64>()
    };
    half * (0..PARTS).map(part).sum::<f64>()
}
