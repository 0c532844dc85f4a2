//! The completer: gathers answers and settles many in one transaction. It keeps them until the database has them (R10).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::holder::Holder;
use domain::error::Result;
use domain::meters;
use domain::violation::{is_of_the_row, may_pass_in_parts};

/// How long the first answer of a batch waits for others. It bounds the transactions a second, and what a crash leaves
/// ambiguous.
const GATHER: Duration = Duration::from_millis(20);
/// The pause between two attempts to settle doubles from the one to the other.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often the database may refuse one answer before that counts as lost.
const REFUSALS: u32 = 3;
/// How long an answer that the database refuses, and that is kept, waits for its next attempt.
const KEPT: Duration = Duration::from_secs(10);

/// A batch that takes longer is too large: for the way, or for the database.
const LONG: Duration = Duration::from_secs(1);
/// Answers of a batch that is never too large.
const FEW: usize = 100;

/// How answers of one kind are settled.
pub trait Settlement: Send + Sync + 'static {
    /// What became of one leased job.
    type Answer: Send + Sync;
    /// Answers of one transaction at most.
    const BATCH: usize;
    /// Whether a job of which nothing can be stored is handed over again, and known there as a repetition (R11). Else its answer
    /// is kept until it can be stored.
    const IS_REPEATED: bool;

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

    /// Settles until nobody is left who could answer, and all answers are stored.
    pub async fn run(self, mut answers: mpsc::UnboundedReceiver<S::Answer>) {
        let (mut batch, mut kept, mut limit) = (Vec::with_capacity(S::BATCH), Vec::new(), S::BATCH);
        let mut tried = Instant::now();
        loop {
            let patience = if kept.is_empty() { Duration::MAX } else { KEPT };
            let received = tokio::time::timeout(patience, answers.recv_many(&mut batch, limit)).await;
            if received == Ok(0) {
                if kept.is_empty() {
                    return;
                }
                tokio::time::sleep(KEPT).await;
            }
            if !kept.is_empty() && tried.elapsed() >= KEPT {
                self.store_kept(&mut kept).await;
                tried = Instant::now();
            }
            if !batch.is_empty() && batch.len() < limit {
                tokio::time::sleep(GATHER).await;
                while batch.len() < limit {
                    let Ok(answer) = answers.try_recv() else { break };
                    batch.push(answer);
                }
            }
            let (began, size) = (Instant::now(), batch.len());
            self.settle_all(std::mem::take(&mut batch), &mut kept).await;
            // What has once been too large is not tried again as large at once.
            let is_long = began.elapsed() > LONG && size > FEW;
            limit = if is_long { (size / 2).max(FEW) } else { (limit * 2).min(S::BATCH) };
        }
    }

    /// Settles a batch, whatever it takes: while the database can't store it the answers wait, and soon nothing new is leased. A
    /// batch that fails for a reason of its data is halved until the answer that it lies in stands alone (R25). One that a limit of
    /// time has ended, or that was cut off on its way, is not repeated as large as it was.
    async fn settle_all(&self, batch: Vec<S::Answer>, kept: &mut Vec<S::Answer>) {
        let mut parts = vec![batch];
        let (mut pause, mut refusals) = (SHORTEST_PAUSE, 0);
        while let Some(mut part) = parts.pop().filter(|part| !part.is_empty()) {
            let Err(error) = self.attempt(&mut part).await else {
                self.settled(&part);
                (pause, refusals) = (SHORTEST_PAUSE, 0);
                continue;
            };
            let of = self.settlement.name();
            if !is_of_the_row(&error) {
                tracing::warn!(of, answers = part.len(), ?error, "cannot settle yet");
                if part.len() > 1 && may_pass_in_parts(&error) {
                    let tail = part.split_off(part.len() / 2);
                    parts.push(tail);
                }
            } else if part.len() > 1 {
                let tail = part.split_off(part.len() / 2);
                parts.extend([tail, part]);
                continue;
            } else if refusals < REFUSALS {
                tracing::warn!(of, ?error, "an answer cannot be settled");
                refusals += 1;
            } else {
                (pause, refusals) = (SHORTEST_PAUSE, 0);
                if S::reduce(&mut part[0]) {
                    tracing::error!(of, ?error, "the database refuses an answer, which counts as lost");
                    parts.push(part);
                } else {
                    tracing::error!(of, ?error, "the database refuses even that an answer was lost");
                    self.unsettled(part, kept);
                }
                continue;
            }
            parts.push(part);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Nothing is given up for good: what is known there as a repetition is repeated, all else is kept (R11).
    fn unsettled(&self, part: Vec<S::Answer>, kept: &mut Vec<S::Answer>) {
        if !S::IS_REPEATED {
            kept.extend(part);
            return;
        }
        for answer in &part {
            self.holder.abandoned(S::lease(answer));
        }
        self.in_flight.fetch_sub(part.len(), Ordering::SeqCst);
    }

    /// Tries once more to store what was refused, each for itself.
    async fn store_kept(&self, kept: &mut Vec<S::Answer>) {
        for answer in std::mem::take(kept) {
            let mut part = [answer];
            match self.attempt(&mut part).await {
                Ok(()) => self.settled(&part),
                Err(error) => {
                    tracing::warn!(of = self.settlement.name(), ?error, "an answer is kept until it can be stored");
                    kept.extend(part);
                }
            }
        }
    }

    async fn attempt(&self, part: &mut [S::Answer]) -> Result<()> {
        let _round = self.holder.rounds.begin("a settlement");
        let began = Instant::now();
        let settled = self.settlement.settle(part).await;
        meters::settlement(began.elapsed());
        settled
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
    use domain::error::Error;

    /// Refuses what is negative, until that is reduced to zero; -2 can't be reduced. The first calls find the database away.
    #[derive(Default)]
    struct Numbers<const IS_REPEATED: bool> {
        settled: Mutex<Vec<Vec<i64>>>,
        away: AtomicUsize,
        /// How many calls refuse what is negative; all later ones take it.
        strict: AtomicUsize,
        /// How many answers the way lets through at once; 0: any number.
        width: usize,
    }

    fn counts_down(number: &AtomicUsize) -> bool {
        number.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    impl<const IS_REPEATED: bool> Settlement for Arc<Numbers<IS_REPEATED>> {
        type Answer = i64;
        const BATCH: usize = 4;
        const IS_REPEATED: bool = IS_REPEATED;

        fn name(&self) -> String {
            "numbers".into()
        }

        async fn settle(&self, answers: &mut [i64]) -> Result<()> {
            if counts_down(&self.away) {
                return Err(Error::Unavailable(anyhow::anyhow!("read-only")));
            }
            if self.width > 0 && answers.len() > self.width {
                let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
                let late = sea_orm::sqlx::Error::Io(late);
                return Err(sea_orm::DbErr::Query(sea_orm::RuntimeErr::SqlxError(late.into())).into());
            }
            if answers.iter().any(|answer| *answer < 0) && counts_down(&self.strict) {
                return Err(Error::Conflict("negative".into()));
            }
            self.settled.lock().unwrap().push(answers.to_vec());
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

    async fn settle<const IS_REPEATED: bool>(numbers: &Arc<Numbers<IS_REPEATED>>, holder: &Arc<Holder>, told: &[i64]) {
        let in_flight = Arc::new(AtomicUsize::new(told.len()));
        let (answers, results) = mpsc::unbounded_channel();
        for answer in told {
            answers.send(*answer).unwrap();
        }
        drop(answers);
        Completer::new(numbers.clone(), holder.clone(), in_flight.clone()).run(results).await;
        assert_eq!(in_flight.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn one_answer_that_is_refused_keeps_no_other_from_being_settled() {
        let numbers = Arc::new(Numbers::<true> { strict: usize::MAX.into(), ..Numbers::default() });
        let holder = Arc::new(Holder::testing());
        settle(&numbers, &holder, &[1, -1, 2, -2, 3]).await;
        assert_eq!(*numbers.settled.lock().unwrap(), [vec![1], vec![0], vec![2], vec![3]]);
        assert!(holder.is_lost(7), "it is to be repeated");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_the_row_s_fault_is_neither_halved_nor_given_up() {
        let numbers = Arc::new(Numbers::<true> { away: 200.into(), ..Numbers::default() });
        let holder = Arc::new(Holder::testing());
        settle(&numbers, &holder, &[1, 2, 3, 4]).await;
        assert_eq!(*numbers.settled.lock().unwrap(), [vec![1, 2, 3, 4]]);
        assert!(!holder.is_lost(7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_too_large_for_the_way_is_not_repeated_as_large_as_it_was() {
        let numbers = Arc::new(Numbers::<true> { width: 2, ..Numbers::default() });
        settle(&numbers, &Arc::new(Holder::testing()), &[1, 2, 3, 4]).await;
        assert_eq!(*numbers.settled.lock().unwrap(), [vec![1, 2], vec![3, 4]]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_repeated_is_kept_until_it_can_be_stored() {
        let numbers = Arc::new(Numbers::<false> { strict: 40.into(), ..Numbers::default() });
        settle(&numbers, &Arc::new(Holder::testing()), &[1, -2, 3]).await;
        assert_eq!(*numbers.settled.lock().unwrap(), [vec![1], vec![3], vec![-2]]);
    }
}
