//! The messages of `graphql-transport-ws`.

use std::sync::Arc;

use async_graphql::Request;
use axum::extract::ws::Utf8Bytes;
use serde_json::{Map, Value as Json};

use super::close::Close;
use crate::{halves, params};
use domain::json;

/// A message from the client.
#[derive(Debug)]
pub(super) enum ClientMessage {
    /// `connection_init`: who is there.
    Init(Map<String, Json>),
    /// `subscribe`: run an operation under this id.
    Subscribe(String, Box<Request>),
    /// `subscribe` with half a character in what it asks for, or with something twice: that is told under its id.
    Unclear(String, String),
    /// `complete`: end the operation of this id.
    Complete(String),
    /// `ping`, with its payload.
    Ping(Option<Json>),
    /// `pong`: the client is there.
    Pong,
}

/// A message of an operation. It is encoded once, and cheap to clone: the same bytes may go to many sockets, each with
/// the id under which it was asked for.
#[derive(Debug, Clone)]
pub(super) enum ServerMessage {
    /// `next`: a result.
    Next(Arc<str>),
    /// `error`: there is none; nothing follows.
    Errors(Arc<str>),
    /// `complete`: nothing follows.
    Complete,
}

/// The answer to `connection_init`.
pub(super) const ACK: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"connection_ack"}"#);

