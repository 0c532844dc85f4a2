//! Answers that are not a GraphQL response to an operation. They have the same shape, so that clients look in one place.

use async_graphql_axum::GraphQLResponse;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::error::{Code, Error};
use crate::graphql::error;

/// What an operation answered.
pub(super) fn operation(response: async_graphql::Response) -> Response {
    // Whose data it is depends on who asks.
    let headers = [(CACHE_CONTROL, "no-store"), (VARY, "Accept, Authorization, Origin")];
    (headers, GraphQLResponse::from(response)).into_response()
}

/// A request that can't be understood, in GraphQL's shape.
pub(super) fn coded(status: StatusCode, code: Code, message: &str, request_id: Option<&str>) -> Response {
    (status, operation(error::coded(code, message, request_id))).into_response()
}

/// An error of a use case, with the status that goes with its code.
pub(super) fn failed(failure: Error, request_id: Option<&str>) -> Response {
    let status = match failure.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
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
    let body = serde_json::to_vec(&error::response(failure, request_id)).expect("a response is plain data");
    (status, [("content-type", "application/json"), ("cache-control", "no-store")], body).into_response()
}

/// A sentence about a path that is not the API.
pub(super) fn plain(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "errors": [{ "message": message }] }))).into_response()
}
