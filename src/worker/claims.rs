//! The claims of one who sends, one after the other: how long they take, and so how long before its slot the next one begins.

use std::time::Duration;

use crate::holder::Holder;
use domain::clock::duration_nanos;
use domain::meters;
use domain::pacing::{ClaimTimes, delay};
use service::Services;

/// The claims of a producer or a driver.
#[derive(Debug, Default)]
pub struct Claims {
    /// None before the first.
    times: Option<ClaimTimes>,
}

/// A claim that has begun.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// When the claim should be over, in nanoseconds since 1970: slots are taken as of then.
    pub ready: i64,
    /// When it began, in nanoseconds since 1970.
    pub now: i64,
    /// When it began, on the monotonic clock, later by what its lead adds to D: for [`crate::flight::Slot`].
    pub claimed: Duration,
    at: Duration,
}

impl Claims {
    /// Before the first claim: it is expected to take so long.
    pub fn expect(&mut self, took: Duration) {
        self.times.get_or_insert_with(|| ClaimTimes::expecting(took));
    }

    /// How long before its slot the next claim begins, at least.
    pub fn lead(&self) -> Duration {
        self.times.map_or(Duration::ZERO, |times| times.lead())
    }

    /// A claim begins, with a lead that others know of.
    pub async fn begin(&self, on: &Services, holder: &Holder) -> Begun {
        let lead = holder.lead(on, self.lead()).await;
        let (at, now) = (on.clock.monotonic(), on.clock.nanos());
        Begun { ready: now + duration_nanos(lead), now, claimed: at + delay(lead), at }
    }

    /// A claim is over that leased something.
    pub fn over(&mut self, on: &Services, begun: Begun) {
        let took = on.clock.monotonic().saturating_sub(begun.at);
        meters::claim(took);
        self.times.get_or_insert_with(|| ClaimTimes::expecting(took)).note(took);
    }
}

impl Begun {
    /// How long ago it began.
    pub fn age(&self, on: &Services) -> Duration {
        on.clock.monotonic().saturating_sub(self.at)
    }
}
