//! Whose sockets are open: so many for each user, and each hears when its user's sessions or role may have changed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use domain::id::UserId;
use events::{Event, Subscription};

/// The owner of sockets: a user, or an address from which nobody has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum SocketOwner {
    /// A user, wherever he is.
    User(UserId),
    /// Somebody unknown.
    Address(String),
}

/// All sockets of this process, by owner. One task hears the events for all of them: thousands of sockets are not woken
/// by each event of a campaign.
#[derive(Clone, Default)]
pub(crate) struct OpenSockets(Arc<Mutex<HashMap<SocketOwner, Row>>>);

struct Row {
    taken: usize,
    changed: watch::Sender<()>,
}

/// The count of one open socket; it is free again when this is dropped.
pub(super) struct OpenSocket {
    sockets: OpenSockets,
    owner: SocketOwner,
    changed: watch::Receiver<()>,
}

impl OpenSockets {
    /// Room for one more socket of `owner`, who has `most` of them at most.
    pub(super) fn take(&self, owner: SocketOwner, most: usize) -> Option<OpenSocket> {
        let mut rows = self.0.lock();
        let row = rows.entry(owner.clone()).or_insert_with(|| Row { taken: 0, changed: watch::channel(()).0 });
        if row.taken >= most {
            return None;
        }
        row.taken += 1;
        Some(OpenSocket { sockets: self.clone(), owner, changed: row.changed.subscribe() })
    }

    /// Passes on what happens to users, until `stop`.
    pub(crate) async fn follow(self, mut events: Subscription, stop: CancellationToken) {
        loop {
            let event = tokio::select! { event = events.next() => event, () = stop.cancelled() => return };
            let rows = self.0.lock();
            match event {
                Event::User(user) => rows.get(&SocketOwner::User(user)).into_iter().for_each(Row::tell),
                Event::Resync => rows.values().for_each(Row::tell),
                _ => {}
            }
        }
    }
}

impl Row {
    fn tell(&self) {
        self.changed.send_replace(());
    }
}

impl OpenSocket {
    /// Returns when the owner's sessions or role may have changed.
    pub(super) async fn changed(&mut self) {
        if self.changed.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        if let Entry::Occupied(mut row) = self.sockets.0.lock().entry(self.owner.clone()) {
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
    async fn an_owner_has_so_many_places_and_leaves_nothing_behind() {
        let sockets = OpenSockets::default();
        let (anna, boris) = (SocketOwner::User(UserId::generate()), SocketOwner::Address("::1".into()));
        let first = sockets.take(anna.clone(), 2).unwrap();
        let second = sockets.take(anna.clone(), 2).unwrap();
        assert!(sockets.take(anna.clone(), 2).is_none());
        assert!(sockets.take(boris, 2).is_some());
        drop(first);
        assert!(sockets.take(anna.clone(), 2).is_some());
        drop(second);
        assert!(sockets.0.lock().is_empty());
    }

    #[tokio::test]
    async fn only_the_user_of_an_event_hears_it() {
        let (sockets, stop) = (OpenSockets::default(), CancellationToken::new());
        let events = LocalEvents::new();
        let following = tokio::spawn(sockets.clone().follow(events.subscribe(), stop.clone()));
        let users = [UserId::generate(), UserId::generate()];
        let [mut anna, mut boris] = users.map(|user| sockets.take(SocketOwner::User(user), 1).unwrap());
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
