//! Subscriptions by WebSocket, in the protocol `graphql-transport-ws`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::client::first_error;

/// A campaign that runs always has something to tell within this time.
const SILENCE: Duration = Duration::from_mins(1);

/// A socket on which several subscriptions run at once.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// A message of a subscription.
pub enum Told {
    /// The data of an event, and the name of the subscription.
    Next(String, Json),
    /// One of the subscriptions is complete.
    Complete,
}

impl Socket {
    /// Connects, and shows the token.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self> {
        let mut request = format!("ws://{address}/graphql").into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
        let (stream, _) = connect_async(request).await.context("the WebSocket was refused")?;
        let mut socket = Self { stream };
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        socket.send(&json!({ "type": "connection_init", "payload": payload })).await?;
        let answer = socket.read().await?;
        if answer["type"] != "connection_ack" {
            bail!("the WebSocket's login was answered by {answer}");
        }
        Ok(socket)
    }

    /// Begins a subscription of this name.
    pub async fn subscribe(&mut self, name: &str, query: &str, variables: Json) -> Result<()> {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "type": "subscribe", "id": name, "payload": payload })).await
    }

    /// The next thing that any subscription tells.
    pub async fn next(&mut self) -> Result<Told> {
        loop {
            let mut message = self.read().await?;
            let name = message["id"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str().unwrap_or_default() {
                "next" => match first_error(&message["payload"]["errors"]) {
                    Some(error) => bail!("{name}: {error}"),
                    None => return Ok(Told::Next(name, message["payload"]["data"].take())),
                },
                "error" => {
                    let error = first_error(&message["payload"]).unwrap_or_else(|| "it was refused".into());
                    bail!("{name}: {error}")
                }
                "complete" => return Ok(Told::Complete),
                "ping" => self.send(&json!({ "type": "pong" })).await?,
                _ => {}
            }
        }
    }

    async fn send(&mut self, message: &Json) -> Result<()> {
        Ok(self.stream.send(Message::text(message.to_string())).await?)
    }

    async fn read(&mut self) -> Result<Json> {
        loop {
            let silent = || anyhow!("the server said nothing for a minute");
            let message = tokio::time::timeout(SILENCE, self.stream.next()).await.map_err(|_| silent())?;
            match message.context("the server closed the WebSocket")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(Some(frame)) => bail!("the server closed the WebSocket: {}", frame.reason),
                _ => {}
            }
        }
    }
}
