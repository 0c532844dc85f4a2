//! The protocol `graphql-transport-ws` to the letter: every close code, and what a socket may not do.

use std::time::{Duration, Instant};

use domain::role::Role;
use futures_util::future::join_all;
use serde_json::json;
use service::Actor;
use service::access::token::{self, ACCESS_LIFETIME, Claims};
use service::access::user;
use service::broadcast::template;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, RawSocket, TestApp, eventually};

/// Without an end; the line of the login may be told.
const ENDLESS: &str = "subscription { auditLogged { action } }";
const VIEWER: &str = "{ viewer { username } }";

fn closed(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn an_operation_goes_from_the_introduction_to_complete() {
    let herald = TestApp::api_only().await;
    let mut socket = RawSocket::introduced(&herald, herald.admin().await.token()).await;
    socket.say(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.json().await, json!({ "type": "pong", "payload": { "n": 1 } }));
    socket.say(json!({ "type": "pong" })).await;
    socket.say(json!({ "type": "complete", "id": "unknown" })).await;
    for _ in 0..2 {
        socket.subscribe("a \"1\"", VIEWER).await;
        let cost = json!({ "requestedQueryCost": 1, "maximumQueryCost": 1_000 });
        let payload = json!({ "data": { "viewer": { "username": "admin" } }, "extensions": { "cost": cost } });
        assert_eq!(socket.json().await, json!({ "type": "next", "id": "a \"1\"", "payload": payload }));
        assert_eq!(socket.json().await, json!({ "type": "complete", "id": "a \"1\"" }));
    }
}

#[tokio::test]
async fn what_cannot_run_is_an_error_message_and_the_socket_stays() {
    let herald = TestApp::api_only().await;
    let mut socket = RawSocket::introduced(&herald, herald.auditor().await.token()).await;
    let cases = [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { viewer { id } } query B { viewer { id } }", "OPERATION_RESOLUTION_FAILURE"),
        (r#"subscription { broadcastCampaignProgress(id: "nonsense") { version } }"#, "BAD_USER_INPUT"),
    ];
    for (query, code) in cases {
        socket.subscribe("1", query).await;
        let message = socket.json().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{message}");
        assert!(message["payload"][0]["extensions"]["requestId"].is_string());
    }
    socket.subscribe("1", VIEWER).await;
    assert_eq!(socket.json().await["type"], "next");
}

#[tokio::test]
async fn what_is_no_message_closes_with_4400() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let long = json!({ "type": "ж".repeat(300) }).to_string();
    for text in ["nonsense", "{}", r#"{"type":"start"}"#, r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#, &long]
    {
        let mut socket = RawSocket::introduced(&herald, admin.token()).await;
        socket.send(Message::text(text)).await;
        let (code, reason) = socket.closed().await;
        assert!(code == 4400 && reason.starts_with("Invalid message") && reason.len() <= 123, "{code} {reason}");
    }
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    socket.send(Message::binary("{}".as_bytes())).await;
    assert_eq!(socket.closed().await.0, 4400);
}

#[tokio::test]
async fn an_operation_before_the_introduction_closes_with_4401() {
    let herald = TestApp::api_only().await;
    let mut socket = RawSocket::open(&herald).await;
    socket.subscribe("1", VIEWER).await;
    assert_eq!(socket.closed().await, closed(4401, "Unauthorized"));
}

#[tokio::test]
async fn a_token_that_ends_closes_with_a_code_after_which_clients_come_again() {
    let herald = TestApp::api_only().await;
    let on = herald.services();
    let session = service::access::session::resume(on, herald.admin().await.token(), None).await.unwrap();
    let earlier = on.now() - ACCESS_LIFETIME + chrono::TimeDelta::seconds(3);
    let claims = Claims { user: session.user.id, family: session.login().unwrap() };
    let (ending, _) = token::issue(&on.keys.short_lived, claims, earlier).unwrap();
    let mut socket = RawSocket::introduced(&herald, &ending).await;
    socket.subscribe("1", ENDLESS).await;
    assert_eq!(socket.closed().await, closed(4403, "Forbidden: token expired, connect again with a new one"));
    let mut socket = RawSocket::open(&herald).await;
    socket.introduce(&ending).await;
    assert_eq!(socket.closed().await.0, 4403, "what has ended does not open another");
}

/// An access token of the client's session that ends in so many seconds.
async fn ending(herald: &TestApp, client: &Client, seconds: i64) -> String {
    let on = herald.services();
    let session = service::access::session::resume(on, client.token(), None).await.unwrap();
    let claims = Claims { user: session.user.id, family: session.login().unwrap() };
    let earlier = on.now() - ACCESS_LIFETIME + chrono::TimeDelta::seconds(seconds);
    token::issue(&on.keys.short_lived, claims, earlier).unwrap().0
}

fn renewal(token: &str) -> String {
    format!("mutation {{ renewSocket(input: {{ accessToken: \"{token}\" }}) {{ expiresAt user {{ username }} }} }}")
}

#[tokio::test]
async fn a_socket_that_is_renewed_outlives_the_token_that_opened_it() {
    let herald = TestApp::api_only().await;
    let (admin, operator) = (herald.admin().await, herald.operator().await);
    let mut socket = RawSocket::introduced(&herald, &ending(&herald, &admin, 3).await).await;
    socket.subscribe("watch", ENDLESS).await;
    for (token, code) in [(operator.token(), "PRECONDITION_FAILED"), ("nonsense", "UNAUTHENTICATED")] {
        socket.subscribe("1", &renewal(token)).await;
        let refused = socket.about("1").await;
        assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], code, "{refused}");
        socket.about("1").await;
    }
    // Of its own user, though of another login; then of one that ends soon.
    let second = herald.admin().await;
    for token in [second.token(), &ending(&herald, &admin, 6).await] {
        socket.subscribe("1", &renewal(token)).await;
        let renewed = socket.about("1").await;
        assert_eq!(renewed["payload"]["data"]["renewSocket"]["user"]["username"], "admin", "{renewed}");
        assert_eq!(socket.about("1").await["type"], "complete");
    }
    let opened = Instant::now();
    tokio::time::sleep(Duration::from_secs(4)).await;
    socket.subscribe("1", VIEWER).await;
    assert_eq!(socket.about("1").await["type"], "next", "the first token has ended, {:?} ago", opened.elapsed());
    assert_eq!(socket.closed().await, closed(4403, "Forbidden: token expired, connect again with a new one"));
    let by_http = admin.query(&renewal(admin.token()), json!({})).await;
    assert_eq!(by_http.code(), "PRECONDITION_FAILED");
}

