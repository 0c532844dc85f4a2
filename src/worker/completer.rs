//! The completer: gathers answers and settles many in one transaction. It keeps them until the database has them (R10).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::holder::Holder;
use domain::error::{Error, Result};

/// How long the first answer of a batch waits for others. It bounds the transactions a second, and what a crash leaves
/// ambiguous.
const GATHER: Duration = Duration::from_millis(20);
/// The pause between two attempts to settle doubles from the one to the other.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often the database may refuse one answer before that counts as lost.
const REFUSALS: u32 = 3;

/// How answers of one kind are settled.
pub trait Settlement: Send + Sync + 'static {
    /// What became of one leased job.
    type Answer: Send + Sync;
    /// Answers of one transaction at most.
    const BATCH: usize;

    /// Whose answers these are, for the log.
    fn name(&self) -> String;

    /// Settles some in one transaction. Settling twice changes nothing.
    fn settle(&self, answers: &mut [Self::Answer]) -> impl Future<Output = Result<()>> + Send;

    /// The key of the lease that an answer belongs to.
    fn lease(answer: &Self::Answer) -> i64;

    /// Takes out of an answer what the database may refuse; false if there is nothing more to take out. Its job then counts as
    /// one whose answer was lost.
    fn reduce(answer: &mut Self::Answer) -> bool;
}

/// Settles answers of one kind.
pub struct Completer<S> {
    settlement: S,
    holder: Arc<Holder>,
    /// Jobs that are leased and not settled.
    in_flight: Arc<AtomicUsize>,
}

impl<S: Settlement> Completer<S> {
    pub const fn new(settlement: S, holder: Arc<Holder>, in_flight: Arc<AtomicUsize>) -> Self {
        Self { settlement, holder, in_flight }
    }

    /// Settles until nobody is left who could answer.
    pub async fn run(self, mut answers: mpsc::UnboundedReceiver<S::Answer>) {
        let mut batch = Vec::with_capacity(S::BATCH);
        while answers.recv_many(&mut batch, S::BATCH).await > 0 {
            if batch.len() < S::BATCH {
                tokio::time::sleep(GATHER).await;
                while batch.len() < S::BATCH {
                    let Ok(answer) = answers.try_recv() else { break };
                    batch.push(answer);
                }
            }
            self.settle_all(&mut batch).await;
            batch.clear();
        }
    }

    /// Settles a batch, whatever it takes: while the database is away the answers wait, and soon nothing new is leased. A batch
    /// that fails for a reason of its data is halved until the answer that it lies in stands alone (R25).
    async fn settle_all(&self, batch: &mut [S::Answer]) {
        let mut parts = vec![batch];
        let (mut pause, mut refusals) = (SHORTEST_PAUSE, 0);
        while let Some(part) = parts.pop() {
            let Err(error) = self.settlement.settle(part).await else {
                self.settled(part);
                (pause, refusals) = (SHORTEST_PAUSE, 0);
                continue;
            };
            let of = self.settlement.name();
            match error {
                Error::Unavailable(error) => tracing::warn!(of, answers = part.len(), ?error, "cannot settle yet"),
                _ if part.len() > 1 => {
                    let (head, tail) = part.split_at_mut(part.len() / 2);
                    parts.extend([tail, head]);
                    continue;
                }
                error if refusals < REFUSALS => {
                    tracing::warn!(of, ?error, "an answer cannot be settled");
                    refusals += 1;
                }
                error => {
                    (pause, refusals) = (SHORTEST_PAUSE, 0);
                    if S::reduce(&mut part[0]) {
                        tracing::error!(of, ?error, "the database refuses an answer, which counts as lost");
                        parts.push(part);
                    } else {
                        // Until another process takes the leases of this one over (R11).
                        tracing::error!(of, ?error, "a job stays leased until this process ends");
                        self.in_flight.fetch_sub(part.len(), Ordering::SeqCst);
                    }
                    continue;
                }
            }
            parts.push(part);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn settled(&self, part: &[S::Answer]) {
        for (key, jobs) in by_lease(part.iter().map(S::lease)) {
            self.holder.settled(key, jobs);
        }
        self.in_flight.fetch_sub(part.len(), Ordering::SeqCst);
    }
}

/// How many answers there are of each lease.
pub fn by_lease<L: Eq + std::hash::Hash>(answers: impl Iterator<Item = L>) -> HashMap<L, usize> {
    let mut leases = HashMap::new();
    for lease in answers {
        *leases.entry(lease).or_default() += 1;
    }
    leases
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Refuses what is negative, until that is reduced to zero; -2 can't be reduced.
    struct Numbers(Mutex<Vec<Vec<i64>>>);

    impl Settlement for Arc<Numbers> {
        type Answer = i64;
        const BATCH: usize = 4;

        fn name(&self) -> String {
            "numbers".into()
        }

        async fn settle(&self, answers: &mut [i64]) -> Result<()> {
            if answers.iter().any(|answer| *answer < 0) {
                return Err(Error::Conflict("negative".into()));
            }
            self.0.lock().unwrap().push(answers.to_vec());
            Ok(())
        }

        fn lease(_: &i64) -> i64 {
            7
        }

        fn reduce(answer: &mut i64) -> bool {
            let can = *answer == -1;
            *answer = if can { 0 } else { *answer };
            can
        }
    }

    #[tokio::test]
    async fn one_answer_that_is_refused_keeps_no_other_from_being_settled() {
        let (numbers, in_flight) = (Arc::new(Numbers(Mutex::default())), Arc::new(AtomicUsize::new(5)));
        let (answers, results) = mpsc::unbounded_channel();
        for answer in [1, -1, 2, -2, 3] {
            answers.send(answer).unwrap();
        }
        drop(answers);
        Completer::new(numbers.clone(), Arc::new(Holder::testing()), in_flight.clone()).run(results).await;
        assert_eq!(*numbers.0.lock().unwrap(), [vec![1], vec![0], vec![2], vec![3]]);
        assert_eq!(in_flight.load(Ordering::SeqCst), 0);
    }
}
