//! A WebSocket that says what a test wants it to say, right or wrong.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::TestApp;

/// How long a message is awaited.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open socket, on which nothing has been said yet.
pub struct RawSocket(WebSocketStream<TcpStream>);

impl RawSocket {
    /// Opens it, in the protocol `graphql-transport-ws`.
    pub async fn open(herald: &TestApp) -> Self {
        Self::with_buffer(herald, 1 << 18).await
    }

    /// Opens it by a request that has these headers too.
    pub async fn asked_with(herald: &TestApp, headers: &[(&'static str, &str)]) -> Self {
        Self::asked(herald, 1 << 18, headers).await
    }

    /// Opens it; the kernel keeps so many bytes for it that have not been read.
    pub async fn with_buffer(herald: &TestApp, bytes: u32) -> Self {
        Self::asked(herald, bytes, &[]).await
    }

    async fn asked(herald: &TestApp, bytes: u32, headers: &[(&'static str, &str)]) -> Self {
        let address = herald.url().strip_prefix("http://").unwrap().parse().unwrap();
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(bytes).unwrap();
        let tcp = tcp.connect(address).await.unwrap();
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, answer) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        Self(socket)
    }

    /// Opens it, and introduces itself.
    pub async fn introduced(herald: &TestApp, token: &str) -> Self {
        let mut socket = Self::open(herald).await;
        socket.introduce(token).await;
        assert_eq!(socket.json().await["type"], "connection_ack");
        socket
    }

    pub async fn introduce(&mut self, token: &str) {
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        self.say(json!({ "type": "connection_init", "payload": payload })).await;
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    pub async fn say(&mut self, message: Json) {
        self.send(Message::text(message.to_string())).await;
    }

    /// Sends anything. The server may have closed already.
    pub async fn send(&mut self, message: Message) {
        drop(self.0.send(message).await);
    }

    /// Writes bytes past the protocol of WebSockets.
    pub async fn write(&mut self, bytes: &[u8]) {
        tokio::io::AsyncWriteExt::write_all(self.0.get_mut(), bytes).await.unwrap();
    }

    /// The next message, whatever it is; None when the connection has ended.
    pub async fn message(&mut self) -> Option<Message> {
        let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a message comes in time");
        message.and_then(Result::ok)
    }

    /// The next text.
    pub async fn json(&mut self) -> Json {
        loop {
            match self.message().await.expect("another message comes") {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("it was closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The next text about the operation `id`.
    pub async fn about(&mut self, id: &str) -> Json {
        loop {
            let message = self.json().await;
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Reads to the end: the types of all texts, and the code and the reason of the close; 1006 if there was none.
    pub async fn end(&mut self) -> (Vec<String>, u16, String) {
        let mut types = Vec::new();
        loop {
            match self.message().await {
                Some(Message::Text(text)) => {
                    let message: Json = serde_json::from_str(&text).unwrap();
                    types.push(message["type"].as_str().unwrap().to_owned());
                }
                Some(Message::Close(Some(frame))) => return (types, frame.code.into(), frame.reason.to_string()),
                Some(Message::Close(None)) => return (types, 1005, String::new()),
                Some(_) => {}
                None => return (types, 1006, String::new()),
            }
        }
    }

    /// The code of the close, and its reason.
    pub async fn closed(&mut self) -> (u16, String) {
        let (_, code, reason) = self.end().await;
        (code, reason)
    }

    /// A ping of WebSockets.
    pub async fn ping(&mut self) {
        self.send(Message::Ping(Bytes::new())).await;
    }
}