impl ServerMessage {
    /// The message to the client that asked under `id`, which is written as JSON.
    pub(super) fn encoded(&self, id: &str) -> Utf8Bytes {
        match self {
            Self::Next(payload) => format!(r#"{{"id":{id},"type":"next","payload":{payload}}}"#).into(),
            Self::Errors(payload) => format!(r#"{{"id":{id},"type":"error","payload":{payload}}}"#).into(),
            Self::Complete => format!(r#"{{"id":{id},"type":"complete"}}"#).into(),
        }
    }
}

/// The answer to `ping`.
pub(super) fn pong(payload: Option<Json>) -> Utf8Bytes {
    match payload {
        Some(payload) => format!(r#"{{"type":"pong","payload":{payload}}}"#).into(),
        None => Utf8Bytes::from_static(r#"{"type":"pong"}"#),
    }
}

/// Reads what a client says.
pub(super) fn read(text: &str) -> Result<ClientMessage, Close> {
    let (complaint, mut message) = match json::read(text.as_bytes()) {
        Ok(read) => match (read.complaint(), read.twice, read.value) {
            (complaint, twice, Json::Object(message)) => (complaint.zip(twice), message),
            _ => return Err(Close::bad_request("Invalid message: it is not a JSON object")),
        },
        Err(_) => return halved(text),
    };
    if let Some((why, place)) = complaint {
        return unclear(&Json::Object(message), &place, &why);
    }
    let kind = message.remove("type");
    match kind.as_ref().and_then(Json::as_str) {
        Some("connection_init") => Ok(ClientMessage::Init(payload(&mut message)?.unwrap_or_default())),
        Some("subscribe") => Ok(ClientMessage::Subscribe(id(&mut message)?, Box::new(request(&mut message)?))),
        Some("complete") => Ok(ClientMessage::Complete(id(&mut message)?)),
        Some("ping") => Ok(ClientMessage::Ping(payload(&mut message)?.map(Json::Object))),
        Some("pong") => payload(&mut message).map(|_| ClientMessage::Pong),
        Some(kind) => Err(Close::bad_request(format!("Invalid message: there is no type {kind:?}"))),
        None => Err(Close::bad_request("Invalid message: it has no type")),
    }
}

/// Half a character is no reason to end what else runs on a socket: browsers make it where they cut a text.
fn halved(text: &str) -> Result<ClientMessage, Close> {
    let none = || Close::bad_request("Invalid message: it is not a JSON object");
    let (place, message) = halves::read(text).ok_or_else(none)?;
    unclear(&message, &place, &halves::told(&place))
}

/// What can't be understood at `place`: within what an operation asks for, that is told under its id, and all else goes on.
fn unclear(message: &Json, place: &str, why: &str) -> Result<ClientMessage, Close> {
    match (message["type"].as_str(), message["id"].as_str(), place.strip_prefix("payload.")) {
        (Some("subscribe"), Some(id), Some(_)) if !id.is_empty() => {
            let why = why.strip_prefix("payload.").unwrap_or(why);
            Ok(ClientMessage::Unclear(id.to_owned(), why.to_owned()))
        }
        _ => Err(Close::bad_request(format!("Invalid message: {why}"))),
    }
}

/// Where clients put a token that know another server, without hyphens, underscores and capitals.
const STRAYS: [&str; 9] =
    ["authorization", "token", "accesstoken", "authtoken", "bearertoken", "bearer", "jwt", "apitoken", "xauthtoken"];

/// Whether a token lies in the payload of `connection_init` where none is looked for.
pub(super) fn has_stray_token(payload: &Map<String, Json>) -> bool {
    let is_stray = |name: &str| {
        let name: String = name.chars().filter(|letter| !"-_".contains(*letter)).collect();
        STRAYS.contains(&name.to_lowercase().as_str())
    };
    payload.iter().any(|(name, value)| match value {
        Json::Null => false,
        // Such as `headers`, which are HTTP's.
        Json::Object(below) => below.iter().any(|(name, value)| is_stray(name) && !value.is_null()),
        _ => is_stray(name),
    })
}

fn id(message: &mut Map<String, Json>) -> Result<String, Close> {
    match message.remove("id") {
        Some(Json::String(id)) if !id.is_empty() => Ok(id),
        _ => Err(Close::bad_request("Invalid message: its id is not a string with something in it")),
    }
}

/// An object that may be missing.
fn payload(message: &mut Map<String, Json>) -> Result<Option<Map<String, Json>>, Close> {
    match message.remove("payload") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Close::bad_request("Invalid message: its payload is not an object")),
    }
}

fn request(message: &mut Map<String, Json>) -> Result<Request, Close> {
    let Some(payload) = payload(message)? else {
        return Err(Close::bad_request("Invalid message: it has no payload"));
    };
    let wrong =
        |wrong: params::Wrong| Close::bad_request(format!("Invalid message: in its payload, {}", wrong.message));
    params::request(payload).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_named() {
        let wrong = [
            "",
            "1",
            "[]",
            "{",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"ping","payload":[]}"#,
            r#"{"type":"pong","payload":1}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"complete","id":""}"#,
            r#"{"type":"complete","id":1}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","extensions":"x"}}"#,
        ];
        for text in wrong {
            assert_eq!(read(text).map(|told| format!("{told:?}")).unwrap_err().code, 4400, "{text}");
        }
    }

    #[test]
    fn half_a_character_is_told_to_the_operation_that_has_it() {
        let told = |text: &str| match read(text) {
            Ok(ClientMessage::Unclear(id, why)) => Ok((id, why)),
            Ok(other) => panic!("{other:?}"),
            Err(close) => Err(close.code),
        };
        let (id, why) =
            told(r#"{"type":"subscribe","id":"7","payload":{"query":"{ a }","variables":{"s":"a\ud83d"}}}"#).unwrap();
        assert!(id == "7" && why.starts_with("variables.s: not valid Unicode"), "{id} {why}");
        for text in [
            r#"{"type":"subscribe","id":"\ud83d","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"\ud83d"}}"#,
            r#"{"type":"ping","payload":{"a":"\ud83d"}}"#,
            r#"{"type":"connection_init","payload":{"a":"\ud83d"}}"#,
        ] {
            assert_eq!(told(text), Err(4400), "{text}");
        }
    }

    #[test]
    fn what_is_there_twice_is_told_to_the_operation_that_has_it() {
        let told = |text: &str| match read(text) {
            Ok(ClientMessage::Unclear(id, why)) => Ok((id, why)),
            Ok(other) => panic!("{other:?}"),
            Err(close) => Err(close.to_string()),
        };
        let (id, why) =
            told(r#"{"type":"subscribe","id":"7","payload":{"query":"{ a }","variables":{"m":{"a":1,"a":2}}}}"#)
                .unwrap();
        assert!(id == "7" && why.starts_with("variables.m.a is given twice"), "{id} {why}");
        for text in [
            r#"{"type":"subscribe","id":"1","id":"2","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","type":"complete","id":"2","payload":{"query":"{ a }"}}"#,
            r#"{"type":"connection_init","payload":{"Authorization":"a","Authorization":"b"}}"#,
            r#"{"type":"ping","payload":{"a":1,"a":1}}"#,
        ] {
            assert!(told(text).is_err_and(|why| why.contains("is given twice")), "{text}");
        }
    }

    #[test]
    fn a_token_where_none_is_looked_for_is_seen() {
        let stray = |payload: Json| has_stray_token(payload.as_object().unwrap());
        for payload in [
            serde_json::json!({ "headers": { "Authorization": "Bearer x" } }),
            serde_json::json!({ "token": "x" }),
            serde_json::json!({ "access_token": "x", "other": 1 }),
            serde_json::json!({ "AUTHORIZATION": "Bearer x" }),
            serde_json::json!({ "Authorization": 5 }),
            serde_json::json!({ "context": { "auth-token": "x" } }),
        ] {
            assert!(stray(payload.clone()), "{payload}");
        }
        for payload in [
            serde_json::json!({}),
            serde_json::json!({ "Authorization": null }),
            serde_json::json!({ "headers": { "Accept": "x", "authorization": null }, "client": "token" }),
        ] {
            assert!(!stray(payload.clone()), "{payload}");
        }
    }

    #[test]
    fn null_members_are_missing_ones() {
        let text = r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":null,"variables":null,"extensions":null}}"#;
        assert!(matches!(read(text).unwrap(), ClientMessage::Subscribe(id, _) if id == "1"));
        assert!(matches!(read(r#"{"type":"connection_init","payload":null}"#).unwrap(), ClientMessage::Init(_)));
        assert!(matches!(read(r#"{"type":"ping"}"#).unwrap(), ClientMessage::Ping(None)));
    }

    #[test]
    fn an_answer_carries_the_id_as_it_came() {
        let id = serde_json::to_string("a\"b").unwrap();
        let text = ServerMessage::Next(r#"{"data":null}"#.into()).encoded(&id);
        let message: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(message, serde_json::json!({ "id": "a\"b", "type": "next", "payload": { "data": null } }));
    }
}
