//! The settler of a lane: gathers answers and settles many in one transaction. It keeps them until the database has them (R10).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::Tools;
use super::holder::Holder;
use domain::delivery::{Fault, Reply};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use service::Services;
use service::broadcast::delivery::Mission;
use service::broadcast::delivery::settle::{Answer, settle};

/// Answers of one transaction at most.
const BATCH: usize = 5_000;
/// How long the first answer of a batch waits for others. It bounds the transactions a second, and what a crash leaves
/// ambiguous.
const GATHER: Duration = Duration::from_millis(20);
/// The pause between two attempts to settle doubles from the one to the other.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often one answer may be refused before it is given up.
const REFUSALS: u32 = 3;
/// What an answer that is given up counts as.
const LOST: Reply = Err(Fault::TimedOut);

pub struct Settler {
    on: Services,
    holder: Arc<Holder>,
    mission: watch::Receiver<Arc<Mission>>,
    in_flight: Arc<AtomicUsize>,
}

impl Settler {
    pub fn new(
        tools: &Tools,
        holder: &Arc<Holder>,
        mission: watch::Receiver<Arc<Mission>>,
        in_flight: &Arc<AtomicUsize>,
    ) -> Self {
        Self { on: tools.on.clone(), holder: holder.clone(), mission, in_flight: in_flight.clone() }
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
        let (mut pause, mut refusals) = (SHORTEST_PAUSE, 0);
        while let Some(part) = parts.pop() {
            match self.settle(part).await {
                Ok(()) | Err(Error::NotFound(_)) => {
                    self.settled(part);
                    (pause, refusals) = (SHORTEST_PAUSE, 0);
                    continue;
                }
                Err(Error::Unavailable(error)) => {
                    tracing::warn!(campaign = %self.id(), answers = part.len(), ?error, "cannot settle yet");
                    parts.push(part);
                }
                Err(_) if part.len() > 1 => {
                    let (head, tail) = part.split_at(part.len() / 2);
                    parts.push(tail);
                    parts.push(head);
                    continue;
                }
                Err(error) if refusals < REFUSALS => {
                    tracing::warn!(campaign = %self.id(), ?error, "an answer cannot be settled");
                    refusals += 1;
                    parts.push(part);
                }
                Err(error) => {
                    self.give_up(part, &error).await;
                    (pause, refusals) = (SHORTEST_PAUSE, 0);
                    continue;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// An answer that the database refuses for what it says counts as lost: its job is repeated under the same `random_id`
    /// (R11). If that is refused too, the job stays leased, until this process ends and another takes its leases over.
    async fn give_up(&self, part: &[Answer], error: &Error) {
        tracing::error!(campaign = %self.id(), ?error, "the database refuses an answer, which counts as lost");
        let lost = |answer: &Answer| Answer { reply: answer.reply.as_ref().map(|_| LOST), ..answer.clone() };
        let lost: Vec<Answer> = part.iter().map(lost).collect();
        match self.settle(&lost).await {
            Ok(()) => self.settled(part),
            Err(error) => {
                tracing::error!(campaign = %self.id(), ?error, "a job stays leased until this process ends");
                self.in_flight.fetch_sub(part.len(), Ordering::SeqCst);
            }
        }
    }

    async fn settle(&self, part: &[Answer]) -> Result<()> {
        let mission = self.mission.borrow().clone();
        settle(&self.on, &mission, part, &self.finished(part)).await
    }

    fn id(&self) -> BroadcastCampaignId {
        self.mission.borrow().id
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
