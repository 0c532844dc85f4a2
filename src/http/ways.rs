//! Addresses that people guess lead somewhere; and the schema, for those who may see it.

use std::sync::LazyLock;

use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::answer;
use super::caller::Authenticated;
use domain::error::Code;

/// The schema is the same as long as the process lives.
static SDL: LazyLock<String> = LazyLock::new(graphql::sdl);

/// The schema as text: for whoever may introspect it, which is whoever has signed in.
pub(super) async fn schema(Authenticated(caller): Authenticated) -> Response {
    if caller.session.is_none() {
        let message = caller.refusal.unwrap_or(
            "sign in to read the schema: send a token as Authorization: Bearer, or print it with herald schema",
        );
        let request_id = caller.request_id.as_deref();
        return answer::coded(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message, request_id);
    }
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "Authorization, Cookie, Origin"),
    ];
    (headers, SDL.as_str()).into_response()
}

/// Where people look for a manual.
pub(super) async fn to_the_manual() -> Redirect {
    Redirect::to("/manual")
}

/// Where people look for the dashboard.
pub(super) async fn to_the_dashboard() -> Redirect {
    Redirect::to("/")
}

/// To the IDE, if somebody has typed the API's address into a browser: it asks for a page, and not for an operation.
pub(super) fn to_the_ide(parts: &Parts) -> Option<Response> {
    let asks_for_a_page = |headers: &HeaderMap| {
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.any(|value| value.contains("text/html"))
    };
    let has_operation = parts.uri.query().is_some_and(|query| !query.is_empty());
    (!has_operation && asks_for_a_page(&parts.headers)).then(|| Redirect::to("/graphiql").into_response())
}
