//! How a channel does, and whether that is surely worse than a conversion rule wants.

use super::words::ConversionMetric;
use crate::statistics::{Arm, Better, Pairs, rate_is_worse, ratio_is_worse};

/// How a channel did: attempts that a provider accepted, and what came of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Performance {
    /// All of them.
    pub attempts: u64,
    /// Contacts that reached the lead.
    pub delivered: u64,
    /// Contacts in which a link was followed.
    pub clicked: u64,
    /// Contacts that were answered.
    pub replied: u64,
    /// Contacts with a conversion attributed to them that was not taken back.
    pub converted: u64,
    /// The cost of each attempt, and whether it was clicked.
    pub cost_by_click: Pairs,
    /// The revenue of each attempt, and its cost.
    pub revenue_by_cost: Pairs,
}

impl Performance {
    /// The value of a metric; None where it would be divided by nothing.
    pub fn measured(&self, metric: ConversionMetric) -> Option<f64> {
        match metric {
            ConversionMetric::Cpc => ratio(&self.cost_by_click),
            ConversionMetric::Roas => ratio(&self.revenue_by_cost),
            rate => self.arm(rate).rate(),
        }
    }

    /// Whether a metric is on the wrong side of `value` with a one-sided `confidence`. Rates and returns want to be higher, costs
    /// lower. Where nothing is spent, nothing is too dear.
    pub fn is_worse(&self, metric: ConversionMetric, value: f64, confidence: f64) -> bool {
        match metric {
            ConversionMetric::Cpc => ratio_is_worse(&self.cost_by_click, Better::Lower, value, confidence),
            ConversionMetric::Roas => ratio_is_worse(&self.revenue_by_cost, Better::Higher, value, confidence),
            rate => rate_is_worse(self.arm(rate), value, confidence),
        }
    }

    fn arm(&self, rate: ConversionMetric) -> Arm {
        let successes = match rate {
            ConversionMetric::Ctr => self.clicked,
            ConversionMetric::DeliveryRate => self.delivered,
            ConversionMetric::ReplyRate => self.replied,
            ConversionMetric::ConversionRate | ConversionMetric::Cpc | ConversionMetric::Roas => self.converted,
        };
        Arm::new(successes, self.attempts)
    }
}

fn ratio(pairs: &Pairs) -> Option<f64> {
    (pairs.x > 0.0).then(|| pairs.y / pairs.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_is_measured_against_its_own_side() {
        // 400 emails at 0.02, of which 8 were clicked; 2 brought 10 each.
        let performance = Performance {
            attempts: 400,
            delivered: 390,
            clicked: 8,
            replied: 4,
            converted: 2,
            cost_by_click: Pairs { count: 400, y: 8.0, yy: 0.16, x: 8.0, xx: 8.0, xy: 0.16 },
            revenue_by_cost: Pairs { count: 400, y: 20.0, yy: 200.0, x: 8.0, xx: 0.16, xy: 0.4 },
        };
        let measured = |metric| performance.measured(metric);
        assert_eq!((measured(ConversionMetric::Ctr), measured(ConversionMetric::Cpc)), (Some(0.02), Some(1.0)));
        assert_eq!((measured(ConversionMetric::Roas), measured(ConversionMetric::ReplyRate)), (Some(2.5), Some(0.01)));
        let is_worse = |metric, value| performance.is_worse(metric, value, 0.95);
        assert!(is_worse(ConversionMetric::Ctr, 0.05) && !is_worse(ConversionMetric::Ctr, 0.025));
        assert!(is_worse(ConversionMetric::Cpc, 0.4) && !is_worse(ConversionMetric::Cpc, 1.5));
        assert!(is_worse(ConversionMetric::Roas, 10.0) && !is_worse(ConversionMetric::Roas, 3.0));
        assert!(is_worse(ConversionMetric::DeliveryRate, 0.999) && !is_worse(ConversionMetric::DeliveryRate, 0.97));
        assert!(is_worse(ConversionMetric::ConversionRate, 0.02));
    }
}
