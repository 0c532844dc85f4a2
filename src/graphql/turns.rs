//! When loaders load: not before the whole operation waits for them.
//!
//! The loader's own way is to wait for a millisecond and take what was asked for by then. Of a thousand rows, that were some
//! dozens when it ended: resolvers of long lists are polled two at a time, with other tasks in between. Here the loads wait
//! until the operation has nothing more to ask for and no other load is on its way; then all of them go at once. So the
//! number of statements depends on the query alone, and an answer costs no idle millisecond a level.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

/// The loads of one operation.
#[derive(Clone, Default)]
pub struct Turns(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// A round has begun.
    opened: Notify,
    /// The task that runs the operation.
    task: AtomicWaker,
}

#[derive(Default)]
struct State {
    /// The operation was polled, and has not been woken since: it waits.
    waits: bool,
    /// It was woken while it was being polled, perhaps by itself.
    was_woken: bool,
    has_ended: bool,
    /// Loads of the next round.
    waiting: usize,
    /// Loads of this round that are on their way.
    loading: usize,
    round: u64,
}

impl Turns {
    /// Runs the operation that asks for the loads.
    pub fn run<F: Future>(&self, operation: F) -> Operation<F> {
        Operation { running: Box::pin(operation), waker: Waker::from(self.0.clone()), shared: self.0.clone() }
    }

    /// Runs a load in the next round.
    pub fn spawn(&self, load: BoxFuture<'static, ()>) {
        let round = self.0.join();
        let place = Place(self.0.clone());
        tokio::spawn(async move {
            place.0.begin(round).await;
            load.await;
            drop(place);
        });
    }
}

impl Shared {
    /// The state, even if a panic left it locked: each change to it is a single step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self) -> u64 {
        let mut state = self.state();
        let round = state.round;
        state.waiting += 1;
        self.open(&mut state);
        round
    }

    /// Returns when the round after `round` has begun.
    async fn begin(&self, round: u64) {
        loop {
            let mut opened = std::pin::pin!(self.opened.notified());
            opened.as_mut().enable();
            if self.state().round > round {
                return;
            }
            opened.await;
        }
    }

    /// Begins the next round, if its time has come.
    fn open(&self, state: &mut State) {
        if (state.waits || state.has_ended) && state.loading == 0 && state.waiting > 0 {
            state.loading = std::mem::take(&mut state.waiting);
            state.round += 1;
            self.opened.notify_waiters();
        }
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state();
        state.was_woken = true;
        state.waits = false;
        drop(state);
        self.task.wake();
    }
}

/// A load that waits or is on its way; its end may begin the next round.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.loading = state.loading.saturating_sub(1);
        self.0.open(&mut state);
    }
}

/// An operation whose waiting is watched.
pub struct Operation<F> {
    running: Pin<Box<F>>,
    waker: Waker,
    shared: Arc<Shared>,
}

impl<F: Future> Future for Operation<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.shared.task.register(context.waker());
        {
            let mut state = self.shared.state();
            state.was_woken = false;
            state.waits = false;
        }
        let Self { running, waker, shared } = &mut *self;
        let poll = running.as_mut().poll(&mut Context::from_waker(waker));
        if poll.is_pending() {
            let mut state = shared.state();
            state.waits = !state.was_woken;
            shared.open(&mut state);
        }
        poll
    }
}

impl<F> Drop for Operation<F> {
    fn drop(&mut self) {
        // Whoever still waits to load must not wait for ever: the client may have gone in the middle.
        let mut state = self.shared.state();
        state.has_ended = true;
        self.shared.open(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::sync::oneshot;

    use super::*;

    /// Asks once, after so many self-made delays, and then once more.
    async fn ask(turns: &Turns, loads: &Arc<AtomicUsize>, yields: usize) {
        for _ in 0..2 {
            for _ in 0..yields {
                tokio::task::yield_now().await;
            }
            let (sender, receiver) = oneshot::channel();
            let loads = loads.clone();
            turns.spawn(
                async move {
                    loads.fetch_add(1, Ordering::SeqCst);
                    sender.send(loads.load(Ordering::SeqCst)).unwrap();
                }
                .boxed(),
            );
            receiver.await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn loads_begin_when_all_have_asked() {
        for _ in 0..200 {
            let (turns, loads) = (Turns::default(), Arc::default());
            let asking = join_all((0..50).map(|n| ask(&turns, &loads, n % 7)));
            turns.run(asking).await;
            assert_eq!(loads.load(Ordering::SeqCst), 100);
            let state = turns.0.state();
            assert_eq!((state.round, state.waiting), (2, 0), "two rounds, whatever the threads do");
        }
    }

    #[tokio::test]
    async fn an_operation_that_goes_away_leaves_nobody_waiting() {
        let (turns, loads) = (Turns::default(), Arc::new(AtomicUsize::new(0)));
        let asking = async {
            turns.spawn({
                let loads = loads.clone();
                async move { loads.store(loads.load(Ordering::SeqCst) + 1, Ordering::SeqCst) }.boxed()
            });
            tokio::task::yield_now().await;
            std::future::pending::<()>().await;
        };
        let mut operation = Box::pin(turns.run(asking));
        assert!(futures_util::poll!(operation.as_mut()).is_pending());
        drop(operation);
        turns.spawn({
            let loads = loads.clone();
            async move { loads.store(loads.load(Ordering::SeqCst) + 1, Ordering::SeqCst) }.boxed()
        });
        while loads.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    }
}
