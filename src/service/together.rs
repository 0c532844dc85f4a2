//! What many ask for at the same instant is worked out once.
//!
//! Whoever asks gets what began to be worked out after he asked, never sooner. So a read sees every write that was answered
//! before it, as if it had been made alone; there is nothing that could be stale.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// How long those who came while something was worked out wait for its end, before the next is begun beside it.
const LONGEST_WAIT: Duration = Duration::from_millis(25);

/// Questions that are being answered, by what makes two of them equal.
pub struct Together<K, V: Clone> {
    lines: Arc<Mutex<Lines<K, V>>>,
}

type Lines<K, V> = HashMap<K, Line<V>>;

/// The newest work for a key. Nobody keeps it going but those who wait for it.
struct Line<V: Clone> {
    work: WeakShared<BoxFuture<'static, V>>,
    has_begun: Arc<AtomicBool>,
}

impl<K, V: Clone> Clone for Together<K, V> {
    fn clone(&self) -> Self {
        Self { lines: self.lines.clone() }
    }
}

impl<K, V: Clone> Default for Together<K, V> {
    fn default() -> Self {
        Self { lines: Arc::default() }
    }
}

impl<K, V> Together<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Does `work`, unless work for the same key stands in line that has not begun yet: then waits for that. Says also whether it
    /// was this caller's own work.
    pub async fn get(&self, key: K, work: impl Future<Output = V> + Send + 'static) -> (V, bool) {
        let (work, is_own) = self.join(key, work);
        (work.await, is_own)
    }

    fn join(&self, key: K, work: impl Future<Output = V> + Send + 'static) -> (Shared<BoxFuture<'static, V>>, bool) {
        let mut lines = held(&self.lines);
        let newest = lines.get(&key).and_then(|line| Some((line.work.upgrade()?, line.has_begun.clone())));
        let before = match newest {
            Some((waiting, has_begun)) if !has_begun.load(Ordering::Acquire) => return (waiting, false),
            Some((running, _)) => Some(running),
            None => None,
        };
        let has_begun = Arc::new(AtomicBool::new(false));
        let place = Place { lines: self.lines.clone(), key: key.clone(), has_begun: has_begun.clone() };
        let turn = async move {
            let place = place;
            if let Some(before) = before {
                // Its outcome is for others, and its slowness is not this one's.
                tokio::time::timeout(LONGEST_WAIT, before).await.ok();
            }
            place.has_begun.store(true, Ordering::Release);
            work.await
        };
        let turn = turn.boxed().shared();
        let work = turn.downgrade().expect("it has not ended");
        lines.insert(key, Line { work, has_begun });
        (turn, true)
    }
}

/// A line's end: its entry goes with it, whether it was done or everybody went away.
struct Place<K: Eq + Hash, V: Clone> {
    lines: Arc<Mutex<Lines<K, V>>>,
    key: K,
    has_begun: Arc<AtomicBool>,
}

impl<K: Eq + Hash, V: Clone> Drop for Place<K, V> {
    fn drop(&mut self) {
        let mut lines = held(&self.lines);
        if lines.get(&self.key).is_some_and(|line| Arc::ptr_eq(&line.has_begun, &self.has_begun)) {
            lines.remove(&self.key);
        }
    }
}

/// The table, even if a panic left it locked: each change to it is a single step.
fn held<K, V: Clone>(lines: &Mutex<Lines<K, V>>) -> MutexGuard<'_, Lines<K, V>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (together, counter, gate) = (Together::default(), Counter::default(), Arc::new(Semaphore::new(0)));
        let ask = || Box::pin(together.get("key", counter.works(&gate)));
        let mut first = ask();
        assert!(first.as_mut().now_or_never().is_none());
        let (mut second, mut third) = (ask(), ask());
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        gate.add_permits(2);
        let (second, third) = tokio::join!(second, third);
        assert_eq!((first.await, second, third), ((0, true), (1, true), (1, false)));
        assert!(held(&together.lines).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_others_go_on_when_the_first_goes_away_or_is_slow() {
        let (together, counter, gate) = (Together::default(), Counter::default(), Arc::new(Semaphore::new(0)));
        let ask = || Box::pin(together.get("key", counter.works(&gate)));
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
        assert!(held(&together.lines).is_empty());
    }

    #[tokio::test]
    async fn other_keys_share_nothing_and_nothing_is_left_behind() {
        let together = Together::default();
        let (one, two) = tokio::join!(together.get(1, async { 1 }), together.get(2, async { 2 }));
        assert_eq!((one, two), ((1, true), (2, true)));
        drop(together.get(3, std::future::pending()));
        let mut forsaken = Box::pin(together.get(4, std::future::pending()));
        assert!(forsaken.as_mut().now_or_never().is_none());
        drop(forsaken);
        assert!(held(&together.lines).is_empty());
    }
}
