//! Events within this process.

use tokio::sync::broadcast::Sender;

use super::{Event, Events, Subscription};

/// How many events a subscriber may lag behind before it has to look at everything again.
pub(super) const CAPACITY: usize = 4096;

/// Tells the subscribers of this process, and nobody else.
#[derive(Debug, Clone)]
pub struct LocalEvents {
    sender: Sender<Event>,
}

impl LocalEvents {
    /// Nobody listens yet.
    pub fn new() -> Self {
        Self { sender: Sender::new(CAPACITY) }
    }
}

impl Default for LocalEvents {
    fn default() -> Self {
        Self::new()
    }
}

impl Events for LocalEvents {
    fn publish(&self, event: Event) {
        if self.sender.send(event).is_err() {
            tracing::trace!(?event, "nobody listens");
        }
    }

    fn subscribe(&self) -> Subscription {
        Subscription(self.sender.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_published_reaches_all_who_listened_before() {
        let events = LocalEvents::new();
        events.publish(Event::Audit);
        let mut both = [events.subscribe(), events.subscribe()];
        events.publish(Event::Resync);
        for subscriber in &mut both {
            assert_eq!(subscriber.next().await, Event::Resync);
        }
    }
}
