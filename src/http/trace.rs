//! The span of a request: each line that is logged while it is answered carries its id, and traces go on from the client's.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Instrument;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Answers a request within its span.
pub(super) async fn span(request: Request, next: Next) -> Response {
    let span = tracing::info_span!(
        "request",
        request_id = text(request.headers(), "x-request-id"),
        method = %request.method(),
        // Not the path: some have a token in them.
        path = request.extensions().get::<MatchedPath>().map_or("none of ours", MatchedPath::as_str),
        status = Empty,
        otel.kind = "server",
    );
    if request.headers().contains_key("traceparent") {
        let client = TraceContextPropagator::new().extract(&Headers(request.headers()));
        if let Err(error) = span.set_parent(client) {
            // Nobody collects traces.
            tracing::trace!(%error, "a client's trace ends here");
        }
    }
    let began = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    span.in_scope(|| tracing::debug!(took_ms = began.elapsed().as_secs_f64() * 1_000.0, "answered"));
    response
}

/// Where the trace context of W3C is found.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        text(self.0, key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
