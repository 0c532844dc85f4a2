//! Files that clients hand over.

use futures_util::stream;
use reqwest::{Body, Method, Response};
use serde_json::Value as Json;

use crate::harness::{Client, TestApp};

async fn send(by: &Client, body: impl Into<Body>) -> Response {
    by.request(Method::POST, "/uploads").body(body).send().await.unwrap()
}

/// A body of this many mebibytes, whose length is not told beforehand.
fn mebibytes(count: usize) -> Body {
    let pieces = (0..count).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1 << 20]));
    Body::wrap_stream(stream::iter(pieces))
}

async fn code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Json = answer.json().await.unwrap();
    (status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_file_is_taken_and_named() {
    let herald = TestApp::api_only().await;
    let answer = send(&herald.operator().await, mebibytes(3)).await;
    assert_eq!(answer.status(), 201);
    let body: Json = answer.json().await.unwrap();
    assert_eq!(body["bytes"], 3 << 20);
    assert!(body["id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn who_may_not_is_refused() {
    let herald = TestApp::api_only().await;
    assert_eq!(code(send(&herald.nobody(), "x").await).await, (401, "UNAUTHENTICATED".into()));
    assert_eq!(code(send(&herald.auditor().await, "x").await).await, (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn what_is_too_large_is_refused_while_it_comes_and_leaves_nothing_behind() {
    let herald = TestApp::with(&["--upload-max-bytes=2MiB"]).await;
    let operator = herald.operator().await;
    let refused = (413, "PAYLOAD_TOO_LARGE".to_owned());
    // With its length told, and without; far beyond what buffers on the way hold.
    assert_eq!(code(send(&operator, vec![b'x'; 200 << 20]).await).await, refused);
    assert_eq!(code(send(&operator, mebibytes(200)).await).await, refused);
    let kept = std::fs::read_dir(herald.data_dir().join("uploads")).map(Iterator::count).unwrap_or_default();
    assert_eq!(kept, 0);
    assert_eq!(send(&operator, mebibytes(2)).await.status(), 201);
}
