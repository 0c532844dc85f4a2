//! Logs for machines and traces, of a real process.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Database, Process};

/// The first line and the body of each request.
type Taken = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector of traces: it takes everything and keeps it.
struct Collector {
    address: String,
    taken: Taken,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let taken = Taken::default();
        let keeping = taken.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, keeping.clone()));
            }
        });
        Self { address, taken }
    }

    /// The bodies that were posted as traces.
    fn bodies(&self) -> Vec<u8> {
        let taken = self.taken.lock().unwrap();
        assert!(taken.iter().all(|(line, _)| line.starts_with("POST /v1/traces HTTP/1.1")), "{taken:?}");
        taken.iter().flat_map(|(_, body)| body.clone()).collect()
    }
}

async fn take(mut stream: TcpStream, taken: Taken) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let whole = end + 4 + length.unwrap_or(0_usize);
        if bytes.len() < whole {
            continue;
        }
        taken.lock().unwrap().push((head.lines().next().unwrap().to_owned(), bytes[end + 4..whole].to_vec()));
        bytes.drain(..whole);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_in_the_log_and_in_the_clients_trace() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (database, folder, collector) =
        (Database::create().await, tempfile::tempdir().unwrap(), Collector::start().await);
    let log = folder.path().join("log");
    let endpoint = format!("--otlp-endpoint={}", collector.address);
    let file = std::fs::File::create(&log).unwrap();
    let mut herald = Process::serve_logging(&database, &folder.path().join("data"), &[&endpoint], file);
    let admin = herald.admin().await;
    admin.data("query Me { viewer { username } }", json!({})).await;
    let answer = reqwest::Client::new()
        .post(format!("{}/graphql", herald.url))
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .json(&json!({ "query": "query Server { serverInfo { version } }" }))
        .send()
        .await
        .unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    // What stands in a path may be a secret.
    let paths = ["/api/webhooks/keitaro/S3CR3T?status=sale", "/unsubscribe/S3CR3T", "/unsubscribe/S3CR3T/", "/S3CR3T"];
    for path in paths {
        for method in [reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::PUT] {
            reqwest::Client::new().request(method, format!("{}{path}", herald.url)).send().await.unwrap();
        }
    }
    assert!(herald.terminate(), "it ends in time, with its last traces");

    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let mut mine = lines.iter().filter(|line| line["span"]["request_id"] == request_id.as_str());
    let answered = mine.find(|line| line["message"] == "answered").expect("the request's line is in the log");
    assert_eq!(
        (&answered["span"]["path"], &answered["span"]["status"]),
        (&json!("/graphql"), &json!(200)),
        "{answered}"
    );

    assert!(text.contains("/api/webhooks/keitaro/{token}") && !text.contains("S3CR3T"), "{text}");

    let bodies = collector.bodies();
    assert!(has(&bodies, b"/unsubscribe/{token}") && !has(&bodies, b"S3CR3T"));
    let trace: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&TRACE[2 * n..2 * n + 2], 16).unwrap()).collect();
    assert!(has(&bodies, &trace), "the client's trace goes on");
    for word in ["query serverInfo", "query viewer", "graphql.document.hash", "ADMIN", "NOBODY", &request_id] {
        assert!(has(&bodies, word.as_bytes()), "{word} is in the traces");
    }
    assert!(!has(&bodies, b"password"), "no document and no variable is in a trace");
}
