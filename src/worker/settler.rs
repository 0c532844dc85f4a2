//! The settler of a lane: gathers answers and settles many in one transaction. It keeps them until the database has them (R10).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::Tools;
use super::holder::Holder;
use crate::domain::error::Error;
use crate::service::Services;
use crate::service::broadcast::delivery::Mission;
use crate::service::broadcast::delivery::settle::{Answer, settle};

/// Answers of one transaction at most.
const BATCH: usize = 5_000;
/// How long the first answer of a batch waits for others. It bounds the transactions a second, and what a crash leaves
/// ambiguous.
const GATHER: Duration = Duration::from_millis(20);
/// The longest pause between two attempts to settle.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub struct Settler {
    on: Services,
    holder: Arc<Holder>,
    mission: Arc<Mission>,
    in_flight: Arc<AtomicUsize>,
}

impl Settler {
    pub fn new(tools: &Tools, holder: &Arc<Holder>, mission: &Arc<Mission>, in_flight: &Arc<AtomicUsize>) -> Self {
        Self { on: tools.on.clone(), holder: holder.clone(), mission: mission.clone(), in_flight: in_flight.clone() }
    }

    /// Settles until nobody is left who could answer.
    pub async fn run(self, mut answers: mpsc::UnboundedReceiver<Answer>) {
        let mut batch = Vec::with_capacity(BATCH);
        while answers.recv_many(&mut batch, BATCH).await > 0 {
            if batch.len() < BATCH {
                tokio::time::sleep(GATHER).await;
                while batch.len() < BATCH {
                    let Ok(answer) = answers.try_recv() else { break };
                    batch.push(answer);
                }
            }
            batch.sort_unstable_by_key(|answer| answer.position);
            self.settle_all(&batch).await;
            batch.clear();
        }
    }

    /// Settles a batch, whatever it takes: while the database is away the answers wait, and nothing new is leased. A batch
    /// that fails for a reason of its data is halved until the row that it lies in stands alone (R25).
    async fn settle_all(&self, batch: &[Answer]) {
        let mut parts = vec![batch];
        let mut pause = Duration::from_millis(50);
        while let Some(part) = parts.pop() {
            match settle(&self.on, &self.mission, part, &self.finished(part)).await {
                Ok(()) => {
                    self.settled(part);
                    pause = Duration::from_millis(50);
                }
                Err(Error::Internal(_)) if part.len() > 1 => {
                    let (head, tail) = part.split_at(part.len() / 2);
                    parts.push(tail);
                    parts.push(head);
                }
                Err(Error::NotFound(_)) => self.settled(part),
                Err(error) => {
                    tracing::warn!(campaign = %self.mission.id, answers = part.len(), error = ?error, "cannot settle yet");
                    parts.push(part);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// The leases of which nothing is left open once this part is settled.
    fn finished(&self, part: &[Answer]) -> Vec<i64> {
        let mut finished: Vec<i64> = by_lease(part)
            .into_iter()
            .filter(|((key, _), jobs)| self.holder.remaining(*key) <= *jobs)
            .map(|((_, seq), _)| seq)
            .collect();
        finished.sort_unstable();
        finished
    }

    fn settled(&self, part: &[Answer]) {
        for ((key, _), jobs) in by_lease(part) {
            self.holder.settled(key, jobs);
        }
        self.in_flight.fetch_sub(part.len(), Ordering::SeqCst);
    }
}

/// How many answers there are of each lease: its key and its entry in the change log.
fn by_lease(part: &[Answer]) -> HashMap<(i64, i64), usize> {
    let mut leases = HashMap::new();
    for answer in part {
        *leases.entry((answer.key, answer.seq)).or_default() += 1;
    }
    leases
}
