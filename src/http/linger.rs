//! Answers to those who are still sending: whoever is cut off meanwhile never reads the answer.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};

/// How long what a refused client still sends is read.
const LINGER: Duration = Duration::from_secs(30);

/// Answers, and only then reads away what still comes.
pub(super) fn after(answer: Response, pieces: impl Stream<Item: Send> + Send + Unpin + 'static) -> Response {
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let rest = stream::once(async move {
        let away = pieces.for_each(async |_| {});
        // Whoever sends for longer is cut off.
        drop(tokio::time::timeout(LINGER, away).await);
        Bytes::new()
    });
    let body = body.into_data_stream().map(|piece| Ok::<_, Infallible>(piece.unwrap_or_default()));
    Response::from_parts(parts, Body::from_stream(body.chain(rest.map(Ok))))
}
