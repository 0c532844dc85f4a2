//! One subscriber's way through the states that the watcher tells.

use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{Seen, Told};
use domain::error::{Error, Result};

pub(super) struct Subscriber<S> {
    states: watch::Receiver<Option<Told<S>>>,
    /// Reads that had begun when it came: what they found is too old.
    joined: u64,
    /// The version that it was told last.
    last: Option<i32>,
}

impl<S: Clone + Send + Sync + 'static> Subscriber<S> {
    pub(super) fn new(states: watch::Receiver<Option<Told<S>>>, joined: u64) -> Self {
        Self { states, joined, last: None }
    }

    /// Waits for a read that is not too old.
    pub(super) async fn next_told(&mut self) -> Result<()> {
        let joined = self.joined;
        let found = self.states.wait_for(|told| told.as_ref().is_some_and(|told| told.read > joined)).await;
        found.map(drop).map_err(|_| Error::internal(anyhow::anyhow!("the watcher ended before its time")))
    }

    /// Whether there is no such thing, or no longer.
    pub(super) fn has_vanished(&self) -> bool {
        self.states.borrow().as_ref().is_some_and(|told| told.seen.is_none())
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<S>> + Send + use<S> {
        stream::unfold(Some(self), |subscriber| async move {
            let mut subscriber: Self = subscriber?;
            match subscriber.next().await {
                Ok(Some(Seen { state, is_last, .. })) => Some((Ok(state), (!is_last).then_some(subscriber))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// The next state that is newer than the last one; None at the end.
    async fn next(&mut self) -> Result<Option<Seen<S>>> {
        loop {
            self.next_told().await?;
            let Some(Told { read, seen }) = self.states.borrow_and_update().clone() else { continue };
            // From here on only later reads are news.
            self.joined = read;
            let Some(seen) = seen else { return Ok(None) };
            if self.last.is_none_or(|last| seen.version > last) {
                self.last = Some(seen.version);
                return Ok(Some(seen));
            }
            if seen.is_last {
                return Ok(None);
            }
        }
    }
}
