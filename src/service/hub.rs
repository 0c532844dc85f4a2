//! What many watch, one reads: a task for each watched thing of this process, however many its subscribers (R22).
//!
//! Events only wake; the truth is read from the database, at most so often a second, and once a second without any event.
//! So a lost event makes a subscriber see something later, never something wrong.

mod subscriber;
#[cfg(test)]
mod tests;
mod watcher;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, watch};

use self::subscriber::Subscriber;
use self::watcher::Watcher;
use super::Services;
use domain::error::{Error, Result};
use events::Event;

/// How long the first state may take: a database that is away for longer is told to the subscriber.
const PATIENCE: Duration = Duration::from_secs(10);

/// How one watched thing is read, again and again.
pub trait Reader: Send + Sync + 'static {
    /// The name in errors of those who look for it in vain.
    const KIND: &'static str;
    /// Which one it is.
    type Id: Copy + Eq + Hash + Send + Sync + 'static;
    /// The state that subscribers see.
    type State: Clone + Send + Sync + 'static;

    /// The reader of `id`.
    fn of(id: Self::Id) -> Self;

    /// The present state; None if there is no such thing.
    fn read(&mut self, on: &Services) -> impl Future<Output = Result<Option<Seen<Self::State>>>> + Send;

    /// Whether `event` says that it changed.
    fn is_woken_by(&self, event: Event) -> bool;
}

/// A state that was read.
#[derive(Debug, Clone)]
pub struct Seen<S> {
    /// The state that subscribers see.
    pub state: S,
    /// Rises with every change.
    pub version: i32,
    /// Whether nothing will follow: subscribers are told this and then let go.
    pub is_last: bool,
}

/// All that is watched in this process through one kind of reader.
pub struct Hub<R: Reader>(Arc<Shared<R>>);

struct Shared<R: Reader> {
    services: Services,
    watched: Mutex<HashMap<R::Id, Watched<R::State>>>,
}

/// One watched thing.
struct Watched<S> {
    /// The last state that was read, once there is one.
    states: watch::Sender<Option<Told<S>>>,
    /// Wakes the watcher for one who came later.
    newcomer: Arc<Notify>,
    /// Reads that have begun, and how many these were when the last subscriber came.
    begun: u64,
    joined: u64,
}

/// A read, as subscribers are told of it.
#[derive(Debug, Clone)]
struct Told<S> {
    /// The number of the reading. A subscriber takes none that began before it came: subscribe first, read second.
    read: u64,
    /// None: there is no such thing.
    seen: Option<Seen<S>>,
}

impl<R: Reader> Hub<R> {
    /// Nothing is watched yet.
    pub fn new(services: Services) -> Self {
        Self(Arc::new(Shared { services, watched: Mutex::default() }))
    }

    /// The present state, then each later one that can be caught, in rising versions, and at the end surely the last.
    /// Who is slow gets fewer.
    ///
    /// # Errors
    /// There is no such thing, or the database does not tell in time. Later on it is waited for.
    pub async fn watch(&self, id: R::Id) -> Result<impl Stream<Item = Result<R::State>> + Send + use<R>> {
        let mut subscriber = self.join(id);
        let first = tokio::time::timeout(PATIENCE, subscriber.next_told()).await;
        match first {
            Ok(Ok(())) if subscriber.has_vanished() => Err(Error::NotFound(R::KIND)),
            Ok(Ok(())) => Ok(subscriber.into_stream()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Unavailable(anyhow::anyhow!("the {} was not read in time", R::KIND))),
        }
    }

    fn join(&self, id: R::Id) -> Subscriber<R::State> {
        let mut watched = self.0.watched();
        let entry = watched.entry(id).or_insert_with(|| self.0.begin(id));
        entry.joined = entry.begun;
        entry.newcomer.notify_one();
        Subscriber::new(entry.states.subscribe(), entry.joined)
    }

    /// How many things are watched.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.watched().len()
    }
}

impl<R: Reader> Clone for Hub<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Reader> Shared<R> {
    fn begin(self: &Arc<Self>, id: R::Id) -> Watched<R::State> {
        let (states, newcomer) = (watch::Sender::new(None), Arc::new(Notify::new()));
        let watcher = Watcher::new(self.clone(), id, states.clone(), newcomer.clone());
        tokio::spawn(watcher.run());
        Watched { states, newcomer, begun: 0, joined: 0 }
    }

    /// The table, which a panic leaves whole: each change to it is a single step.
    fn watched(&self) -> MutexGuard<'_, HashMap<R::Id, Watched<R::State>>> {
        self.watched.lock()
    }
}
