//! What this process has to tell the others, and the task that tells it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use deadpool_redis::Pool;
use deadpool_redis::redis::AsyncCommands;
use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Backoff, Message, PATIENCE};
use crate::Event;
use domain::meters;

/// So many different events are kept while Redis is away; what exceeds them becomes one [`Event::Resync`].
pub(super) const MOST: usize = 10_000;

/// Events in one message.
const IN_ONE: usize = 1_000;

/// Events that others have not been told. The same event twice is one: it says only that something changed.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<HashSet<Event>>,
    filled: Notify,
}

impl Outbox {
    pub(super) fn put(&self, events: impl IntoIterator<Item = Event>) {
        let mut waiting = self.waiting.lock();
        waiting.extend(events);
        if waiting.len() > MOST || waiting.contains(&Event::Resync) {
            waiting.clear();
            waiting.insert(Event::Resync);
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Some events, as soon as there are any.
    pub(super) async fn take(&self) -> Vec<Event> {
        loop {
            let mut room = IN_ONE;
            let events: Vec<Event> = self.waiting.lock().extract_if(|_| take_one(&mut room)).collect();
            if !events.is_empty() {
                return events;
            }
            self.filled.notified().await;
        }
    }
}

/// Whether there is room for one more.
fn take_one(room: &mut usize) -> bool {
    let fits = *room > 0;
    *room -= usize::from(fits);
    fits
}

/// Empties the outbox into Redis.
pub(super) struct Publisher {
    pub(super) pool: Pool,
    pub(super) channel: String,
    pub(super) from: Uuid,
    pub(super) outbox: Arc<Outbox>,
}

impl Publisher {
    pub(super) async fn run(self) {
        let mut backoff = Backoff::new();
        loop {
            let message = Message { from: self.from, events: self.outbox.take().await };
            let began = Instant::now();
            match self.send(&message).await {
                Ok(()) => {
                    meters::published(began.elapsed());
                    backoff = Backoff::new();
                }
                Err(error) => {
                    tracing::debug!(%error, "events wait for Redis");
                    self.outbox.put(message.events);
                    backoff.pause().await;
                }
            }
        }
    }

    /// A message that was perhaps published is published again: it only makes others look twice.
    async fn send(&self, message: &Message) -> anyhow::Result<()> {
        let text = serde_json::to_string(message).expect("events are plain data");
        let publish = async {
            let mut connection = self.pool.get().await?;
            connection.publish::<_, _, ()>(&self.channel, text).await?;
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, publish).await.context("no answer in time")?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::BroadcastCampaignId;

    #[tokio::test]
    async fn equal_events_are_one_and_too_many_are_a_resync() {
        let outbox = Outbox::default();
        outbox.put([Event::Audit, Event::Audit]);
        assert_eq!(outbox.take().await, [Event::Audit]);
        let some = || std::iter::repeat_with(|| Event::Campaign(BroadcastCampaignId::generate()));
        outbox.put(some().take(MOST));
        assert_eq!(outbox.take().await.len(), IN_ONE);
        outbox.put(some().take(IN_ONE + 1));
        assert_eq!(outbox.take().await, [Event::Resync]);
    }

    #[tokio::test]
    async fn all_is_taken_in_parts() {
        let outbox = Outbox::default();
        outbox.put(std::iter::repeat_with(|| Event::Work(BroadcastCampaignId::generate())).take(2 * IN_ONE + 1));
        for part in [IN_ONE, IN_ONE, 1] {
            assert_eq!(outbox.take().await.len(), part);
        }
    }
}
