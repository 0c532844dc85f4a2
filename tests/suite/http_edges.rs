//! The edges of HTTP: answers that the library makes, connections that wait, pages as gzip has them.

use std::io::Read;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::TestApp;

async fn connect(herald: &TestApp) -> TcpStream {
    TcpStream::connect(herald.url().replace("http://", "")).await.unwrap()
}

/// Sends what is given, and reads until the connection ends.
async fn say(herald: &TestApp, text: &[u8]) -> String {
    let mut tcp = connect(herald).await;
    // It may be refused before all has gone.
    drop(tcp.write_all(text).await);
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), tcp.read_to_end(&mut answer)).await;
    read.expect("it ends").expect("it is not cut off");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn what_is_no_request_that_can_be_read_is_answered_with_a_body_too() {
    let herald = TestApp::api_only().await;
    let path = |length: usize| {
        format!("GET /graphql?query={} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "a".repeat(length))
    };
    let header = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000));
    for (request, status, code) in [
        (path(20_000), "431", "PAYLOAD_TOO_LARGE"),
        (path(70_000), "414", "PAYLOAD_TOO_LARGE"),
        (path(300_000), "4", "PAYLOAD_TOO_LARGE"),
        (header, "431", "PAYLOAD_TOO_LARGE"),
        ("NONSENSE\r\n\r\n".to_owned(), "400", "BAD_USER_INPUT"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), "400", "BAD_USER_INPUT"),
    ] {
        let answer = say(&herald, request.as_bytes()).await;
        let what = &request[..request.len().min(40)];
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{what}: {answer}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {head}");
        let body: Json = serde_json::from_str(body).unwrap_or_else(|error| panic!("{what}: {error}: {answer}"));
        let extensions = &body["errors"][0]["extensions"];
        assert_eq!(extensions["code"], code, "{what}: {body}");
        assert!(head.contains(extensions["requestId"].as_str().unwrap()), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_leads_nowhere_as_any_other() {
    let herald = TestApp::api_only().await;
    for (method, path) in [
        ("GET", "/l/"),
        ("GET", "/o/"),
        ("GET", "/unsubscribe/"),
        ("POST", "/unsubscribe/"),
        ("GET", "/manual/"),
        ("GET", "/dashboard/"),
        ("GET", "/graphiql/"),
        ("GET", "/api/webhooks/keitaro/"),
        ("POST", "/api/webhooks/mail/"),
    ] {
        let request =
            format!("{method} {path}%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let answer = say(&herald, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
        let body: Json = serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"));
        assert_eq!(body["errors"][0]["extensions"]["code"], "NOT_FOUND", "{path}: {body}");
    }
}

#[tokio::test]
async fn an_idle_connection_waits_longer_than_a_slow_head_and_clients_are_told_how_long() {
    let herald = TestApp::with(&["--limit-read-time=400ms", "--limit-idle-time=20s", "--limit-least-rate=5"]).await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut tcp = connect(&herald).await;
    let mut answer = [0; 1024];
    for _ in 0..3 {
        tcp.write_all(request).await.unwrap();
        let length = tokio::time::timeout(Duration::from_secs(5), tcp.read(&mut answer)).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(text.starts_with("HTTP/1.1 200") && text.to_lowercase().contains("keep-alive: timeout=15"), "{text}");
        // Longer than a head may take.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // A head that has begun is another matter.
    tcp.write_all(b"GET /healthz HT").await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), tcp.read(&mut answer)).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
    let closed = say(&herald, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(closed.starts_with("HTTP/1.1 200"), "{closed}");
    // A body that comes slowly is not a head that does.
    let body = json!({ "query": "{ __typename }" }).to_string();
    let head = "POST /uploads HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length:";
    let admin = herald.admin().await;
    let mut tcp = connect(&herald).await;
    let begin = format!("{head} {}\r\nAuthorization: Bearer {}\r\n\r\n", body.len(), admin.token());
    tcp.write_all(begin.as_bytes()).await.unwrap();
    for byte in body.as_bytes() {
        tokio::time::sleep(Duration::from_millis(60)).await;
        tcp.write_all(&[*byte]).await.unwrap();
    }
    let length = tokio::time::timeout(Duration::from_secs(5), tcp.read(&mut answer)).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(text.starts_with("HTTP/1.1 201"), "{text}");
}

#[tokio::test]
async fn pages_come_as_gzip_has_them_where_it_is_taken_and_once() {
    let herald = TestApp::api_only().await;
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = herald.nobody().request(Method::GET, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    };
    for path in ["/", "/graphiql", "/graphiql/graphiql.min.js", "/dashboard/app.js"] {
        let plain = get(path, &[]).await;
        assert!(plain.headers().get("content-encoding").is_none() && plain.headers()["vary"] == "Accept-Encoding");
        let tag = plain.headers()["etag"].to_str().unwrap().to_owned();
        let plain = plain.bytes().await.unwrap();
        let packed = get(path, &[("accept-encoding", "br;q=1.0, gzip;q=0.8, *;q=0.1")]).await;
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        let packed_tag = packed.headers()["etag"].to_str().unwrap().to_owned();
        assert_ne!(tag, packed_tag);
        let packed = packed.bytes().await.unwrap();
        assert!(packed.len() * 2 < plain.len(), "{path}: {} of {}", packed.len(), plain.len());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain, "{path}");
        let known = format!("\"other\", W/{packed_tag}");
        let again = get(path, &[("accept-encoding", "gzip"), ("if-none-match", &known)]).await;
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(get(path, &[("if-none-match", &tag)]).await.status(), 304, "{path}");
        let refused = get(path, &[("accept-encoding", "gzip;q=0")]).await;
        assert!(refused.headers().get("content-encoding").is_none(), "{path}");
    }
    let font = get("/dashboard/inter-latin.woff2", &[("accept-encoding", "gzip")]).await;
    assert!(font.headers().get("content-encoding").is_none(), "it is packed already");
}

#[tokio::test]
async fn a_page_reads_that_its_request_was_too_long_wherever_it_is_refused() {
    let herald = TestApp::with(&["--origins=https://console.example"]).await;
    for length in [20_000, 70_000, 300_000] {
        for (page, may) in [("https://console.example", true), ("https://evil.example", false)] {
            let path = format!("GET /graphql?query={} HTTP/1.1\r\n", "a".repeat(length));
            let header = format!("GET /graphql HTTP/1.1\r\nX-Long: {}\r\n", "a".repeat(length));
            for head in [path, header] {
                let request = format!("{head}Host: x\r\nOrigin: {page}\r\nConnection: close\r\n\r\n");
                let answer = say(&herald, request.as_bytes()).await;
                let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{length}: {answer}"));
                assert!(head.starts_with("HTTP/1.1 4") && body.contains("PAYLOAD_TOO_LARGE"), "{length}: {answer}");
                let allowed = format!("access-control-allow-origin: {page}");
                assert_eq!(head.to_lowercase().contains(&allowed), may, "{length} {page}: {head}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_names_one_host() {
    let herald = TestApp::api_only().await;
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: evil.example\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nhost: x\r\n", 400),
        ("GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n", 400),
    ] {
        let answer = say(&herald, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.{} {status}", u8::from(!head.contains("1.0")))),
            "{head}: {answer}"
        );
        assert!(status == 200 || answer.contains("BAD_USER_INPUT"), "{head}: {answer}");
    }
}

/// What an upload of `pieces` pieces of so many bytes is answered, one each 50 ms.
async fn upload(herald: &TestApp, piece: usize, pieces: usize) -> String {
    let token = herald.admin().await.token().to_owned();
    let mut tcp = connect(herald).await;
    let head = format!(
        "POST /uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        piece * pieces
    );
    tcp.write_all(head.as_bytes()).await.unwrap();
    let (mut reads, mut writes) = tcp.into_split();
    let sending = tokio::spawn(async move {
        let mut beat = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..pieces {
            beat.tick().await;
            if writes.write_all(&vec![b'a'; piece]).await.is_err() {
                break;
            }
        }
        writes
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), reads.read_to_end(&mut answer)).await;
    read.expect("it ends").expect("it is answered");
    drop(sending);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_file_that_comes_too_slowly_for_long_is_refused_and_a_slow_one_is_not() {
    let herald = TestApp::with(&["--limit-read-time=400ms", "--limit-least-rate=1000"]).await;
    let dripping = upload(&herald, 1, 10_000).await;
    assert!(dripping.contains("fewer than 1000 bytes a second"), "{dripping}");
    let slow = upload(&herald, 300, 80).await;
    assert!(slow.starts_with("HTTP/1.1 201"), "{slow}");
    let silent = TestApp::with(&["--limit-read-time=200ms", "--limit-least-rate=0"]).await;
    let dripping = upload(&silent, 1, 60).await;
    assert!(dripping.starts_with("HTTP/1.1 201"), "nobody asks how fast it is: {dripping}");
}

#[tokio::test]
async fn an_answer_that_is_read_too_slowly_for_long_ends() {
    let herald = TestApp::with(&["--limit-write-time=400ms", "--limit-least-rate=1MiB"]).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let mut tcp = socket.connect(herald.url().replace("http://", "").parse().unwrap()).await.unwrap();
    // More than what the system keeps for it.
    let files = "GET /graphiql/graphiql.min.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(30);
    tcp.write_all(files.as_bytes()).await.unwrap();
    let (mut piece, mut beat) = ([0; 8 << 10], tokio::time::interval(Duration::from_millis(20)));
    let reading = async {
        loop {
            beat.tick().await;
            match tcp.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    };
    // At 400 KB a second all of it would take 80 s.
    tokio::time::timeout(Duration::from_secs(40), reading).await.expect("it ends");
}
