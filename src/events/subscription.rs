//! A subscriber's view of the events: what it waits for, and what it has missed.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::Event;

/// Events from the subscription on. Whoever lagged behind sees [`Event::Resync`] in place of what was lost.
#[derive(Debug)]
pub struct Subscription(pub(super) Receiver<Event>);

impl Subscription {
    /// The next event.
    pub async fn next(&mut self) -> Event {
        match self.0.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => Event::Resync,
            // Events outlive their subscribers; should they not, every subscriber has a clock that wakes it.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    /// Returns at the next event that is wanted, or as soon as one may have been lost.
    pub async fn woken(&mut self, is_wanted: impl Fn(Event) -> bool) {
        loop {
            let event = self.next().await;
            if event == Event::Resync || is_wanted(event) {
                return;
            }
        }
    }

    /// The same, and after `limit` at the latest: events may get lost.
    pub async fn until(&mut self, limit: Duration, is_wanted: impl Fn(Event) -> bool) {
        tokio::select! { () = self.woken(is_wanted) => {}, () = tokio::time::sleep(limit) => {} }
    }

    /// Takes what has come so far. Returns whether something of it was wanted, or may have been lost.
    pub fn have_come(&mut self, is_wanted: impl Fn(Event) -> bool) -> bool {
        let mut have_come = false;
        loop {
            match self.0.try_recv() {
                Ok(event) => have_come |= event == Event::Resync || is_wanted(event),
                Err(TryRecvError::Lagged(_)) => have_come = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return have_come,
            }
        }
    }

    /// Forgets what has come so far: the look that follows sees it.
    pub fn forget(&mut self) {
        self.0 = self.0.resubscribe();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::Events;
    use crate::local::{CAPACITY, LocalEvents};

    #[tokio::test]
    async fn what_is_wanted_wakes_and_what_may_be_lost_does_too() {
        let events = LocalEvents::new();
        let mut subscriber = events.subscribe();
        let is_report = |event| event == Event::Report;
        for (event, wakes) in [(Event::Audit, false), (Event::Report, true), (Event::Resync, true)] {
            events.publish(event);
            assert_eq!(subscriber.woken(is_report).now_or_never().is_some(), wakes, "{event:?}");
            events.publish(event);
            assert_eq!(subscriber.have_come(is_report), wakes, "{event:?}");
            events.publish(event);
            subscriber.forget();
            assert!(!subscriber.have_come(is_report), "{event:?}");
        }
    }

    #[tokio::test]
    async fn who_sleeps_too_long_is_told_so_and_holds_nobody_up() {
        let events = LocalEvents::new();
        let mut sleepers = [events.subscribe(), events.subscribe()];
        for _ in 0..=CAPACITY {
            events.publish(Event::Audit);
        }
        assert_eq!(sleepers[0].next().await, Event::Resync);
        assert!(sleepers[1].have_come(|_| false));
    }

    #[tokio::test]
    async fn without_any_event_the_clock_wakes() {
        let events = LocalEvents::new();
        let mut subscriber = events.subscribe();
        let waiting = subscriber.until(Duration::from_millis(1), |_| false);
        tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it is woken");
    }
}
