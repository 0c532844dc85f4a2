//! What operations cost, and what callers have left to spend where the setting says so.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::{Value, value};
use parking_lot::Mutex;

use super::context::Caller;
use domain::bucket::Bucket;
use domain::error::{Error, Result};
use domain::id::UserId;
use domain::limits::PointLimits;

/// So many buckets are remembered; beyond that, full ones are forgotten.
const REMEMBERED: usize = 10_000;

/// The buckets of this process, one for each user, and one for each address from which nobody has signed in.
pub(super) struct Budgets {
    limits: PointLimits,
    buckets: Mutex<HashMap<Holder, Bucket>>,
}

#[derive(PartialEq, Eq, Hash)]
enum Holder {
    User(UserId),
    Address(String),
}

impl Budgets {
    pub(super) fn new(limits: PointLimits) -> Self {
        Self { limits, buckets: Mutex::default() }
    }

    /// Takes the cost of an operation, and one point for itself, out of the caller's bucket. Says what is left; None where
    /// points are not counted.
    pub(super) fn pay(&self, caller: &Caller, cost: u64, now: Duration) -> Result<Option<u32>> {
        if self.limits.bucket == 0 {
            return Ok(None);
        }
        let holder = match (caller.viewer(), &caller.address) {
            (Some(viewer), _) => Holder::User(viewer.id),
            (None, Some(address)) => Holder::Address(address.clone()),
            // A proxy does not say for whom: what one spends must not be missing to all.
            (None, None) => return Ok(None),
        };
        // A panic can't leave a bucket half changed.
        let mut buckets = self.buckets.lock();
        if buckets.len() >= REMEMBERED {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let bucket = buckets.entry(holder).or_insert_with(|| Bucket::new(self.limits.bucket, self.limits.rate, now));
        let cost = u32::try_from(cost.saturating_add(1)).unwrap_or(u32::MAX);
        bucket.take(cost, now).map_err(|wait| Error::TooManyPoints {
            cost,
            left: bucket.level(now),
            retry_after_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1),
        })?;
        Ok(Some(bucket.level(now)))
    }

    /// The value of `extensions.cost` in responses: the operation's cost and the most that one may have, in points;
    /// and, where points are counted, what is left to the caller.
    pub(super) fn bill(&self, cost: u64, maximum: u64, left: Option<u32>) -> Value {
        let Some(left) = left else { return value!({ "requestedQueryCost": cost, "maximumQueryCost": maximum }) };
        value!({
            "requestedQueryCost": cost,
            "maximumQueryCost": maximum,
            "throttleStatus": {
                "maximumAvailable": self.limits.bucket,
                "currentlyAvailable": left,
                "restoreRate": self.limits.rate,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_budget_of_their_own() {
        let budgets = Budgets::new(PointLimits { bucket: 10, rate: 2 });
        let at = |address: &str| Caller { address: Some(address.into()), ..Caller::default() };
        let pay = |caller: &Caller, cost, seconds| budgets.pay(caller, cost, Duration::from_secs(seconds));
        assert!(matches!(pay(&at("a"), 8, 0), Ok(Some(1))));
        assert!(matches!(pay(&at("a"), 3, 0), Err(Error::TooManyPoints { cost: 4, left: 1, retry_after_ms: 1501 })));
        let refused = pay(&at("a"), 3, 0).unwrap_err().to_string();
        assert!(refused.starts_with("too many points: this operation costs 4, 1 are left"), "{refused}");
        assert!(matches!(pay(&at("b"), 9, 0), Ok(Some(0))));
        assert!(matches!(pay(&at("a"), 3, 2), Ok(Some(1))));
        let free = Budgets::new(PointLimits { bucket: 0, rate: 1 });
        assert!(matches!(free.pay(&at("a"), u64::MAX, Duration::ZERO), Ok(None)));
    }
}
