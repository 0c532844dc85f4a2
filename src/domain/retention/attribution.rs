//! Which contacts a conversion is owed to, and how its revenue is divided among them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::words;

words! {
    /// To which of the contacts before it a conversion is credited.
    AttributionModel {
        /// All to the last contact, or to the one whose link was clicked.
        LastTouch => "LAST_TOUCH",
        /// All to the first contact within the window.
        FirstTouch => "FIRST_TOUCH",
        /// To all contacts within the window, in equal parts.
        Linear => "LINEAR",
    }
}

/// How credit is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// To whom.
    pub model: AttributionModel,
    /// How long before the conversion a contact may lie.
    pub window: TimeDelta,
}

impl Default for Rule {
    /// The last touch within thirty days.
    fn default() -> Self {
        Self { model: AttributionModel::LastTouch, window: TimeDelta::days(30) }
    }
}

/// A contact that reached its lead, as far as credit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The contact attempt.
    pub attempt: Uuid,
    /// When it began.
    pub at: DateTime<Utc>,
}

/// A part of a conversion's credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// The contact attempt that it is credited to.
    pub attempt_id: Uuid,
    /// The part of the revenue, in millionths.
    pub revenue_micros: i64,
}

impl Rule {
    /// The shares in a conversion at `at` with this revenue; `touches` in any order, `clicked` the one whose link was clicked.
    /// The shares add up to the revenue exactly: the last one takes what can't be divided.
    pub fn divide(&self, touches: &[Touch], clicked: Option<Uuid>, at: DateTime<Utc>, revenue: i64) -> Vec<Share> {
        let mut within: Vec<_> =
            touches.iter().filter(|touch| touch.at <= at && touch.at >= at - self.window).collect();
        within.sort_unstable_by_key(|touch| (touch.at, touch.attempt));
        let all = |attempt: Uuid| vec![Share { attempt_id: attempt, revenue_micros: revenue }];
        match self.model {
            AttributionModel::LastTouch => {
                clicked.or(within.last().map(|touch| touch.attempt)).map(all).unwrap_or_default()
            }
            AttributionModel::FirstTouch => {
                within.first().map(|touch| touch.attempt).or(clicked).map(all).unwrap_or_default()
            }
            AttributionModel::Linear if within.is_empty() => clicked.map(all).unwrap_or_default(),
            AttributionModel::Linear => {
                let count = i64::try_from(within.len()).unwrap_or(i64::MAX);
                let mut shares: Vec<_> = within
                    .iter()
                    .map(|touch| Share { attempt_id: touch.attempt, revenue_micros: revenue / count })
                    .collect();
                if let Some(last) = shares.last_mut() {
                    last.revenue_micros += revenue % count;
                }
                shares
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(day * 86_400, 0).unwrap()
    }

    /// Attempt 1 on day 1, and so on.
    fn touches(days: &[i64]) -> Vec<Touch> {
        days.iter().map(|n| Touch { attempt: Uuid::from_u128(u128::try_from(*n).unwrap()), at: day(*n) }).collect()
    }

    /// Model, window in days, touches, the clicked one, expected shares of 100 at day 40.
    type Expectation = (AttributionModel, i64, &'static [i64], Option<u128>, &'static [(u128, i64)]);

    #[test]
    fn credit_goes_to_whom_the_model_says_within_the_window() {
        use AttributionModel::{FirstTouch, LastTouch, Linear};
        let table: [Expectation; 11] = [
            (LastTouch, 30, &[12, 35, 20], None, &[(35, 100)]),
            (LastTouch, 30, &[12, 35, 20], Some(12), &[(12, 100)]),
            (LastTouch, 30, &[5], None, &[]),
            (LastTouch, 30, &[41], None, &[]),
            (LastTouch, 30, &[5], Some(5), &[(5, 100)]),
            (FirstTouch, 30, &[5, 35, 12], None, &[(12, 100)]),
            (FirstTouch, 35, &[5, 35, 12], Some(12), &[(5, 100)]),
            (FirstTouch, 1, &[], Some(7), &[(7, 100)]),
            (Linear, 30, &[12, 35, 20], Some(12), &[(12, 33), (20, 33), (35, 34)]),
            (Linear, 30, &[1, 10, 40], None, &[(10, 50), (40, 50)]),
            (Linear, 30, &[], None, &[]),
        ];
        for (line, (model, window, given, clicked, expected)) in table.into_iter().enumerate() {
            let rule = Rule { model, window: TimeDelta::days(window) };
            let shares = rule.divide(&touches(given), clicked.map(Uuid::from_u128), day(40), 100);
            let shares: Vec<_> =
                shares.iter().map(|share| (share.attempt_id.as_u128(), share.revenue_micros)).collect();
            assert_eq!(shares, expected, "line {line}");
        }
    }
}