#[tokio::test]
async fn a_token_in_another_place_is_told_where_it_belongs() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let bearer = format!("Bearer {}", admin.token());
    for payload in [
        json!({ "headers": { "Authorization": bearer } }),
        json!({ "token": admin.token() }),
        json!({ "accessToken": admin.token() }),
        json!({ "AUTHORIZATION": bearer }),
        json!({ "Authorization": { "Bearer": admin.token() } }),
    ] {
        let mut socket = RawSocket::open(&herald).await;
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        let (code, reason) = socket.closed().await;
        assert!(code == 4403 && reason.contains(r#"{"Authorization": "Bearer ..."}"#), "{payload}: {code} {reason}");
    }
    let mut socket = RawSocket::asked_with(&herald, &[("Authorization", &bearer)]).await;
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.closed().await.0, 4403);
    let mut socket = RawSocket::asked_with(&herald, &[("Authorization", &bearer)]).await;
    socket.introduce(admin.token()).await;
    assert_eq!(socket.json().await["type"], "connection_ack", "in its place it counts, wherever else it is");
    let mut socket = RawSocket::asked_with(&herald, &[("Authorization", "Basic cHJveHk6eA==")]).await;
    socket.say(json!({ "type": "connection_init", "payload": { "Authorization": null } })).await;
    assert_eq!(socket.json().await["type"], "connection_ack", "a proxy's own password is none of Herald's");
}

#[tokio::test]
async fn the_answer_to_an_upgrade_names_its_headers_as_clients_look_for_them() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let herald = TestApp::api_only().await;
    let address = herald.url().strip_prefix("http://").unwrap().to_owned();
    let mut tcp = tokio::net::TcpStream::connect(&address).await.unwrap();
    let ask = format!(
        "GET /graphql HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    tcp.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = [0; 4_096];
    let length = tcp.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    for header in ["Sec-WebSocket-Protocol: graphql-transport-ws", "Upgrade: websocket", "X-Request-Id: "] {
        assert!(answer.contains(header), "{answer}");
    }
}

