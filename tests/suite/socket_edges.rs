//! The edges of `graphql-transport-ws`, one by one: what a client says, and what it hears. Each is counted, so that none gets lost.

use futures_util::StreamExt;
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, RawSocket, TestApp};

/// A query that ends at once.
const QUERY: &str = r#"{"query":"{ viewer { username } }"}"#;
/// A subscription without an end.
const ENDLESS: &str = r#"{"query":"subscription { auditLogged { action } }"}"#;

/// What a client says.
#[derive(Clone, Copy)]
enum Says {
    /// The introduction with its token.
    Init,
    Text(&'static str),
    /// `subscribe` under this id, with this payload.
    Subscribe(&'static str, &'static str),
    Binary(&'static [u8]),
    /// Bytes past the protocol of WebSockets.
    Raw(&'static [u8]),
    /// A ping of WebSockets, which is none of this protocol.
    Ping,
}

/// What it hears then.
#[derive(Clone, Copy)]
enum Hears {
    /// Nothing but answers of these types, in this order, to a ping that is sent last: the socket is open.
    Types(&'static [&'static str]),
    /// A close with this code, and a reason that begins so.
    Close(u16, &'static str),
}

use Hears::{Close, Types};
use Says::{Binary, Init, Ping, Raw, Subscribe, Text};

const INVALID: Hears = Close(4400, "Invalid message");
const EARLY: Hears = Close(4401, "Unauthorized");

/// The edges: a name, what is said, what is heard.
const EDGES: &[(&str, &[Says], Hears)] = &[
    ("an introduction is acknowledged", &[Init], Types(&["connection_ack", "pong"])),
    (
        "one without a payload is of nobody",
        &[Text(r#"{"type":"connection_init"}"#)],
        Types(&["connection_ack", "pong"]),
    ),
    ("null is no payload", &[Text(r#"{"type":"connection_init","payload":null}"#)], Types(&["connection_ack", "pong"])),
    ("a second introduction", &[Init, Init], Close(4429, "Too many initialisation requests")),
    ("a second one of nobody", &[Init, Text(r#"{"type":"connection_init"}"#)], Close(4429, "Too many initialisation")),
    ("a payload that is a text", &[Text(r#"{"type":"connection_init","payload":"x"}"#)], INVALID),
    (
        "a token that is none",
        &[Text(r#"{"type":"connection_init","payload":{"Authorization":"Bearer x"}}"#)],
        Close(4403, "Forbidden"),
    ),
    (
        "a token of another scheme",
        &[Text(r#"{"type":"connection_init","payload":{"Authorization":"Basic x"}}"#)],
        Close(4403, "Forbidden"),
    ),
    (
        "a token in another place",
        &[Text(r#"{"type":"connection_init","payload":{"headers":{"Authorization":"Bearer x"}}}"#)],
        Close(4403, "Forbidden: the payload"),
    ),
    ("an operation before the introduction", &[Subscribe("1", QUERY)], EARLY),
    ("one that can't be read, before it", &[Subscribe("1", r#"{"query":"{ a","variables":{"s":"\ud83d"}}"#)], EARLY),
    ("a ping before the introduction", &[], Types(&["pong"])),
    ("a pong before it", &[Text(r#"{"type":"pong"}"#)], Types(&["pong"])),
    ("a complete before it", &[Text(r#"{"type":"complete","id":"1"}"#)], Types(&["pong"])),
    ("what is no JSON", &[Init, Text("nonsense")], INVALID),
    ("an empty text", &[Init, Text("")], INVALID),
    ("a list", &[Init, Text("[]")], INVALID),
    ("null", &[Init, Text("null")], INVALID),
    ("no type", &[Init, Text(r#"{"id":"1"}"#)], INVALID),
    ("a type that is a number", &[Init, Text(r#"{"type":1}"#)], INVALID),
    ("the old protocol's start", &[Init, Text(r#"{"type":"start","id":"1","payload":{"query":"{ a }"}}"#)], INVALID),
    ("a message that only a server sends", &[Init, Text(r#"{"type":"connection_ack"}"#)], INVALID),
    ("another one", &[Init, Text(r#"{"type":"next","id":"1","payload":{}}"#)], INVALID),
    ("a type in capitals", &[Init, Text(r#"{"type":"PING"}"#)], INVALID),
    ("a type that is there twice", &[Init, Text(r#"{"type":"ping","type":"pong"}"#)], INVALID),
    ("JSON in a binary frame", &[Init, Binary(br#"{"type":"ping"}"#)], INVALID),
    ("no bytes in a binary frame", &[Init, Binary(b"")], INVALID),
    ("a text that is no UTF-8", &[Init, Raw(&[0x81, 0x81, 0, 0, 0, 0, 0xff])], Close(1007, "the message is not UTF-8")),
    ("no id", &[Init, Text(r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#)], INVALID),
    ("an empty id", &[Init, Subscribe("", QUERY)], INVALID),
    ("an id that is a number", &[Init, Text(r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#)], INVALID),
    ("an id that is there twice", &[Init, Text(r#"{"type":"complete","id":"1","id":"2"}"#)], INVALID),
    ("no payload", &[Init, Text(r#"{"type":"subscribe","id":"1"}"#)], INVALID),
    ("a payload without a query", &[Init, Subscribe("1", "{}")], INVALID),
    ("a query that is a number", &[Init, Subscribe("1", r#"{"query":1}"#)], INVALID),
    ("variables that are a list", &[Init, Subscribe("1", r#"{"query":"{ a }","variables":[]}"#)], INVALID),
    ("a name that is a number", &[Init, Subscribe("1", r#"{"query":"{ a }","operationName":1}"#)], INVALID),
    ("complete without an id", &[Init, Text(r#"{"type":"complete"}"#)], INVALID),
    (
        "complete of what does not run",
        &[Init, Text(r#"{"type":"complete","id":"x"}"#)],
        Types(&["connection_ack", "pong"]),
    ),
    (
        "complete of what has ended",
        &[
            Init,
            Subscribe("1", QUERY),
            Text(r#"{"type":"complete","id":"1"}"#),
            Text(r#"{"type":"complete","id":"1"}"#),
        ],
        Types(&["connection_ack", "pong"]),
    ),
    (
        "an id that runs",
        &[Init, Subscribe("1", ENDLESS), Subscribe("1", QUERY)],
        Close(4409, "Subscriber for 1 already"),
    ),
    (
        "an id that was completed",
        &[Init, Subscribe("1", ENDLESS), Text(r#"{"type":"complete","id":"1"}"#), Subscribe("1", ENDLESS)],
        Types(&["connection_ack", "pong"]),
    ),
    (
        "an id that runs, of what can't be read",
        &[Init, Subscribe("1", ENDLESS), Subscribe("1", r#"{"query":"{ a }","variables":{"a":1,"a":2}}"#)],
        Close(4409, "Subscriber for 1 already"),
    ),
    (
        "a document that can't be read",
        &[Init, Subscribe("1", r#"{"query":"{"}"#)],
        Types(&["connection_ack", "error", "pong"]),
    ),
    (
        "a field that there is not",
        &[Init, Subscribe("1", r#"{"query":"{ no }"}"#)],
        Types(&["connection_ack", "error", "pong"]),
    ),
    (
        "half a character",
        &[Init, Subscribe("1", r#"{"query":"{ a }","variables":{"s":"\ud83d"}}"#)],
        Types(&["connection_ack", "error", "pong"]),
    ),
    (
        "something that is there twice",
        &[Init, Subscribe("1", r#"{"query":"{ a }","variables":{"s":{"a":1,"a":2}}}"#)],
        Types(&["connection_ack", "error", "pong"]),
    ),
    ("a ping's payload that is a list", &[Init, Text(r#"{"type":"ping","payload":[]}"#)], INVALID),
    ("a pong's payload that is a number", &[Init, Text(r#"{"type":"pong","payload":1}"#)], INVALID),
    (
        "a pong that nobody asked for",
        &[Init, Text(r#"{"type":"pong","payload":{}}"#)],
        Types(&["connection_ack", "pong"]),
    ),
    ("a ping of WebSockets", &[Init, Ping], Types(&["connection_ack", "pong"])),
    (
        "members that nobody knows",
        &[Init, Text(r#"{"type":"pong","id":1,"more":{}}"#)],
        Types(&["connection_ack", "pong"]),
    ),
];

/// Says all of it, and asks with a ping whether the socket is open; returns the types that come, and the close.
async fn hear(
    herald: &TestApp,
    admin: &Client,
    says: &[Says],
    waits_for: &[&str],
) -> (Vec<String>, Option<(u16, String)>) {
    let mut socket = RawSocket::open(herald).await;
    for said in says {
        match *said {
            Init => socket.introduce(admin.token()).await,
            Text(text) => socket.send(Message::text(text)).await,
            Subscribe(id, payload) => {
                let text = format!(r#"{{"type":"subscribe","id":"{id}","payload":{payload}}}"#);
                socket.send(Message::text(text)).await;
            }
            Binary(bytes) => socket.send(Message::binary(bytes)).await,
            Raw(bytes) => socket.write(bytes).await,
            Ping => socket.ping().await,
        }
    }
    socket.say(json!({ "type": "ping", "payload": { "last": true } })).await;
    let mut types = Vec::new();
    // An operation answers beside what comes in: an error may come after the last pong.
    while types.len() < waits_for.len().max(1) || !types.iter().any(|kind| kind == "pong") {
        match socket.message().await {
            Some(Message::Text(text)) => {
                let message: Json = serde_json::from_str(&text).unwrap();
                let kind = message["type"].as_str().unwrap().to_owned();
                // Of operations that run only what was refused is of interest here.
                if kind != "next" && kind != "complete" {
                    types.push(kind);
                }
            }
            Some(Message::Close(Some(frame))) => return (types, Some((frame.code.into(), frame.reason.to_string()))),
            Some(Message::Close(None)) => return (types, Some((1005, String::new()))),
            Some(_) => {}
            None => return (types, Some((1006, String::new()))),
        }
    }
    types.sort();
    (types, None)
}

#[tokio::test]
async fn each_edge_of_the_protocol_is_as_it_says() {
    assert!(EDGES.len() >= 34, "{} edges", EDGES.len());
    let herald = TestApp::with(&["--limit-sockets-per-user=1000"]).await;
    let admin = &herald.admin().await;
    let wrong: Vec<String> = futures_util::stream::iter(EDGES)
        .map(|(name, says, hears)| {
            let herald = &herald;
            async move {
                let wanted = if let Types(types) = hears { *types } else { &[] };
                let heard = hear(herald, admin, says, wanted).await;
                let is_right = match (hears, &heard) {
                    (Types(types), (heard, None)) => {
                        let mut types = types.to_vec();
                        types.sort_unstable();
                        *heard == types
                    }
                    (Close(code, reason), (_, Some((told, why)))) => told == code && why.starts_with(reason),
                    _ => false,
                };
                (!is_right).then(|| format!("{name}: {heard:?}"))
            }
        })
        .buffered(4)
        .filter_map(async |wrong| wrong)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} of {} edges are wrong: {wrong:#?}", wrong.len(), EDGES.len());
}
