//! What many ask for at the same instant is worked out once.
//!
//! Whoever asks gets what began to be worked out after he asked, never sooner. So a read sees every write that was answered
//! before it, as if it had been made alone; there is nothing that could be stale.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How long those who came while something was worked out wait for its end, before the next is begun beside it.
const LONGEST_WAIT: Duration = Duration::from_millis(25);

/// Questions that are being answered, by what makes two of them equal.
pub struct Coalesce<K, V: Clone> {
    table: Arc<Mutex<Table<K, V>>>,
    /// How long work waits for those who were answered an instant ago: who asks again and again does so at once. Without it the
    /// first to come back begins alone, and all others wait for the work after that. The clock that ends it ticks each
    /// millisecond.
    company: Duration,
}

struct Table<K, V: Clone> {
    lines: HashMap<K, Line<V>>,
    /// The value that was worked out last for more than one.
    served: Option<Served<K>>,
}

/// The newest work for a key. Nobody keeps it going but those who wait for it.
struct Line<V: Clone> {
    work: WeakShared<BoxFuture<'static, V>>,
    stage: Arc<Stage>,
}

/// How far a line is.
#[derive(Default)]
struct Stage {
    has_begun: AtomicBool,
    /// How many have asked.
    asking: AtomicUsize,
    /// One more has asked.
    joined: Notify,
}

/// A value that was worked out for several, who may come back.
struct Served<K> {
    key: K,
    /// How many they were, with those who stood in line by then.
    many: usize,
    at: Instant,
}

impl<K, V: Clone> Clone for Coalesce<K, V> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), company: self.company }
    }
}

/// Work begins as soon as it can.
impl<K, V: Clone> Default for Coalesce<K, V> {
    fn default() -> Self {
        Self::in_company(Duration::ZERO)
    }
}

impl<K, V: Clone> Coalesce<K, V> {
    /// Work waits so long at most for those who were answered an instant ago.
    pub fn in_company(company: Duration) -> Self {
        Self { table: Arc::new(Mutex::new(Table { lines: HashMap::new(), served: None })), company }
    }
}

impl<K, V> Coalesce<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Runs `work`, unless work for the same key stands in line that has not begun yet: then waits for that. Says also
    /// whether it was this caller's own work.
    pub async fn get(&self, key: K, work: impl Future<Output = V> + Send + 'static) -> (V, bool) {
        let (work, is_own) = self.join(key, work);
        (work.await, is_own)
    }

    fn join(&self, key: K, work: impl Future<Output = V> + Send + 'static) -> (Shared<BoxFuture<'static, V>>, bool) {
        let mut table = held(&self.table);
        let newest = table.lines.get(&key).and_then(|line| Some((line.work.upgrade()?, line.stage.clone())));
        let before = match newest {
            Some((waiting, stage)) if !stage.has_begun.load(Ordering::Acquire) => {
                stage.asking.fetch_add(1, Ordering::AcqRel);
                stage.joined.notify_one();
                return (waiting, false);
            }
            Some((running, _)) => Some(running),
            None => None,
        };
        let stage = Arc::new(Stage { asking: AtomicUsize::new(1), ..Stage::default() });
        let place = Place { table: self.table.clone(), key: key.clone(), stage: stage.clone() };
        let company = self.company;
        let turn = async move {
            let place = place;
            if let Some(before) = before {
                // Its outcome is for others, and its slowness is not this one's.
                timeout(LONGEST_WAIT, before).await.ok();
            }
            if let Some((many, left)) = place.expected(company) {
                timeout(left, place.stage.joined_by(many)).await.ok();
            }
            place.stage.has_begun.store(true, Ordering::Release);
            work.await
        };
        let turn = turn.boxed().shared();
        let work = turn.downgrade().expect("it has not ended");
        table.lines.insert(key, Line { work, stage });
        (turn, true)
    }
}

impl Stage {
    /// Returns when so many have asked.
    async fn joined_by(&self, many: usize) {
        while self.asking.load(Ordering::Acquire) < many {
            self.joined.notified().await;
        }
    }
}

/// A line's end: its entry goes with it, whether it was done or everybody went away.
struct Place<K: Clone + Eq + Hash, V: Clone> {
    table: Arc<Mutex<Table<K, V>>>,
    key: K,
    stage: Arc<Stage>,
}