#[tokio::test]
async fn a_session_that_is_revoked_closes_all_its_sockets_with_4401() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let mut sockets = [
        RawSocket::introduced(&herald, operator.token()).await,
        RawSocket::introduced(&herald, operator.token()).await,
    ];
    let mut other = RawSocket::introduced(&herald, herald.admin().await.token()).await;
    operator.data("mutation { logout { user { id } } }", json!({})).await;
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, closed(4401, "the session has ended, sign in again"));
    }
    other.subscribe("1", VIEWER).await;
    assert_eq!(other.json().await["type"], "next");
}

#[tokio::test]
async fn a_wrong_token_closes_with_4403() {
    let herald = TestApp::api_only().await;
    for token in ["nonsense", "", "a.b.c"] {
        let mut socket = RawSocket::open(&herald).await;
        socket.introduce(token).await;
        let (code, reason) = socket.closed().await;
        assert!(code == 4403 && reason.starts_with("Forbidden"), "{token}: {code} {reason}");
    }
}

#[tokio::test]
async fn who_never_speaks_is_closed_with_4408() {
    let herald = TestApp::with(&["--limit-socket-init=300ms"]).await;
    let start = Instant::now();
    let mut sockets = join_all((0..20).map(|_| RawSocket::open(&herald))).await;
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, closed(4408, "Connection initialisation timeout"));
    }
    assert!(start.elapsed() >= Duration::from_millis(300));
    let mut socket = RawSocket::introduced(&herald, herald.admin().await.token()).await;
    // Twice the limit.
    tokio::time::sleep(Duration::from_millis(600)).await;
    socket.subscribe("1", VIEWER).await;
    assert_eq!(socket.json().await["type"], "next", "the limit is for the introduction only");
}

#[tokio::test]
async fn who_gives_no_sign_of_life_is_closed() {
    let herald = TestApp::with(&["--limit-socket-ping=200ms", "--limit-socket-dead=500ms"]).await;
    let admin = herald.admin().await;
    let (mut silent, mut alive) =
        (RawSocket::introduced(&herald, admin.token()).await, RawSocket::introduced(&herald, admin.token()).await);
    alive.subscribe("1", ENDLESS).await;
    let reading = tokio::spawn(async move { tokio::time::timeout(Duration::from_millis(1500), alive.closed()).await });
    // Whoever does not read does not answer pings either.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(silent.message().await, Some(Message::Ping(Vec::new().into())));
    assert_eq!(silent.closed().await, closed(4408, "no sign of life"));
    assert!(reading.await.unwrap().is_err(), "whoever answers pings stays");
}

#[tokio::test]
async fn an_id_that_runs_already_closes_with_4409() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    socket.subscribe("1", ENDLESS).await;
    socket.say(json!({ "type": "complete", "id": "1" })).await;
    socket.subscribe("1", ENDLESS).await;
    socket.subscribe("1", ENDLESS).await;
    assert_eq!(socket.closed().await, closed(4409, "Subscriber for 1 already exists"));
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    let long = "ж".repeat(1_000);
    socket.subscribe(&long, ENDLESS).await;
    socket.subscribe(&long, ENDLESS).await;
    assert_eq!(socket.closed().await.0, 4409, "whatever the id is, the close arrives whole");
}

#[tokio::test]
async fn too_many_introductions_messages_or_sockets_close_with_4429() {
    let herald =
        TestApp::with(&["--limit-socket-burst=20", "--limit-socket-rate=1", "--limit-sockets-per-user=2"]).await;
    let admin = herald.admin().await;
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    socket.introduce(admin.token()).await;
    assert_eq!(socket.closed().await, closed(4429, "Too many initialisation requests"));

    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    for _ in 0..10 {
        socket.say(json!({ "type": "ping" })).await;
        socket.ping().await;
    }
    assert_eq!(socket.closed().await, closed(4429, "Too many messages"));

    let _first = RawSocket::introduced(&herald, admin.token()).await;
    let second = RawSocket::introduced(&herald, admin.token()).await;
    let mut third = RawSocket::open(&herald).await;
    third.introduce(admin.token()).await;
    assert_eq!(third.closed().await, closed(4429, "Too many sockets"));
    RawSocket::introduced(&herald, herald.auditor().await.token()).await;
    drop(second);
    eventually("the place of a socket that has gone is free", async || {
        let mut socket = RawSocket::open(&herald).await;
        socket.introduce(admin.token()).await;
        matches!(socket.message().await, Some(Message::Text(_)))
    })
    .await;
}

