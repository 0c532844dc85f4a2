//! What reports say of attempts and conversions.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::words::ContactAttemptStatus;

/// Figures of attempts and of what came of them. Money is in millionths, by currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// All attempts; those of each status add up to it.
    pub attempts: i64,
    /// About to be handed over.
    pub pending: i64,
    /// Accepted by a provider, and no more is known.
    pub sent: i64,
    /// They reached the lead.
    pub delivered: i64,
    /// The lead answered, replied or clicked.
    pub success: i64,
    /// Refused, or they never arrived.
    pub failed: i64,
    /// Sent back by the lead's mail server.
    pub bounced: i64,
    /// Perhaps sent; nobody can know.
    pub unknown: i64,
    /// Emails that were opened.
    pub opened: i64,
    /// Contacts in which a link was followed.
    pub clicked: i64,
    /// Contacts that were answered.
    pub replied: i64,
    /// The length of all calls together.
    pub seconds: i64,
    /// Calls whose length is known.
    pub calls: i64,
    /// The providers' prices, by currency.
    pub cost: BTreeMap<String, i64>,
    /// Conversions that were not taken back.
    pub conversions: i64,
    /// Conversions that were taken back.
    pub rejected: i64,
    /// The money that the contacts brought, by currency.
    pub revenue: BTreeMap<String, i64>,
    /// The money that conversions would bring which are only a LEAD, by currency: it is not confirmed.
    pub held: BTreeMap<String, i64>,
}

impl Figures {
    /// Counts attempts of a status.
    pub fn count(&mut self, status: ContactAttemptStatus, attempts: i64) {
        self.attempts += attempts;
        let counter = match status {
            ContactAttemptStatus::Pending => &mut self.pending,
            ContactAttemptStatus::Sent => &mut self.sent,
            ContactAttemptStatus::Delivered => &mut self.delivered,
            ContactAttemptStatus::Success => &mut self.success,
            ContactAttemptStatus::Failed => &mut self.failed,
            ContactAttemptStatus::Bounced => &mut self.bounced,
            ContactAttemptStatus::Unknown => &mut self.unknown,
        };
        *counter += attempts;
    }

    /// Attempts that a provider accepted, whatever became of them later.
    pub const fn accepted(&self) -> i64 {
        self.sent + self.delivered + self.success + self.bounced
    }

    /// So many by accepted attempt, 0 to 1 for what happens once to each; None if there is none.
    pub fn rate(&self, count: i64) -> Option<f64> {
        (self.accepted() > 0).then(|| float(count) / float(self.accepted()))
    }

    /// The mean length of calls in seconds; None if none is known.
    pub fn mean_duration(&self) -> Option<f64> {
        (self.calls > 0).then(|| float(self.seconds) / float(self.calls))
    }

    /// Revenue by cost, where both are in one and the same currency.
    pub fn return_on_cost(&self) -> Option<f64> {
        let (Some((of_cost, cost)), Some((of_revenue, revenue))) = (only(&self.cost), only(&self.revenue)) else {
            return None;
        };
        (of_cost == of_revenue && cost > 0).then(|| float(revenue) / float(cost))
    }
}

fn only(sums: &BTreeMap<String, i64>) -> Option<(&String, i64)> {
    let mut sums = sums.iter().map(|(currency, sum)| (currency, *sum));
    sums.next().filter(|_| sums.next().is_none())
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
const fn float(number: i64) -> f64 {
    number as f64
}

impl AddAssign<&Self> for Figures {
    fn add_assign(&mut self, other: &Self) {
        let Self {
            attempts,
            pending,
            sent,
            delivered,
            success,
            failed,
            bounced,
            unknown,
            opened,
            clicked,
            replied,
            seconds,
            calls,
            cost,
            conversions,
            rejected,
            revenue,
            held,
        } = other;
        self.attempts += attempts;
        self.pending += pending;
        self.sent += sent;
        self.delivered += delivered;
        self.success += success;
        self.failed += failed;
        self.bounced += bounced;
        self.unknown += unknown;
        self.opened += opened;
        self.clicked += clicked;
        self.replied += replied;
        self.seconds += seconds;
        self.calls += calls;
        self.conversions += conversions;
        self.rejected += rejected;
        for (sums, more) in [(&mut self.cost, cost), (&mut self.revenue, revenue), (&mut self.held, held)] {
            for (currency, sum) in more {
                *sums.entry(currency.clone()).or_default() += sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up_and_rates_are_of_what_was_accepted() {
        let mut one =
            Figures { clicked: 3, revenue: BTreeMap::from([("EUR".into(), 9_000_000)]), ..Figures::default() };
        one.count(ContactAttemptStatus::Delivered, 8);
        one.count(ContactAttemptStatus::Failed, 2);
        let mut all = Figures { cost: BTreeMap::from([("EUR".into(), 3_000_000)]), ..Figures::default() };
        all.count(ContactAttemptStatus::Sent, 4);
        all += &one;
        assert_eq!((all.attempts, all.accepted(), all.rate(all.clicked)), (14, 12, Some(0.25)));
        assert_eq!(all.return_on_cost(), Some(3.0));
        all.cost.insert("USD".into(), 1);
        assert_eq!((all.return_on_cost(), Figures::default().rate(0)), (None, None));
    }
}
