//! The wait after which nothing starts that was claimed before (R5). It needs no Redis, and no two clocks to agree.

use std::time::Duration;

use crate::Services;
use domain::pacing::{BARRIER, LONGEST_LEAD, delay};
use storage::broadcast::sender;

/// The wait of one pause, cancellation or stop.
#[derive(Debug, Clone, Copy)]
pub struct Barrier(Duration);

impl Barrier {
    /// From now on no claim can succeed: what forbids it is committed, or the row that each claim changes is locked by a transaction
    /// that then commits it.
    pub fn from_now(on: &Services) -> Self {
        Self(on.clock.monotonic())
    }

    /// Returns when every start that was claimed before is over: after D, what the longest lead of a process that may
    /// hold leases adds to it, and a margin. A lead is written before a claim has it, so it is read here if a claim that came first had it.
    pub async fn passed(self, on: &Services) {
        let longest = delay(LONGEST_LEAD);
        let more = match sender::Entity::longest_delay(on.db.reader()).await {
            Ok(more) => more.min(longest),
            Err(error) => {
                tracing::warn!(%error, "leads cannot be looked up: the longest one is waited for");
                longest
            }
        };
        let waited = on.clock.monotonic().saturating_sub(self.0);
        on.clock.sleep((BARRIER + more).saturating_sub(waited)).await;
    }
}

/// Waits until every start that was claimed before is over, after what forbids claims was committed.
pub async fn wait(on: &Services) {
    Barrier::from_now(on).passed(on).await;
}
