//! The one subscription of this process.

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
                    self.listen(sink, messages).await
                }
                Err(error) => error,
            };
            if !std::mem::replace(&mut is_away, true) {
                tracing::warn!(%error, "Redis is away; what others do is seen later, from the database");
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
