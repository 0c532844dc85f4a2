//! When loaders load: not before the whole operation waits for them.
//!
//! The library's own way is to wait for a tick of the clock, a millisecond or two on each level of a query, and take what was
//! asked for by then: of a thousand rows some dozens, for resolvers of long lists are polled in parts, with other tasks in
//! between. Here loads wait until the operation has nothing more to ask for and no other load is on its way; then all of them
//! begin at once, in the operation's own task. So the number of statements depends on the query alone, no thread wakes
//! another one, and nothing waits for a clock.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, FuturesUnordered};
use futures_util::task::AtomicWaker;
use futures_util::{Stream, StreamExt};
use parking_lot::{Mutex, MutexGuard};
use tokio::task::coop::{Unconstrained, unconstrained};

/// A load: it leaves what it found with those who wait for it.
type Load = BoxFuture<'static, ()>;

/// The loads of one operation that wait for their turn.
#[derive(Clone, Default)]
pub struct Batching(Arc<Mutex<Vec<Load>>>);

impl Batching {
    /// Runs the operation that asks for the loads, and with it the loads.
    pub fn run<F: Future>(&self, operation: F) -> Operation<F> {
        let call = Arc::new(Call { is_due: AtomicBool::new(true), task: AtomicWaker::new() });
        Operation {
            running: Box::pin(unconstrained(operation)),
            waker: Waker::from(call.clone()),
            call,
            next: self.clone(),
            loading: FuturesUnordered::new(),
        }
    }

    /// The results of an operation that has many, and asks for loads before each.
    pub fn each<T: 'static>(self, results: BoxStream<'static, T>) -> impl Stream<Item = T> + Send {
        stream::unfold((self, results), |(batching, mut results)| async move {
            let result = batching.run(results.next()).await?;
            Some((result, (batching, results)))
        })
    }

    /// Has a load begin with the next turn.
    pub fn add(&self, load: Load) {
        self.waiting().push(load);
    }

    /// The loads, which a panic leaves whole: each change to them is a single step.
    fn waiting(&self) -> MutexGuard<'_, Vec<Load>> {
        self.0.lock()
    }
}

/// Whether the operation has been woken, apart from its loads.
struct Call {
    is_due: AtomicBool,
    /// The task that runs both.
    task: AtomicWaker,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_due.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// An operation and the loads that it waits for.
pub struct Operation<F> {
    /// Without tokio's budget of a task: what runs out of it asks again when tokio wakes it, which may be after this task is
    /// polled next, by another thread. Loads would begin before all have asked. Long lists make room for others by themselves.
    running: Pin<Box<Unconstrained<F>>>,
    waker: Waker,
    call: Arc<Call>,
    next: Batching,
    /// Loads of this turn that are on their way.
    loading: FuturesUnordered<Load>,
}

impl<F: Future> Future for Operation<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { running, waker, call, next, loading } = &mut *self;
        call.task.register(context.waker());
        loop {
            if call.is_due.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = running.as_mut().poll(&mut Context::from_waker(waker)) {
                    return Poll::Ready(output);
                }
                if call.is_due.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
            }
            if loading.is_empty() {
                loading.extend(next.waiting().drain(..));
            }
            while let Poll::Ready(Some(())) = loading.poll_next_unpin(context) {}
            let is_next = loading.is_empty() && !next.waiting().is_empty();
            if !is_next && !call.is_due.load(Ordering::Acquire) {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::sync::atomic::AtomicUsize;

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::sync::oneshot;

    use super::*;

    /// How many ask in a test.
    const MANY: usize = 300;

    #[derive(Default)]
    struct Seen {
        asked: AtomicUsize,
        loaded: AtomicUsize,
    }

    /// Lets others go first, as long lists do.
    async fn give_way() {
        let mut has_waited = false;
        poll_fn(|context| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Asks twice, each time after so many self-made delays. The loads make sure that all have asked, and that none of the
    /// turn before is on its way.
    async fn ask(batching: &Batching, seen: &Arc<Seen>, delays: usize) {
        for turn in 0..2 {
            for _ in 0..delays {
                give_way().await;
            }
            let (sender, receiver) = oneshot::channel();
            let seen = seen.clone();
            seen.asked.fetch_add(1, Ordering::SeqCst);
            let load = async move {
                assert_eq!(seen.asked.load(Ordering::SeqCst), MANY * (turn + 1), "all have asked");
                assert!(seen.loaded.load(Ordering::SeqCst) >= MANY * turn, "no other load is on its way");
                tokio::spawn(give_way()).await.unwrap();
                seen.loaded.fetch_add(1, Ordering::SeqCst);
                sender.send(()).unwrap();
            };
            batching.add(load.boxed());
            receiver.await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn loads_begin_when_all_have_asked() {
        for _ in 0..20 {
            let (batching, seen) = (Batching::default(), Arc::<Seen>::default());
            let known = seen.clone();
            // In a task, as operations are: only there it is stopped when it has done much.
            let running = async move { batching.run(join_all((0..MANY).map(|n| ask(&batching, &seen, n % 7)))).await };
            tokio::spawn(running).await.unwrap();
            assert_eq!(known.loaded.load(Ordering::SeqCst), 2 * MANY);
        }
    }

    #[tokio::test]
    async fn a_load_that_nobody_waits_for_holds_up_no_other() {
        let batching = Batching::default();
        let operation = async {
            let (sender, receiver) = oneshot::channel::<()>();
            drop(receiver);
            batching.add(async move { assert!(sender.send(()).is_err(), "nobody waits") }.boxed());
            let (sender, receiver) = oneshot::channel();
            batching.add(async move { sender.send(()).unwrap() }.boxed());
            receiver.await.unwrap();
        };
        batching.run(operation).await;
    }

    #[tokio::test]
    async fn an_operation_that_goes_away_takes_its_loads_along() {
        let (batching, held) = (Batching::default(), Arc::new(()));
        let load = |held: Arc<()>| pending::<()>().map(|()| drop(held)).boxed();
        batching.add(load(held.clone()));
        let mut operation = batching.run(pending::<()>());
        assert!(futures_util::poll!(&mut operation).is_pending());
        batching.add(load(held.clone()));
        assert_eq!((Arc::strong_count(&held), batching.waiting().len()), (3, 1), "one is on its way, one waits");
        drop(operation);
        assert_eq!(Arc::strong_count(&held), 2);
    }
}
