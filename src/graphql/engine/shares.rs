//! The share of the database that one user may use at once: whoever asks for much waits for himself, not others for him.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::context::Caller;
use domain::id::UserId;
use service::Services;

/// The places of those who have something under way.
#[derive(Debug, Default)]
pub(super) struct Shares(Mutex<HashMap<UserId, Places>>);

/// The places of one user: for statements that stand for themselves, and for transactions. These have places of their own, for
/// within one something may be read.
#[derive(Debug)]
struct Places {
    reads: Weak<Semaphore>,
    writes: Weak<Semaphore>,
}

/// The services for what many watch: all of it together takes a quarter of the connections at most, so that it makes no request
/// wait, nor any worker.
pub(super) fn for_watching(on: &Services) -> Services {
    let connections = usize::try_from(on.db.connections().most).unwrap_or(usize::MAX);
    let [reads, writes] =
        [(); 2].map(|()| Arc::new(Semaphore::new((connections / 4).clamp(1, Semaphore::MAX_PERMITS))));
    Services { db: on.db.shared(reads, writes), ..on.clone() }
}

impl Shares {
    /// The services for an operation of `caller`. Whoever has not signed in reads nothing that takes long.
    pub(super) fn services_of(&self, caller: &Caller, on: &Services) -> Services {
        let Some(user) = caller.viewer().map(|user| user.id) else { return on.clone() };
        // One connection is always left to others.
        let connections = usize::try_from(on.db.connections().most).unwrap_or(usize::MAX);
        let most = on.rules.limits.statements.min(connections.saturating_sub(1)).max(1);
        let (reads, writes) = self.of(user, most);
        Services { db: on.db.shared(reads, writes), ..on.clone() }
    }

    fn of(&self, user: UserId, most: usize) -> (Arc<Semaphore>, Arc<Semaphore>) {
        let mut all = self.0.lock();
        let known = all.get(&user).and_then(|places| Some((places.reads.upgrade()?, places.writes.upgrade()?)));
        known.unwrap_or_else(|| {
            all.retain(|_, places| places.reads.strong_count() > 0);
            let [reads, writes] = [(); 2].map(|()| Arc::new(Semaphore::new(most)));
            all.insert(user, Places { reads: Arc::downgrade(&reads), writes: Arc::downgrade(&writes) });
            (reads, writes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_of_one_user_share_their_places_and_others_have_their_own() {
        let (shares, one, other) = (Shares::default(), UserId::generate(), UserId::generate());
        let (first, second) = (shares.of(one, 2), shares.of(one, 2));
        assert!(Arc::ptr_eq(&first.0, &second.0) && Arc::ptr_eq(&first.1, &second.1));
        assert!(!Arc::ptr_eq(&first.0, &shares.of(other, 2).0));
        drop((first, second));
        let (third, _) = shares.of(one, 2);
        assert_eq!(
            (third.available_permits(), shares.0.lock().len()),
            (2, 1),
            "who has nothing under way is forgotten"
        );
    }
}
