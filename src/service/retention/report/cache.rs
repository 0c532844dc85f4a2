//! Answers that are kept for a minute, and thrown away as soon as somebody tells of a change: at once where it is one of contacts or
//! conversions, and after a second where a sequence moves, which it may do all the time.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use domain::error::Result;
use events::{Event, Subscription};

/// How long an answer is good.
const KEPT: Duration = Duration::from_mins(1);
/// How long it is good while sequences move.
const KEPT_MOVING: Duration = Duration::from_secs(1);
/// Answers that are kept at most.
const MOST: usize = 1_000;

/// Answers by question. Of several who ask the same at once one works it out, the others wait for him.
pub(super) struct Cache<Q, A> {
    known: Mutex<Known<Q, A>>,
}

struct Known<Q, A> {
    events: Subscription,
    answers: HashMap<Q, Arc<Answer<A>>>,
    /// When it was seen last that a sequence has moved.
    moved: Option<Instant>,
}

type Answer<A> = tokio::sync::Mutex<Option<(Instant, Arc<A>)>>;

impl<Q: Eq + Hash + Clone, A> Cache<Q, A> {
    pub(super) fn new(events: Subscription) -> Self {
        Self { known: Mutex::new(Known { events, answers: HashMap::new(), moved: None }) }
    }

    /// The answer to `question`, which `find` works out unless it is known.
    pub(super) async fn read<F: Future<Output = Result<A>>>(
        &self,
        question: Q,
        find: impl FnOnce() -> F,
    ) -> Result<Arc<A>> {
        let (place, moved) = self.place(&question);
        let mut answer = place.lock().await;
        if let Some((since, found)) = &*answer
            && since.elapsed() < (if moved.is_some_and(|moved| moved >= *since) { KEPT_MOVING } else { KEPT })
        {
            return Ok(found.clone());
        }
        // Since its beginning: what changes while it is read may or may not be in it.
        let since = Instant::now();
        let found = Arc::new(find().await?);
        *answer = Some((since, found.clone()));
        Ok(found)
    }

    /// Where the answer to `question` is or will be. After a change it is another place: an answer that is being worked out
    /// meanwhile is told to those who wait for it, and to nobody else.
    fn place(&self, question: &Q) -> (Arc<Answer<A>>, Option<Instant>) {
        let known = &mut *self.known();
        let has_moved = Cell::new(false);
        let is_news = |event: Event| {
            has_moved.set(has_moved.get() || matches!(event, Event::Sequence(_)));
            event == Event::Report
        };
        if known.events.have_come(is_news) || known.answers.len() >= MOST {
            known.answers.clear();
        }
        if has_moved.get() {
            known.moved = Some(Instant::now());
        }
        (known.answers.entry(question.clone()).or_default().clone(), known.moved)
    }

    /// The table, which a panic leaves whole: each change to it is a single step.
    fn known(&self) -> MutexGuard<'_, Known<Q, A>> {
        self.known.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use domain::id::RetentionSequenceId;
    use events::Events;
    use events::local::LocalEvents;
    use uuid::Uuid;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_good_for_a_minute_or_until_a_change() {
        let events = LocalEvents::new();
        let cache = Cache::new(events.subscribe());
        let asked = AtomicU32::new(0);
        let read = async |question: &'static str| {
            let find = async || Ok(asked.fetch_add(1, Ordering::Relaxed));
            *cache.read(question, find).await.unwrap()
        };
        assert_eq!((read("a").await, read("b").await, read("a").await), (0, 1, 0));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(read("a").await, 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((read("a").await, read("a").await), (2, 2));
        events.publish(Event::Audit);
        assert_eq!(read("a").await, 2);
        events.publish(Event::Report);
        assert_eq!((read("a").await, read("a").await), (3, 3));
        // What sequences do all the time costs one answer a second.
        for _ in 0..3 {
            events.publish(Event::Sequence(RetentionSequenceId(Uuid::nil())));
            assert_eq!(read("a").await, 3);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((read("a").await, read("a").await), (4, 4));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(read("a").await, 4, "nothing has moved since");
    }

    #[tokio::test]
    async fn who_asks_the_same_at_once_waits_for_the_first() {
        let cache = Cache::new(LocalEvents::new().subscribe());
        let asked = AtomicU32::new(0);
        let find = async || {
            tokio::task::yield_now().await;
            Ok(asked.fetch_add(1, Ordering::Relaxed))
        };
        let (one, two) = tokio::join!(cache.read((), find), cache.read((), find));
        assert_eq!((*one.unwrap(), *two.unwrap(), asked.into_inner()), (0, 0, 1));
    }
}
