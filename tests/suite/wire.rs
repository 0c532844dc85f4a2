//! GraphQL over HTTP to the letter, and what bad use gets.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, VARY};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::npm::Workshop;
use crate::harness::{PASSWORD, RawSocket, TestApp};

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

async fn answered(request: reqwest::RequestBuilder) -> (u16, HeaderMap, Json) {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

fn code(body: &Json) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

/// So many fragments, each spreading the next one twice.
fn bomb(fragments: usize) -> String {
    let spread = |n: usize| format!("fragment f{n} on Query{{...f{} ...f{}}}", n + 1, n + 1);
    let chain: String = (0..fragments).map(spread).collect();
    format!("{{...f0}}{chain}fragment f{fragments} on Query{{__typename}}")
}

#[tokio::test]
async fn all_audits_of_graphql_over_http_pass() {
    let Some(workshop) = Workshop::open() else { return };
    let herald = TestApp::api_only().await;
    workshop.script("audit", &[("HERALD_URL", &herald.url())]).await;
}

#[tokio::test]
async fn the_client_graphql_ws_runs() {
    let Some(workshop) = Workshop::open() else { return };
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    workshop.script("socket", &[("HERALD_URL", &herald.url()), ("HERALD_TOKEN", admin.token())]).await;
}

#[tokio::test]
async fn the_status_says_how_it_went_to_those_who_accept_it() {
    let herald = TestApp::api_only().await;
    let nobody = herald.nobody();
    let cases = [
        ("{ __typename }", "", 200, 200),
        ("{ viewer { id } }", "UNAUTHENTICATED", 200, 200),
        ("{", "GRAPHQL_PARSE_FAILED", 400, 200),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED", 400, 200),
        ("{ __schema { types { name } } }", "UNAUTHENTICATED", 400, 200),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE", 400, 200),
        ("subscription { auditLogged { action } }", "OPERATION_RESOLUTION_FAILURE", 400, 200),
        (&bomb(24), "QUERY_TOO_COMPLEX", 400, 200),
    ];
    for (query, expected, response, json) in cases {
        for (accept, status) in [(RESPONSE, response), (JSON, json)] {
            let request =
                nobody.request(Method::POST, "/graphql").header(ACCEPT, accept).json(&json!({ "query": query }));
            let (found, headers, body) = answered(request).await;
            assert_eq!((found, code(&body)), (status, expected), "{query} {accept}");
            assert_eq!(headers[CONTENT_TYPE], format!("{accept}; charset=utf-8"));
            assert_eq!(headers[CACHE_CONTROL], "no-store");
            assert!(headers[VARY].to_str().unwrap().contains("Accept"));
            assert!(body.get("data").is_some() == (response == 200), "{body}");
            if !expected.is_empty() {
                assert_eq!(body["errors"][0]["extensions"]["requestId"], headers["x-request-id"].to_str().unwrap());
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_acceptable_or_not_allowed_is_refused_in_json() {
    let herald = TestApp::api_only().await;
    let nobody = herald.nobody();
    let query = json!({ "query": "{ __typename }" });
    let post = || nobody.request(Method::POST, "/graphql");
    let get = |query: &str| nobody.request(Method::GET, &format!("/graphql?{query}"));
    let cases = [
        (post().header(ACCEPT, "text/html").json(&query), 406, "BAD_USER_INPUT"),
        (
            post().header(CONTENT_TYPE, "application/json; charset=utf-16").body(query.to_string()),
            415,
            "BAD_USER_INPUT",
        ),
        (post().header("content-encoding", "gzip").json(&query), 415, "BAD_USER_INPUT"),
        (post().body(query.to_string()), 415, "BAD_USER_INPUT"),
        (nobody.request(Method::PUT, "/graphql").json(&query), 405, "BAD_USER_INPUT"),
        (nobody.request(Method::DELETE, "/graphql"), 405, "BAD_USER_INPUT"),
        (get("query=mutation%7B__typename%7D"), 405, "BAD_USER_INPUT"),
        (get("query=%7B__typename%7D&variables=x"), 400, "BAD_USER_INPUT"),
        (get(""), 400, "BAD_USER_INPUT"),
        (get("query=%7B__typename%7D").header(ACCEPT, "image/png"), 406, "BAD_USER_INPUT"),
        (
            post().json(&json!({ "extensions": { "persistedQuery": { "sha256Hash": "x" } } })),
            200,
            "PERSISTED_QUERY_NOT_ALLOWED",
        ),
        (post().json(&json!({ "documentId": "x" })), 200, "PERSISTED_QUERY_NOT_FOUND"),
        (post().header("x-long", "x".repeat(17 << 10)).json(&query), 431, "PAYLOAD_TOO_LARGE"),
        (post().json(&json!({ "query": " ".repeat(32 << 20) })), 413, "PAYLOAD_TOO_LARGE"),
        (post().json(&query), 200, ""),
        (get("query=%7B__typename%7D"), 200, ""),
    ];
    for (request, status, expected) in cases {
        let told = format!("{request:?}").chars().take(300).collect::<String>();
        let (found, headers, body) = answered(request).await;
        assert_eq!((found, code(&body)), (status, expected), "{told}");
        assert_eq!(headers.contains_key(ALLOW), status == 405, "{told}");
    }
    let (status, _, body) = answered(nobody.request(Method::DELETE, "/healthz")).await;
    assert!(status == 405 && body["errors"][0]["message"].is_string());
}

#[tokio::test]
async fn a_bomb_of_fragments_hurts_nobody() {
    let herald = TestApp::api_only().await;
    let document = bomb(24);
    assert!(document.len() <= 1_000);
    let mut socket = RawSocket::introduced(&herald, herald.admin().await.token()).await;
    let nobody = herald.nobody();
    let mut quickest = [Duration::MAX; 2];
    for _ in 0..20 {
        let start = Instant::now();
        assert_eq!(nobody.query(&document, json!({})).await.code(), "QUERY_TOO_COMPLEX");
        quickest[0] = quickest[0].min(start.elapsed());
        let start = Instant::now();
        socket.subscribe("1", &document).await;
        assert_eq!(socket.json().await["payload"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
        quickest[1] = quickest[1].min(start.elapsed());
    }
    // Without the guard it is half a minute, each; without optimisation all takes many times as long.
    let most = Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 5 });
    assert!(quickest.iter().all(|took| *took < most), "by HTTP and by WebSocket: {quickest:?}");
}

#[tokio::test]
async fn many_mistakes_are_answered_by_a_few_errors() {
    let herald = TestApp::api_only().await;
    let unknown = (0..400).map(|n| format!("{}{n}", "x".repeat(100))).collect::<Vec<_>>().join(" ");
    let reply = herald.nobody().query(&format!("{{ viewer {{ {unknown} }} }}"), json!({})).await;
    assert_eq!((reply.errors().len(), reply.code()), (20, "GRAPHQL_VALIDATION_FAILED"));
    let near = herald.nobody().query("{ viewers { id } }", json!({})).await;
    assert!(!near.message().contains("Did you mean"), "{}", near.message());
    let admin = herald.admin().await;
    let long = admin.query(&format!("{{ {} }}", "x".repeat(5_000)), json!({})).await;
    assert_eq!(long.message().chars().count(), 500);
    let name = "x".repeat(5_000);
    let refused = admin.query(&format!("{{ ...{name} }} fragment {name} on Query {{ ...{name} }}"), json!({})).await;
    assert_eq!((refused.errors().len(), refused.message().chars().count()), (1, 500));

    let mut socket = RawSocket::introduced(&herald, admin.token()).await;
    for field in ["broadcastCampaignProgress", "channelImportProgress"] {
        socket.subscribe("1", &format!("subscription {{ {field}(id: \"x\") {{ {unknown} }} }}")).await;
        let error = socket.json().await;
        assert_eq!((&error["type"], error["payload"].as_array().unwrap().len()), (&json!("error"), 20), "{field}");
    }
}

#[tokio::test]
async fn slow_senders_are_cut_off() {
    let herald = TestApp::with(&["--limit-read-time=300ms"]).await;
    let address = herald.url().replace("http://", "");
    let talk = async |text: &str| {
        let mut tcp = TcpStream::connect(&address).await.unwrap();
        tcp.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(Duration::from_secs(5), tcp.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    };
    assert_eq!(talk("").await, "");
    assert_eq!(talk("POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow").await, "");
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let mut tcp = TcpStream::connect(&address).await.unwrap();
    tcp.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    tcp.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

/// A connection from this address, with a small window.
async fn connect(herald: &TestApp, from: &str) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2 << 10).unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(herald.url().replace("http://", "").parse().unwrap()).await.unwrap()
}

/// Whether Herald answers that it is alive.
async fn is_alive(herald: &TestApp, from: &str) -> bool {
    let mut tcp = connect(herald, from).await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    let asked = async {
        tcp.write_all(request).await?;
        tcp.read_to_string(&mut answer).await
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), asked).await, Ok(Ok(_))) && answer.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn answers_that_nobody_reads_hold_no_connection() {
    let flags = ["--limit-connections=8", "--limit-write-time=2s", "--limit-read-time=1m"];
    let herald = TestApp::with(&flags).await;
    let file = "GET /graphiql/graphiql.min.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
    let mut greedy = Vec::new();
    for _ in 0..10 {
        let mut tcp = connect(&herald, "127.0.0.2").await;
        // Refused at once where the address has its half already.
        drop(tcp.write_all(file.as_bytes()).await);
        greedy.push(tcp);
    }
    assert!(is_alive(&herald, "127.0.0.1").await, "half of the places are for others");
    crate::harness::eventually("the places are free again", async || is_alive(&herald, "127.0.0.2").await).await;
    drop(greedy);
}

#[tokio::test]
async fn pipelined_requests_are_answered_one_after_the_other_to_who_reads() {
    let herald = TestApp::api_only().await;
    let mut tcp = connect(&herald, "127.0.0.1").await;
    let file = "GET /graphiql/graphiql.min.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(4);
    let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    tcp.write_all((file + last).as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    tcp.read_to_end(&mut answers).await.unwrap();
    let answers = String::from_utf8_lossy(&answers);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 5);
    assert!(answers.ends_with(r#"{"status":"alive"}"#));
}

#[tokio::test]
async fn one_address_does_not_have_all_places() {
    let herald = TestApp::with(&["--limit-connections=8"]).await;
    let mut silent = Vec::new();
    for _ in 0..24 {
        silent.push(connect(&herald, "127.0.0.2").await);
    }
    assert!(is_alive(&herald, "127.0.0.1").await);
    let given = TestApp::with(&["--limit-connections=8", "--limit-connections-per-address=1"]).await;
    let first = connect(&given, "127.0.0.1").await;
    crate::harness::eventually("the second is refused", async || !is_alive(&given, "127.0.0.1").await).await;
    drop(first);
    crate::harness::eventually("its place is free again", async || is_alive(&given, "127.0.0.1").await).await;
}

#[tokio::test]
async fn no_answer_is_taken_for_something_else() {
    let herald = TestApp::api_only().await;
    for path in ["/", "/healthz", "/metrics", "/nothing", "/graphql", "/unsubscribe/x"] {
        let answer = herald.nobody().request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn who_has_spent_all_points_waits() {
    let herald = TestApp::with(&["--limit-points=30", "--limit-points-rate=1"]).await;
    let admin = herald.admin().await;
    let query = json!({ "query": "{ users { nodes { id } } }" });
    let ask = || admin.request(Method::POST, "/graphql").json(&query);
    let (status, _, body) = answered(ask()).await;
    let left = json!({ "maximumAvailable": 30, "currentlyAvailable": 3, "restoreRate": 1 });
    let cost = json!({ "requestedQueryCost": 26, "maximumQueryCost": 1_000, "throttleStatus": left });
    assert_eq!((status, &body["extensions"]), (200, &json!({ "cost": cost })));
    let (status, headers, body) = answered(ask()).await;
    assert_eq!((status, code(&body)), (429, "RATE_LIMITED"));
    assert!((1..=30).contains(&headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap()));
    assert!(body["errors"][0]["extensions"]["retryAfterMs"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn each_response_tells_what_its_operation_cost() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ask = |query: &str| admin.request(Method::POST, "/graphql").json(&json!({ "query": query }));
    for (query, cost) in
        [("{ viewer { id } }", 1), ("{ channels(first: 10) { nodes { id } pageInfo { hasNextPage } } }", 12)]
    {
        let (_, _, body) = answered(ask(query)).await;
        let expected = json!({ "cost": { "requestedQueryCost": cost, "maximumQueryCost": 1_000 } });
        assert_eq!(body["extensions"], expected, "{query}");
    }
}

#[tokio::test]
async fn a_page_has_as_many_nodes_as_the_setting_says() {
    let herald = TestApp::with(&["--limit-page=3"]).await;
    let admin = herald.admin().await;
    for n in 0..4 {
        let input = json!({ "username": format!("user-{n}"), "password": PASSWORD, "role": "AUDITOR" });
        admin
            .data(
                "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }",
                json!({ "input": input }),
            )
            .await;
    }
    let users = async |args: &str| admin.query(&format!("{{ users{args} {{ nodes {{ id }} }} }}"), json!({})).await;
    for (args, found) in [("", 3), ("(first: 3)", 3), ("(last: 2)", 2)] {
        assert_eq!(users(args).await.data()["users"]["nodes"].as_array().unwrap().len(), found, "{args}");
    }
    for args in ["(first: 4)", "(last: 4)", "(first: -1)"] {
        let reply = users(args).await;
        assert_eq!(
            (reply.code(), reply.message().contains("a page has 0 to 3 nodes")),
            ("BAD_USER_INPUT", true),
            "{args}"
        );
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let herald = TestApp::with(&["--limit-connections-per-address=3"]).await;
    let address = herald.url().replace("http://", "");
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    let ask = async || {
        let mut tcp = TcpStream::connect(&address).await.unwrap();
        drop(tcp.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await);
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.is_ok_and(|_| answer.starts_with("HTTP/1.1 200"))
    };
    assert!(!ask().await);
    held.clear();
    crate::harness::eventually("there is room again", ask).await;

    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(RawSocket::open(&herald).await);
    }
    assert!(!ask().await, "a socket is a connection, too");
    sockets.clear();
    crate::harness::eventually("there is room again", ask).await;
}
