//! The one subscription of this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use deadpool_redis::redis::aio::{PubSubSink, PubSubStream};
use deadpool_redis::redis::{Client, Msg, RedisResult};
use futures_util::StreamExt;
use uuid::Uuid;

use super::{Backoff, Message, PATIENCE};
use crate::local::LocalEvents;
use crate::{Event, Events};
use domain::meters;

/// After such a silence Redis is asked whether it is still there: a lost connection may look like a quiet one.
const SILENCE: Duration = Duration::from_secs(2);

/// Tells this process what others publish.
pub(super) struct Listener {
    pub(super) client: Client,
    /// Where it is, for people: no password.
    pub(super) place: String,
    /// Whether what others say comes in.
    pub(super) is_up: Arc<AtomicBool>,
    pub(super) channel: String,
    pub(super) from: Uuid,
    pub(super) local: LocalEvents,
}

impl Listener {
    /// Listens for ever; after each loss it subscribes anew.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::new();
        let mut is_away = false;
        loop {
            let error = match self.subscribe().await {
                Ok((sink, messages)) => {
                    backoff = Backoff::new();
                    if std::mem::take(&mut is_away) {
                        tracing::info!("Redis is back");
                    }
                    // What was said before the subscription nobody will say again.
                    self.local.publish(Event::Resync);
                    meters::resync();
                    self.is_up.store(true, Ordering::Relaxed);
                    self.listen(sink, messages).await
                }
                Err(error) => error,
            };
            self.is_up.store(false, Ordering::Relaxed);
            if !std::mem::replace(&mut is_away, true) {
                let why = why(&error);
                tracing::warn!(
                    "REDIS_URL: Redis at {} is away: {why}; what others do is seen later, from the database",
                    self.place
                );
            }
            backoff.pause().await;
        }
    }

    async fn subscribe(&self) -> anyhow::Result<(PubSubSink, PubSubStream)> {
        let subscribe = async {
            let mut connection = self.client.get_async_pubsub().await?;
            connection.subscribe(&self.channel).await?;
            RedisResult::Ok(connection.split())
        };
        Ok(tokio::time::timeout(PATIENCE, subscribe).await.context("no answer in time")??)
    }

    /// Listens until the connection is lost, and says why.
    async fn listen(&self, mut sink: PubSubSink, mut messages: PubSubStream) -> anyhow::Error {
        loop {
            match tokio::time::timeout(SILENCE, messages.next()).await {
                Ok(Some(message)) => self.deliver(&message),
                Ok(None) => return anyhow::anyhow!("the connection was closed"),
                Err(_) => match tokio::time::timeout(PATIENCE, sink.ping::<()>()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return error.into(),
                    Err(_) => return anyhow::anyhow!("no answer in time"),
                },
            }
        }
    }

    fn deliver(&self, message: &Msg) {
        match serde_json::from_slice::<Message>(message.get_payload_bytes()) {
            Ok(message) if message.from == self.from => {}
            Ok(message) => message.events.into_iter().for_each(|event| self.local.publish(event)),
            Err(error) => {
                // A newer release may say what this one doesn't know.
                tracing::debug!(%error, "a message that can't be read");
                self.local.publish(Event::Resync);
            }
        }
    }
}

/// The cause, with what to do about it.
fn why(error: &anyhow::Error) -> String {
    let told = format!("{error:#}");
    let has = |words: &[&str]| words.iter().any(|word| told.contains(word));
    if has(&["AuthenticationFailed", "WRONGPASS", "NOAUTH"]) {
        "it refuses the password; is it the one in REDIS_URL (redis://:password@host), and is none missing?".into()
    } else if has(&["lookup address", "Name or service not known"]) {
        "this machine knows no such host; is it spelled right?".into()
    } else if has(&["Connection refused"]) {
        "nothing listens there; is Redis started, on that port?".into()
    } else if has(&["no answer in time", "timed out"]) {
        "it does not answer; is it the right machine, and does a firewall let the port pass?".into()
    } else {
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_with_what_to_do() {
        for (error, cure) in [
            ("Password authentication failed- AuthenticationFailed", "refuses the password"),
            ("failed to lookup address information: Name or service not known", "knows no such host"),
            ("Connection refused (os error 111)", "nothing listens there"),
            ("no answer in time", "does not answer"),
            ("LOADING Redis is loading", "LOADING"),
        ] {
            assert!(why(&anyhow::anyhow!("{error}")).contains(cure), "{error}");
        }
    }
}
