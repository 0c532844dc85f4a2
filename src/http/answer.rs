//! Answers. All bodies are JSON in the shape of a GraphQL response, so that clients look in one place.

use async_graphql::Value;
use async_graphql_axum::GraphQLResponse;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::listener::request_id;
use super::media::Media;
use domain::error::{Code, Error};
use graphql::engine::error;

/// JSON in a line that ends, so that answers don't run together in a terminal.
fn text(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(value).expect("an answer is plain data");
    text.push(b'\n');
    text
}

/// The library's answer, in a line that ends.
async fn lined(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let mut text = to_bytes(body, usize::MAX).await.expect("the text is in memory").to_vec();
    text.push(b'\n');
    Response::from_parts(parts, Body::from(text))
}

/// An answer that is none of GraphQL's.
pub(super) fn plain(status: StatusCode, value: &serde_json::Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], text(value)).into_response()
}

/// The answer of an operation, or why it was not run.
pub(super) async fn operation(response: async_graphql::Response, media: Media) -> Response {
    if !error::is_refusal(&response) {
        return dressed(lined(GraphQLResponse::from(response).into_response()).await, media);
    }
    let extension = |name| response.errors[0].extensions.as_ref().and_then(|extensions| extensions.get(name));
    let status = match extension("code") {
        Some(Value::String(code)) if code == Code::RateLimited.as_str() => StatusCode::TOO_MANY_REQUESTS,
        Some(Value::String(code)) if code == Code::Unavailable.as_str() => StatusCode::SERVICE_UNAVAILABLE,
        Some(Value::String(code)) if code == Code::Timeout.as_str() => StatusCode::SERVICE_UNAVAILABLE,
        Some(Value::String(code)) if code == Code::InternalServerError.as_str() => StatusCode::INTERNAL_SERVER_ERROR,
        _ if media == Media::Json => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    };
    let wait = match extension("retryAfterMs") {
        Some(Value::Number(millis)) => millis.as_u64().map(|millis| millis.div_ceil(1_000)),
        _ => None,
    };
    // Nothing has run, so there is no `data`, not even null.
    let mut answer = dressed((status, text(&json!({ "errors": response.errors }))).into_response(), media);
    if let Some(wait) = wait {
        answer.headers_mut().insert(RETRY_AFTER, wait.into());
    }
    answer
}

/// The answer of an operation without an error, encoded already.
pub(super) fn encoded(response: Bytes, media: Media) -> Response {
    dressed(response.into_response(), media)
}

/// Adds the headers of an answer: whose data it is depends on who asks, and how it looks on what he accepts.
fn dressed(mut answer: Response, media: Media) -> Response {
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept, Authorization, Cookie, Origin"));
    answer
}

/// A request that can't be understood, in GraphQL's shape.
pub(super) fn coded(status: StatusCode, code: Code, message: &str, request_id: Option<&str>) -> Response {
    let response = error::coded(code, message, request_id);
    dressed((status, text(&json!({ "errors": response.errors }))).into_response(), Media::Json)
}

/// A request with a method that is not for this path, or not for this operation.
pub(super) fn wrong_method(allowed: &'static str, message: &str, request_id: Option<&str>) -> Response {
    let mut answer = coded(StatusCode::METHOD_NOT_ALLOWED, Code::BadUserInput, message, request_id);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// An error of a use case, with the status that goes with its code.
pub(super) fn failed(failure: Error, request_id: Option<&str>) -> Response {
    let status = match failure.code() {
        Code::Unauthenticated | Code::WrongCredentials => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::BadUserInput => StatusCode::BAD_REQUEST,
        Code::Conflict | Code::PreconditionFailed => StatusCode::CONFLICT,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Timeout => StatusCode::REQUEST_TIMEOUT,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let response = error::response(failure, request_id);
    dressed((status, text(&json!({ "errors": response.errors }))).into_response(), Media::Json)
}

/// Whether a browser asks that shows what it gets to a person.
pub(super) fn is_for_a_person(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

/// A small page for a person, in a language as BCP 47 calls it. What is given must be HTML already.
pub(super) fn page(status: StatusCode, language: &str, title: &str, content: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang={language}><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <meta name=color-scheme content=\"light dark\"><title>{title}</title><main><h1>{title}</h1>{content}</main></html>"
    );
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// The answer where there is nothing at a path.
pub(super) fn nothing(message: &str, headers: &HeaderMap) -> Response {
    coded(StatusCode::NOT_FOUND, Code::NotFound, message, request_id(headers))
}
