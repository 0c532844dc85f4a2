//! How a channel does, and whether that is surely worse than a conversion rule wants.

use super::credentials::Provider;
use super::words::ConversionMetric;
use crate::statistics::{Arm, Better, Pairs, rate_is_worse, ratio_is_worse};

/// What was found of contacts, of those by which it would be known: where nobody reports it, that it is missing says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// The contacts of which it was reported.
    pub found: u64,
    /// All contacts by providers that report it.
    pub of: u64,
}

impl Share {
    fn add(&mut self, found: u64, of: u64, told: Told) {
        if told.is_known(found) {
            self.found += found;
            self.of += of;
        }
    }
}

/// How a channel did: attempts that a provider accepted, and what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Performance {
    /// All of them.
    pub attempts: u64,
    /// Contacts that reached the lead.
    pub delivered: Share,
    /// Contacts in which a link was followed.
    pub clicked: Share,
    /// Contacts that were answered.
    pub replied: Share,
    /// Contacts with a conversion attributed to them that was not taken back.
    pub converted: u64,
    /// The cost of each attempt, and whether it was clicked, of those whose clicks are reported.
    pub cost_by_click: Pairs,
    /// The revenue of each attempt, and its cost.
    pub revenue_by_cost: Pairs,
}

/// How the attempts by one provider did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
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

/// Whether it is told of each contact if something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Always,
    Never,
    /// Whoever has told of one tells of all.
    OnceSeen,
}

impl Told {
    fn is_known(self, found: u64) -> bool {
        self == Self::Always || (self == Self::OnceSeen && found > 0)
    }
}

/// What is told of contacts by a provider.
struct Reports {
    deliveries: Told,
    clicks: Told,
    replies: Told,
}

const fn reports(provider: Option<Provider>) -> Reports {
    use Told::{Always, Never, OnceSeen};
    let (deliveries, clicks, replies) = match provider {
        Some(Provider::Twilio) => (Always, Never, Always),
        Some(Provider::Instantly) => (Never, Always, Always),
        Some(Provider::Vapi) => (Always, Never, Never),
        // A mail server takes an email, and says no more of it; answers come where somebody has them posted to Herald. An email that
        // was answered counts as reached, which says nothing of the others.
        Some(Provider::Smtp) => (Never, Never, OnceSeen),
        Some(Provider::Webhook | Provider::Keitaro) => (Never, Never, Never),
        // By hand, or by what is not ours: as it is recorded.
        None => (OnceSeen, OnceSeen, OnceSeen),
    };
    Reports { deliveries, clicks, replies }
}

impl Performance {
    /// Adds the attempts by `provider`; None: by none that is known. With `tracks_clicks` their links are Herald's own, which tell of
    /// each click whoever sent them.
    pub fn add(&mut self, provider: Option<Provider>, tracks_clicks: bool, part: &Part) {
        let Part { attempts, delivered, clicked, replied, converted, cost_by_click, revenue_by_cost } = part;
        let reports = reports(provider);
        let reports = Reports { clicks: if tracks_clicks { Told::Always } else { reports.clicks }, ..reports };
        self.attempts += attempts;
        self.delivered.add(*delivered, *attempts, reports.deliveries);
        self.clicked.add(*clicked, *attempts, reports.clicks);
        self.replied.add(*replied, *attempts, reports.replies);
        self.converted += converted;
        if reports.clicks.is_known(*clicked) {
            self.cost_by_click.add(cost_by_click);
        }
        self.revenue_by_cost.add(revenue_by_cost);
    }

    /// The attempts that a metric is measured over.
    pub fn sample(&self, metric: ConversionMetric) -> u64 {
        match metric {
            ConversionMetric::Ctr | ConversionMetric::Cpc => self.clicked.of,
            ConversionMetric::DeliveryRate => self.delivered.of,
            ConversionMetric::ReplyRate => self.replied.of,
            ConversionMetric::ConversionRate | ConversionMetric::Roas => self.attempts,
        }
    }

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
        let share = match rate {
            ConversionMetric::Ctr => self.clicked,
            ConversionMetric::DeliveryRate => self.delivered,
            ConversionMetric::ReplyRate => self.replied,
            ConversionMetric::ConversionRate | ConversionMetric::Cpc | ConversionMetric::Roas => {
                Share { found: self.converted, of: self.attempts }
            }
        };
        Arm::new(share.found, share.of)
    }
}

