//! Events between processes: Redis publish and subscribe, of which nothing is asked but to wake (R22).
//!
//! Subscribers of this process are told at once and directly. For the others an event goes to the outbox, which one task
//! empties into Redis; another task listens to Redis on a connection of its own and tells this process what the others said.
//! Redis keeps nothing: whoever was not connected has missed what was said, so after each subscription all are told to look
//! again.

mod listener;
mod outbox;
mod shelf;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_redis::redis::{Client, RedisError};
use deadpool_redis::{Config, Runtime};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::listener::Listener;
use self::outbox::{Outbox, Publisher};
pub use self::shelf::Shelf;
use super::local::LocalEvents;
use super::{Event, Events, Subscription};

/// The channel of Redis, behind the prefix that several installations on one Redis need.
const CHANNEL: &str = "herald:events";

/// How long one exchange with Redis may take. A server that needs longer is away.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells the subscribers of all processes on one Redis.
#[derive(Debug)]
pub struct RedisEvents {
    local: LocalEvents,
    outbox: Arc<Outbox>,
    /// Whether what others say comes in.
    is_up: Arc<AtomicBool>,
}

/// A message as it goes over the wire.
#[derive(Debug, Serialize, Deserialize)]
struct Message {
    /// The process that published it: it has told its own subscribers already.
    from: Uuid,
    events: Vec<Event>,
}

impl RedisEvents {
    /// Connects to the Redis at `url` and stays connected until `stop`. It returns at once: a Redis that is away is waited
    /// for.
    ///
    /// # Errors
    /// The address can't be understood.
    pub fn start(url: &str, prefix: &str, stop: &CancellationToken) -> Result<Self, RedisError> {
        let client = Client::open(url)?;
        let channel = format!("{prefix}{CHANNEL}");
        let from = Uuid::new_v4();
        let local = LocalEvents::new();
        let outbox = Arc::new(Outbox::default());
        let pool = Config::from_url(url)
            .builder()
            .map_err(|error| RedisError::from(std::io::Error::other(error)))?
            .max_size(1)
            .runtime(Runtime::Tokio1)
            .build()
            .expect("no time limits are set that need a runtime");
        let publisher = Publisher { pool, channel: channel.clone(), from, outbox: outbox.clone() };
        let place = place(&client);
        let is_up: Arc<AtomicBool> = Arc::default();
        let listener = Listener { client, place, is_up: is_up.clone(), channel, from, local: local.clone() };
        tokio::spawn(stop.clone().run_until_cancelled_owned(publisher.run()));
        tokio::spawn(stop.clone().run_until_cancelled_owned(listener.run()));
        Ok(Self { local, outbox, is_up })
    }
}

impl Events for RedisEvents {
    fn publish(&self, event: Event) {
        self.local.publish(event);
        self.outbox.put([event]);
    }

    fn subscribe(&self) -> Subscription {
        self.local.subscribe()
    }

    fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }
}

/// Where a client connects to, without what it shows there.
fn place(client: &Client) -> String {
    client.get_connection_info().addr().to_string()
}

/// The pauses between attempts to reach Redis: from 100 ms, doubling to 2 s, so that many processes don't come at once.
#[derive(Debug)]
struct Backoff(Duration);

impl Backoff {
    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);

    const fn new() -> Self {
        Self(Self::SHORTEST)
    }

    async fn pause(&mut self) {
        tokio::time::sleep(self.0.mul_f64(rand::random_range(0.75..=1.0))).await;
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}
