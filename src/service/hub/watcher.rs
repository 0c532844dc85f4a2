//! The task that reads for all subscribers of one thing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::{Reader, Seen, Shared, Told};
use events::Subscription;

/// Without any event it is read so often: events may get lost.
const POLL: Duration = Duration::from_secs(1);

pub(super) struct Watcher<R: Reader> {
    hub: Arc<Shared<R>>,
    id: R::Id,
    states: watch::Sender<Option<Told<R::State>>>,
    newcomer: Arc<Notify>,
    reader: R,
    /// Between two reads.
    distance: Duration,
}

impl<R: Reader> Watcher<R> {
    pub(super) fn new(
        hub: Arc<Shared<R>>,
        id: R::Id,
        states: watch::Sender<Option<Told<R::State>>>,
        newcomer: Arc<Notify>,
    ) -> Self {
        let distance = Duration::from_secs(1) / hub.services.rules.progress_hz.max(1);
        Self { hub, id, states, newcomer, reader: R::of(id), distance }
    }

    /// Reads until nothing more can change or nobody is left.
    pub(super) async fn run(mut self) {
        let mut events = self.hub.services.events.subscribe();
        let mut failed = false;
        loop {
            events.forget();
            let (begun, read) = (Instant::now(), self.begin_read());
            match self.reader.read(&self.hub.services).await {
                Ok(seen) => {
                    failed = false;
                    if self.tell(read, seen) {
                        return;
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failed, true) {
                        tracing::warn!(?error, "a {} can't be read; its subscribers wait", R::KIND);
                    }
                }
            }
            tokio::select! {
                () = self.states.closed() => if self.leave() { return },
                () = self.due(&mut events, begun) => {}
            }
        }
    }

    fn begin_read(&self) -> u64 {
        let mut watched = self.hub.watched();
        let Some(entry) = watched.get_mut(&self.id) else { return 0 };
        entry.begun += 1;
        entry.begun
    }

    /// Tells the subscribers what was read. Returns whether that was the end.
    fn tell(&self, read: u64, seen: Option<Seen<R::State>>) -> bool {
        let mut watched = self.hub.watched();
        // Who came during this read will not take it: so another one follows.
        let has_newcomers = watched.get(&self.id).is_some_and(|entry| entry.joined >= read);
        let is_end = seen.as_ref().is_none_or(|seen| seen.is_last) && !has_newcomers;
        if is_end {
            watched.remove(&self.id);
        }
        self.states.send_replace(Some(Told { read, seen }));
        is_end
    }

    /// Gives up unless somebody came back at the last moment.
    fn leave(&self) -> bool {
        let mut watched = self.hub.watched();
        let is_deserted = self.states.receiver_count() == 0;
        if is_deserted {
            watched.remove(&self.id);
        }
        is_deserted
    }

    /// Waits until it may be read again, and then until there is a reason to.
    async fn due(&self, events: &mut Subscription, begun: Instant) {
        sleep_until(begun + self.distance).await;
        tokio::select! {
            () = events.until(POLL, |event| self.reader.is_woken_by(event)) => {}
            () = self.newcomer.notified() => {}
        }
    }
}

impl<R: Reader> Drop for Watcher<R> {
    /// After a panic nobody must wait for this task; otherwise it has left already.
    fn drop(&mut self) {
        let mut watched = self.hub.watched();
        if watched.get(&self.id).is_some_and(|entry| Arc::ptr_eq(&entry.newcomer, &self.newcomer)) {
            watched.remove(&self.id);
        }
    }
}
