//! The guard that needs no reason: what has begun a round and does not come to its end ends the session, whatever it waits for.
//!
//! The process registers anew then; others take over what it held, or it does itself. A sign of life that is given while nothing
//! moves would keep everybody from that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::holder::Holder;
use crate::punctuality::Lateness;
use domain::health::Health;

/// How often is looked.
const LOOK: Duration = Duration::from_secs(1);
/// Looks that a round may take: longer than all that it waits for may.
const LOOKS: u32 = 30;

/// The rounds that are under way in a session: of producers, drivers, completers.
#[derive(Debug, Default)]
pub struct Rounds(Mutex<UnderWay>);

#[derive(Debug, Default)]
struct UnderWay {
    next: u64,
    /// What it is, and in how many looks it was seen. Time does not count: a machine that slept is not to blame.
    rounds: HashMap<u64, (&'static str, u32)>,
}

/// A round that is under way. Its end is when it is dropped.
#[derive(Debug)]
pub struct Round<'a> {
    rounds: &'a Rounds,
    number: u64,
}

impl Rounds {
    /// A round begins.
    pub fn begin(&self, what: &'static str) -> Round<'_> {
        let mut under_way = self.0.lock();
        under_way.next += 1;
        let number = under_way.next;
        under_way.rounds.insert(number, (what, 0));
        Round { rounds: self, number }
    }

    /// Looks once; tells what has not come round.
    fn look(&self) -> Option<&'static str> {
        let mut under_way = self.0.lock();
        under_way.rounds.values_mut().for_each(|(_, looks)| *looks += 1);
        under_way.rounds.values().find(|(_, looks)| *looks > LOOKS).map(|(what, _)| *what)
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.rounds.0.lock().rounds.remove(&self.number);
    }
}

/// Ends the session when something in it does not come round.
pub async fn guard(holder: Arc<Holder>, health: Arc<Health>, session: CancellationToken) {
    while session.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        if let Some(what) = holder.rounds.look() {
            tracing::error!(what, "this has stood still for 30 s: the worker begins anew, and its work is taken over");
            health.session_ended();
            session.cancel();
        }
        if let Some(Lateness { late, claimed, trip_ms }) = holder.punctuality.look() {
            tracing::warn!(
                late,
                claimed,
                "the database answers in {trip_ms} ms: {late} of {claimed} messages came back in the last 10 s because their \
                 claim was over too late, and are claimed again"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_round_for_half_a_minute_ends_the_session() {
        let (holder, health) = (Arc::new(Holder::testing()), Arc::<Health>::default());
        let session = CancellationToken::new();
        let guarding = tokio::spawn(guard(holder.clone(), health.clone(), session.clone()));
        for _ in 0..10 {
            let round = holder.rounds.begin("a claim");
            tokio::time::sleep(Duration::from_secs(25)).await;
            drop(round);
        }
        assert!(!session.is_cancelled(), "each came round");
        let stuck = holder.rounds.begin("a settlement");
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert!(!session.is_cancelled());
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(session.is_cancelled());
        guarding.await.unwrap();
        drop(stuck);
        assert_eq!(holder.rounds.look(), None);
    }
}