impl<K: Clone + Eq + Hash, V: Clone> Place<K, V> {
    /// How many are to be expected by `company` after those before were answered, and what is left of that time.
    fn expected(&self, company: Duration) -> Option<(usize, Duration)> {
        let table = held(&self.table);
        let served = table.served.as_ref().filter(|served| served.key == self.key)?;
        let left = company.checked_sub(served.at.elapsed()).filter(|left| !left.is_zero())?;
        Some((served.many, left))
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Drop for Place<K, V> {
    fn drop(&mut self) {
        let mut table = held(&self.table);
        let mut many = self.stage.asking.load(Ordering::Acquire);
        let is_shared = many > 1;
        match table.lines.get(&self.key) {
            Some(line) if Arc::ptr_eq(&line.stage, &self.stage) => drop(table.lines.remove(&self.key)),
            Some(next) => many += next.stage.asking.load(Ordering::Acquire),
            None => {}
        }
        if is_shared && self.stage.has_begun.load(Ordering::Acquire) {
            table.served = Some(Served { key: self.key.clone(), many, at: Instant::now() });
        }
    }
}

/// The table, which a panic leaves whole: each change to it is a single step.
fn held<K, V: Clone>(table: &Mutex<Table<K, V>>) -> MutexGuard<'_, Table<K, V>> {
    table.lock()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Semaphore;

    use super::*;

    #[derive(Clone, Default)]
    struct Counter(Arc<AtomicUsize>);

    impl Counter {
        fn works(&self, gate: &Arc<Semaphore>) -> impl Future<Output = usize> + Send + use<> {
            let (counter, gate) = (self.clone(), gate.clone());
            async move {
                let number = counter.0.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await.expect("it is never closed").forget();
                number
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_it_runs_shares_the_next_and_never_the_running_one() {
        let (coalesce, counter, gate) = (Coalesce::default(), Counter::default(), Arc::new(Semaphore::new(0)));
        let ask = || Box::pin(coalesce.get("key", counter.works(&gate)));
        let mut first = ask();
        assert!(first.as_mut().now_or_never().is_none());
        let (mut second, mut third) = (ask(), ask());
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        gate.add_permits(2);
        let (second, third) = tokio::join!(second, third);
        assert_eq!((first.await, second, third), ((0, true), (1, true), (1, false)));
        assert!(held(&coalesce.table).lines.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_others_go_on_when_the_first_goes_away_or_is_slow() {
        let (coalesce, counter, gate) = (Coalesce::default(), Counter::default(), Arc::new(Semaphore::new(0)));
        let ask = || Box::pin(coalesce.get("key", counter.works(&gate)));
        let mut slow = ask();
        assert!(slow.as_mut().now_or_never().is_none());
        let (mut gone, mut waiting) = (ask(), ask());
        assert!(gone.as_mut().now_or_never().is_none() && waiting.as_mut().now_or_never().is_none());
        drop(gone);
        tokio::time::advance(LONGEST_WAIT).await;
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(counter.0.load(Ordering::SeqCst), 2, "the second runs beside the slow one");
        gate.add_permits(2);
        assert_eq!((waiting.await, slow.await), ((1, false), (0, true)));
        assert!(held(&coalesce.table).lines.is_empty());
    }

    #[tokio::test]
    async fn other_keys_share_nothing_and_nothing_is_left_behind() {
        let coalesce = Coalesce::default();
        let (one, two) = tokio::join!(coalesce.get(1, async { 1 }), coalesce.get(2, async { 2 }));
        assert_eq!((one, two), ((1, true), (2, true)));
        drop(coalesce.get(3, std::future::pending()));
        let mut forsaken = Box::pin(coalesce.get(4, std::future::pending()));
        assert!(forsaken.as_mut().now_or_never().is_none());
        drop(forsaken);
        assert!(held(&coalesce.table).lines.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_answered_together_is_waited_for_a_moment() {
        let company = Duration::from_millis(2);
        let (counter, gate) = (Counter::default(), Arc::new(Semaphore::new(0)));
        let coalesce = Coalesce::in_company(company);
        let ask = || Box::pin(coalesce.get("key", counter.works(&gate)));
        let begun = || counter.0.load(Ordering::SeqCst);
        let (mut first, mut second, mut third) = (ask(), ask(), ask());
        for asking in [&mut first, &mut second, &mut third] {
            assert!(asking.as_mut().now_or_never().is_none());
        }
        gate.add_permits(2);
        tokio::join!(first, second, third);
        assert_eq!(begun(), 2);
        let (mut back, mut other) = (ask(), ask());
        assert!(back.as_mut().now_or_never().is_none());
        assert_eq!(begun(), 2, "the other is waited for");
        assert!(other.as_mut().now_or_never().is_none());
        assert_eq!(begun(), 3, "both are there");
        gate.add_permits(1);
        assert_eq!(tokio::join!(back, other), ((2, true), (2, false)));
        let mut alone = ask();
        assert!(alone.as_mut().now_or_never().is_none());
        assert_eq!(begun(), 3);
        tokio::time::advance(company).await;
        assert!(alone.as_mut().now_or_never().is_none());
        assert_eq!(begun(), 4, "but only for a moment");
    }
}
