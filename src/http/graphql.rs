//! Operations by HTTP.

use async_graphql::Request;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value as Json;

use super::caller::Authenticated;
use super::{Http, answer};
use crate::domain::error::Code;

/// The longest body, in bytes.
const BODY: usize = 1 << 20;

/// Runs the operation in the body: JSON, and nothing else, so that no foreign page can send one unasked.
pub(super) async fn post(
    State(http): State<Http>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let request_id = caller.request_id.clone();
    let refuse = |status, code, message: &str| answer::coded(status, code, message, request_id.as_deref());
    if !is_json(&headers) {
        let message = "send the operation as application/json";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadUserInput, message);
    }
    let Ok(body) = axum::body::to_bytes(body, BODY).await else {
        let message = format!("a request has at most {BODY} bytes");
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge, &message);
    };
    match request(&body) {
        Ok(request) => answer::operation(http.execution.run(request, caller).await),
        Err((code, message)) => refuse(StatusCode::BAD_REQUEST, code, message),
    }
}

fn request(body: &[u8]) -> Result<Request, (Code, &'static str)> {
    match serde_json::from_slice::<Json>(body) {
        Err(_) => Err((Code::BadUserInput, "the body is not JSON")),
        Ok(Json::Array(_)) => Err((Code::BatchNotAllowed, "send one operation a request")),
        Ok(value) if !value["query"].is_string() => Err((Code::BadUserInput, "the body has no query")),
        Ok(value) => {
            let wrong =
                (Code::BadUserInput, "the body is not a GraphQL request: query, variables, operationName, extensions");
            serde_json::from_value(value).map_err(|_| wrong)
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