#[tokio::test]
async fn too_many_operations_are_refused_one_by_one() {
    let herald = TestApp::with(&["--limit-socket-operations=2"]).await;
    let mut socket = RawSocket::introduced(&herald, herald.admin().await.token()).await;
    for id in ["1", "2", "3"] {
        socket.subscribe(id, ENDLESS).await;
    }
    let refusal = socket.about("3").await;
    assert_eq!(refusal["type"], "error");
    assert_eq!(refusal["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    socket.say(json!({ "type": "complete", "id": "1" })).await;
    socket.subscribe("3", VIEWER).await;
    assert_eq!(socket.about("3").await["type"], "next");
}

#[tokio::test]
async fn a_message_has_a_size_and_is_text() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let padded = |bytes: usize| {
        let message = json!({ "type": "ping", "payload": { "x": "" } }).to_string();
        let padding = "x".repeat(bytes - message.len());
        Message::text(message.replace(r#""x":"""#, &format!(r#""x":"{padding}""#)))
    };
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    socket.send(padded(64 << 10)).await;
    assert_eq!(socket.json().await["type"], "pong");
    socket.send(padded((64 << 10) + 1)).await;
    assert_eq!(socket.closed().await, closed(1009, "a message has at most 65536 bytes"));
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    // A frame with text, masked by zeros, whose only byte begins no letter.
    socket.write(&[0x81, 0x81, 0, 0, 0, 0, 0xff]).await;
    assert_eq!(socket.closed().await, closed(1007, "the message is not UTF-8"));
}

#[tokio::test]
async fn a_server_that_goes_away_completes_and_closes_with_1001() {
    let mut herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    socket.subscribe("1", ENDLESS).await;
    socket.subscribe("2", ENDLESS).await;
    socket.say(json!({ "type": "ping" })).await;
    while socket.json().await["type"] != "pong" {}
    let mut silent = RawSocket::open(&herald).await;
    let start = Instant::now();
    let (mut ended, _, ()) = tokio::join!(socket.end(), silent.end(), herald.stop());
    ended.0.retain(|kind| kind != "next");
    let expected = (vec!["complete".to_owned(), "complete".to_owned()], 1001, "the server is going away".to_owned());
    assert_eq!(ended, expected);
    assert!(start.elapsed() < Duration::from_secs(8), "nobody is waited for");
}

#[tokio::test]
async fn who_reads_nothing_is_cut_off() {
    let herald = TestApp::with(&["--limit-socket-write=300ms", "--limit-sockets-per-user=1"]).await;
    let admin = herald.admin().await;
    let mut socket = RawSocket::with_buffer(&herald, 4 << 10).await;
    socket.introduce(admin.token()).await;
    assert_eq!(socket.json().await["type"], "connection_ack");
    let id = user::named(herald.services(), user::FIRST).await.unwrap().id;
    for n in 0..50 {
        let long = template::Fields {
            name: Some(format!("long {n}")),
            content: Some("a".repeat(4_000)),
            ..template::Fields::default()
        };
        template::create(herald.services(), &Actor::user(id, Role::Admin, None), long).await.unwrap();
    }
    // 20 MB: the kernel keeps some megabytes for it.
    for id in 0..100 {
        socket.subscribe(&id.to_string(), "{ templates(first: 50) { nodes { content } } }").await;
    }
    eventually("its place is free", async || {
        let mut other = RawSocket::open(&herald).await;
        other.introduce(admin.token()).await;
        matches!(other.message().await, Some(Message::Text(_)))
    })
    .await;
    assert_eq!(socket.closed().await.0, 1006, "there was no way to tell it why");
}

#[tokio::test]
async fn only_this_protocol_is_spoken() {
    let herald = TestApp::api_only().await;
    for protocol in ["graphql-ws", "", "mqtt"] {
        let request = herald.nobody().request(reqwest::Method::GET, "/graphql");
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request =
            request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let answer = request.header("sec-websocket-protocol", protocol).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{protocol:?}");
    }
}