fn ratio(pairs: &Pairs) -> Option<f64> {
    (pairs.x > 0.0).then(|| pairs.y / pairs.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many contacts at a cost of 0.02, of which nothing was reported.
    fn silent(attempts: u32) -> Part {
        let n = f64::from(attempts);
        let costs = Pairs { count: attempts.into(), y: n * 0.02, yy: n * 0.0004, x: 0.0, xx: 0.0, xy: 0.0 };
        Part {
            attempts: attempts.into(),
            delivered: 0,
            clicked: 0,
            replied: 0,
            converted: 0,
            cost_by_click: costs,
            revenue_by_cost: Pairs { count: attempts.into(), x: n * 0.02, xx: n * 0.0004, ..Pairs::default() },
        }
    }

    #[test]
    fn what_nobody_reports_says_nothing() {
        use ConversionMetric::{ConversionRate, Cpc, Ctr, DeliveryRate, ReplyRate};
        for (provider, silent_of, told_of) in [
            (Some(Provider::Smtp), vec![DeliveryRate, Ctr, Cpc, ReplyRate], vec![ConversionRate]),
            (Some(Provider::Twilio), vec![Ctr, Cpc], vec![DeliveryRate, ReplyRate, ConversionRate]),
            (Some(Provider::Instantly), vec![DeliveryRate], vec![Ctr, Cpc, ReplyRate]),
            (Some(Provider::Vapi), vec![Ctr, Cpc, ReplyRate], vec![DeliveryRate]),
            (Some(Provider::Webhook), vec![DeliveryRate, Ctr, Cpc, ReplyRate], vec![ConversionRate]),
            (None, vec![DeliveryRate, Ctr, Cpc, ReplyRate], vec![ConversionRate]),
        ] {
            let mut performance = Performance::default();
            performance.add(provider, false, &silent(1_000));
            for metric in silent_of {
                let bound = if metric == Cpc { 0.001 } else { 0.5 };
                assert!(!performance.is_worse(metric, bound, 0.9), "{provider:?} {metric}");
                assert_eq!(
                    (performance.sample(metric), performance.measured(metric)),
                    (0, None),
                    "{provider:?} {metric}"
                );
            }
            for metric in told_of.into_iter().filter(|metric| *metric != Cpc) {
                assert!(performance.is_worse(metric, 0.5, 0.9), "{provider:?} {metric}");
                assert_eq!(performance.sample(metric), 1_000);
            }
        }
        // One that was reported shows that they are; of the others' contacts nothing is known all the same.
        let mut performance = Performance::default();
        performance.add(None, false, &Part { clicked: 1, ..silent(100) });
        performance.add(Some(Provider::Smtp), false, &Part { delivered: 3, replied: 3, ..silent(900) });
        assert_eq!((performance.sample(Ctr), performance.measured(Ctr)), (100, Some(0.01)));
        assert_eq!((performance.sample(DeliveryRate), performance.sample(ReplyRate)), (0, 900));
        assert_eq!((performance.attempts, performance.cost_by_click.count), (1_000, 100));
    }

    #[test]
    fn herald_s_own_links_tell_of_clicks_whoever_sent_them() {
        use ConversionMetric::{Cpc, Ctr, DeliveryRate};
        for provider in [Provider::Smtp, Provider::Twilio] {
            let mut performance = Performance::default();
            // Nobody has followed one yet, and that says something; of those without such links nothing is known.
            performance.add(Some(provider), true, &silent(200));
            performance.add(Some(provider), false, &silent(5_000));
            assert_eq!((performance.sample(Ctr), performance.measured(Ctr)), (200, Some(0.0)), "{provider:?}");
            assert!(performance.is_worse(Ctr, 0.1, 0.9) && performance.sample(Cpc) == 200, "{provider:?}");
        }
        let mut performance = Performance::default();
        performance.add(Some(Provider::Smtp), true, &silent(200));
        assert_eq!(performance.sample(DeliveryRate), 0, "of nothing else they tell");
    }

    #[test]
    fn each_metric_is_measured_against_its_own_side() {
        // 400 emails at 0.02, of which 8 were clicked; 2 brought 10 each.
        let performance = Performance {
            attempts: 400,
            delivered: Share { found: 390, of: 400 },
            clicked: Share { found: 8, of: 400 },
            replied: Share { found: 4, of: 400 },
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
