//! The operations that run on one socket.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Request, Response};
use axum::extract::ws::Utf8Bytes;
use futures_util::stream::{self, AbortHandle, Abortable, BoxStream, SelectAll};
use futures_util::{FutureExt, StreamExt, future};
use serde::Serialize;

use super::message::ServerMessage;
use graphql::engine::context::Caller;
use graphql::engine::execution::{Event, Execution};

/// Operations by the ids that the client gave them.
#[derive(Default)]
pub(super) struct Operations {
    running: SelectAll<BoxStream<'static, (Arc<str>, ServerMessage)>>,
    handles: HashMap<Arc<str>, AbortHandle>,
}

/// All that an operation says, to its end. This is the one step from an operation to encoded bytes.
pub(super) fn messages(execution: &Execution, request: Request, caller: Caller) -> BoxStream<'static, ServerMessage> {
    execution.stream(request, caller).map(|event| ServerMessage::from(&event)).boxed()
}

impl From<&Event> for ServerMessage {
    fn from(event: &Event) -> Self {
        match event {
            Event::Next(response) => Self::Next(encoded(response)),
            Event::Encoded(text) => Self::Next(text.clone()),
            Event::Failed(response) => Self::Errors(encoded(&response.errors)),
        }
    }
}

/// The message that says that an operation does not run.
pub(super) fn refused(id: &str, response: Response) -> Utf8Bytes {
    ServerMessage::from(&Event::Failed(response)).encoded(&quoted(id))
}

fn encoded(payload: &impl Serialize) -> Arc<str> {
    serde_json::to_string(payload).expect("a response is plain data").into()
}

impl Operations {
    /// Whether an operation runs under this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.handles.contains_key(id)
    }

    /// How many run.
    pub(super) fn len(&self) -> usize {
        self.handles.len()
    }

    /// Begins an operation, of which `messages` is all that it says.
    pub(super) fn begin(&mut self, id: String, messages: BoxStream<'static, ServerMessage>) {
        let id: Arc<str> = id.into();
        let (handle, registration) = AbortHandle::new_pair();
        self.handles.insert(id.clone(), handle);
        let messages = messages
            .chain(stream::once(future::ready(ServerMessage::Complete)))
            .map(move |message| (id.clone(), message));
        self.running.push(Abortable::new(messages, registration).boxed());
    }

    /// Ends an operation: nothing more is said under its id.
    pub(super) fn end(&mut self, id: &str) {
        if let Some(handle) = self.handles.remove(id) {
            handle.abort();
        }
    }

    /// The next thing that any of them says, as a message to the client. Waits for ever while none runs.
    pub(super) async fn next(&mut self) -> Utf8Bytes {
        while let Some((id, message)) = self.running.next().await {
            if let Some(text) = self.encode(&id, &message) {
                return text;
            }
        }
        future::pending().await
    }

    /// The message that can be told at once, without waiting.
    pub(super) fn ready(&mut self) -> Option<Utf8Bytes> {
        self.next().now_or_never()
    }

    /// Ends all, with a `complete` for each.
    pub(super) fn complete(&mut self) -> Vec<Utf8Bytes> {
        let ids: Vec<_> = self.handles.drain().map(|(id, _)| id).collect();
        self.running.clear();
        ids.iter().map(|id| ServerMessage::Complete.encoded(&quoted(id))).collect()
    }

    fn encode(&mut self, id: &Arc<str>, message: &ServerMessage) -> Option<Utf8Bytes> {
        // Whoever has been told of an error is not told that this was all; and whoever has ended it hears no more.
        if !matches!(message, ServerMessage::Next(_)) {
            self.handles.remove(id).inspect(AbortHandle::abort)?;
        }
        Some(message.encoded(&quoted(id)))
    }
}

fn quoted(id: &str) -> String {
    serde_json::to_string(id).expect("a string is plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(payloads: &[&str]) -> BoxStream<'static, ServerMessage> {
        let messages: Vec<_> = payloads.iter().map(|payload| ServerMessage::Next((*payload).into())).collect();
        stream::iter(messages).boxed()
    }

    #[tokio::test]
    async fn an_operation_is_told_to_its_end_and_its_id_is_free_again() {
        let mut operations = Operations::default();
        operations.begin("1".into(), telling(&["10", "11"]));
        assert!(operations.has("1") && operations.ready().unwrap().contains("10"));
        assert!(operations.ready().unwrap().contains("11"));
        assert_eq!(operations.ready().unwrap().as_str(), r#"{"id":"1","type":"complete"}"#);
        assert!(!operations.has("1") && operations.ready().is_none());
    }

    #[tokio::test]
    async fn an_error_is_the_last_word() {
        let mut operations = Operations::default();
        operations.begin("1".into(), stream::iter([ServerMessage::Errors("[]".into())]).boxed());
        assert_eq!(operations.ready().unwrap().as_str(), r#"{"id":"1","type":"error","payload":[]}"#);
        assert!(!operations.has("1") && operations.ready().is_none());
    }

    #[tokio::test]
    async fn what_was_ended_says_no_more_even_if_its_id_runs_again() {
        let mut operations = Operations::default();
        operations.begin("1".into(), telling(&["10", "11"]));
        operations.end("1");
        operations.begin("1".into(), telling(&["20"]));
        assert!(operations.ready().unwrap().contains("20"));
        assert!(operations.ready().unwrap().contains("complete"));
        assert!(operations.ready().is_none());
        operations.begin("1".into(), stream::pending().boxed());
        operations.begin("2".into(), stream::pending().boxed());
        assert_eq!((operations.len(), operations.complete().len(), operations.len()), (2, 2, 0));
    }
}
