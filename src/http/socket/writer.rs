//! The writing side of a socket. A client that does not read is cut off: what waits for it must not grow.

use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio_util::sync::CancellationToken;

/// How much less patience a process has that goes away.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// The client has gone, or reads too slowly.
#[derive(Debug)]
pub(super) struct Broken;

/// Where messages to one client go.
pub(super) struct SocketWriter {
    sink: SplitSink<WebSocket, Message>,
    patience: Duration,
    stop: CancellationToken,
}

impl SocketWriter {
    /// A writer to a client that may take `patience` to read a message, or less once `stop` is cancelled.
    pub(super) fn new(sink: SplitSink<WebSocket, Message>, patience: Duration, stop: CancellationToken) -> Self {
        Self { sink, patience, stop }
    }

    /// Writes a message.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), Broken> {
        in_time(self.patience, &self.stop, self.sink.send(message)).await
    }

    /// Writes a text.
    pub(super) async fn text(&mut self, text: Utf8Bytes) -> Result<(), Broken> {
        self.send(Message::Text(text)).await
    }

    /// Adds a text to what is written with the next [`SocketWriter::flush`].
    pub(super) async fn feed(&mut self, text: Utf8Bytes) -> Result<(), Broken> {
        in_time(self.patience, &self.stop, self.sink.feed(Message::Text(text))).await
    }

    /// Writes all that was fed.
    pub(super) async fn flush(&mut self) -> Result<(), Broken> {
        in_time(self.patience, &self.stop, self.sink.flush()).await
    }
}

async fn in_time(
    patience: Duration,
    stop: &CancellationToken,
    writing: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), Broken> {
    let too_late = async {
        tokio::select! {
            () = tokio::time::sleep(patience) => {}
            () = async { stop.cancelled().await; tokio::time::sleep(LAST_PATIENCE).await } => {}
        }
    };
    tokio::select! {
        biased;
        written = writing => written.map_err(|_| Broken),
        () = too_late => Err(Broken),
    }
}
