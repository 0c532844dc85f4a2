//! Whose sockets are open: so many for each user, and each hears when its user's sessions or role may have changed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use domain::id::UserId;
use events::{Event, Subscription};

/// Who sits: a user, or an address from which nobody has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// A user, wherever he is.
    User(UserId),
    /// Somebody unknown.
    Address(String),
}

/// All sockets of this process, by holder. One task hears the events for all of them: thousands of sockets are not woken by
/// each event of a campaign.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<Holder, Row>>>);

struct Row {
    taken: usize,
    changed: watch::Sender<()>,
}

/// The place of one socket; it is free again when this is dropped.
pub(super) struct Seat {
    seats: Seats,
    holder: Holder,
    changed: watch::Receiver<()>,
}

impl Seats {
    /// A place for one more socket of `holder`, who has `most` of them at most.
    pub(super) fn take(&self, holder: Holder, most: usize) -> Option<Seat> {
        let mut rows = self.rows();
        let row = rows.entry(holder.clone()).or_insert_with(|| Row { taken: 0, changed: watch::channel(()).0 });
        if row.taken >= most {
            return None;
        }
        row.taken += 1;
        Some(Seat { seats: self.clone(), holder, changed: row.changed.subscribe() })
    }

    /// Passes on what happens to users, until `stop`.
    pub(crate) async fn follow(self, mut events: Subscription, stop: CancellationToken) {
        loop {
            let event = tokio::select! { event = events.next() => event, () = stop.cancelled() => return };
            let rows = self.rows();
            match event {
                Event::User(user) => rows.get(&Holder::User(user)).into_iter().for_each(Row::tell),
                Event::Resync => rows.values().for_each(Row::tell),
                _ => {}
            }
        }
    }

    /// The rows, even if a panic left them locked: each change to them is a single step.
    fn rows(&self) -> MutexGuard<'_, HashMap<Holder, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn tell(&self) {
        self.changed.send_replace(());
    }
}

impl Seat {
    /// Returns when the holder's sessions or role may have changed.
    pub(super) async fn changed(&mut self) {
        if self.changed.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut row) = self.seats.rows().entry(self.holder.clone()) {
            row.get_mut().taken -= 1;
            if row.get().taken == 0 {
                row.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use events::Events;
    use events::local::LocalEvents;

    use super::*;

    #[tokio::test]
    async fn a_holder_has_so_many_places_and_leaves_nothing_behind() {
        let seats = Seats::default();
        let (anna, boris) = (Holder::User(UserId::generate()), Holder::Address("::1".into()));
        let first = seats.take(anna.clone(), 2).unwrap();
        let second = seats.take(anna.clone(), 2).unwrap();
        assert!(seats.take(anna.clone(), 2).is_none());
        assert!(seats.take(boris, 2).is_some());
        drop(first);
        assert!(seats.take(anna.clone(), 2).is_some());
        drop(second);
        assert!(seats.rows().is_empty());
    }

    #[tokio::test]
    async fn only_the_user_of_an_event_hears_it() {
        let (seats, stop) = (Seats::default(), CancellationToken::new());
        let events = LocalEvents::new();
        let following = tokio::spawn(seats.clone().follow(events.subscribe(), stop.clone()));
        let users = [UserId::generate(), UserId::generate()];
        let [mut anna, mut boris] = users.map(|user| seats.take(Holder::User(user), 1).unwrap());
        events.publish(Event::User(users[0]));
        anna.changed().await;
        assert!(boris.changed().now_or_never().is_none());
        events.publish(Event::Resync);
        anna.changed().await;
        boris.changed().await;
        stop.cancel();
        following.await.unwrap();
    }
}
