//! One operation over one WebSocket, in the protocol `graphql-transport-ws`.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Client, Reply};

/// How long a message is awaited.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running operation.
pub struct Subscription {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The code with which the server closed.
    pub closed: Option<u16>,
}

impl Subscription {
    pub async fn start(url: &str, token: Option<&str>, document: &str, variables: Json) -> Self {
        let mut subscription = Self::connect(url, token).await;
        assert_eq!(subscription.message().await.unwrap()["type"], "connection_ack");
        subscription.subscribe(document, variables).await;
        subscription
    }

    /// Connects and introduces itself, and waits for nothing.
    pub async fn connect(url: &str, token: Option<&str>) -> Self {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut subscription = Self::over(socket);
        subscription.introduce(token).await;
        subscription
    }

    /// Over a socket that has been opened.
    pub fn over(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { socket, closed: None }
    }

    /// The first message of the protocol.
    pub async fn introduce(&mut self, token: Option<&str>) {
        let payload = token.map_or_else(|| json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
    }

    pub async fn subscribe(&mut self, document: &str, variables: Json) {
        let payload = json!({ "query": document, "variables": variables });
        self.send(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
    }

    async fn send(&mut self, message: Json) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message of the protocol; None when the socket is closed.
    pub async fn message(&mut self) -> Option<Json> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message comes in time");
            match message {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    self.closed = frame.map(|frame| frame.code.into());
                    return None;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next result; None when the operation is complete or the socket closed.
    pub async fn next(&mut self) -> Option<Reply> {
        let message = self.message().await?;
        match message["type"].as_str().unwrap() {
            "next" => Some(Reply(message["payload"].clone())),
            "error" => Some(Reply(json!({ "errors": message["payload"] }))),
            "complete" => None,
            other => panic!("{other} was not expected"),
        }
    }

    /// Waits until a subscription to the audit log's actions has begun, of which it doesn't tell: lines are written until
    /// it hears of one. All of them have been heard then.
    pub async fn begun(&mut self, by: &Client) {
        let create = "mutation { createTemplate(input: { name: \"heard\", content: \"x\" }) { template { id } } }";
        let template = loop {
            let template = by.data(create, json!({})).await["createTemplate"]["template"]["id"].clone();
            if tokio::time::timeout(Duration::from_millis(100), self.next()).await.is_ok() {
                break template;
            }
        };
        let delete = "mutation($id: ID!) { deleteTemplate(input: { id: $id }) { deletedId } }";
        by.data(delete, json!({ "id": template })).await;
        while self.data().await["auditLogged"]["action"] != "TEMPLATE_DELETED" {}
    }

    /// The data of the next result.
    pub async fn data(&mut self) -> Json {
        self.next().await.expect("there is another result").data().clone()
    }

    /// All results until the operation is complete.
    pub async fn rest(mut self) -> Vec<Json> {
        let mut all = Vec::new();
        while let Some(reply) = self.next().await {
            all.push(reply.data().clone());
        }
        all
    }
}
