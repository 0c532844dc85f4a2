//! Addresses that people guess lead somewhere; and the schema, for those who may see it.

use std::sync::LazyLock;

use axum::extract::{FromRequestParts, Path};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::answer;
use super::caller::Authenticated;
use domain::error::Error;

/// The schema is the same as long as the process lives.
static SDL: LazyLock<String> = LazyLock::new(graphql::sdl);

/// The part of a path that a route leaves open. One that is no UTF-8 leads nowhere, as any other that nobody knows.
pub(super) struct Part(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Part {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let part = Path::<String>::from_request_parts(parts, state).await;
        part.map(|Path(part)| Self(part))
            .map_err(|_| answer::nothing("there is nothing under this path, which is no UTF-8", &parts.headers))
    }
}

/// The schema as text: for whoever may introspect it, which is whoever has signed in.
pub(super) async fn schema(Authenticated(caller): Authenticated) -> Response {
    if caller.session.is_none() {
        let message =
            "sign in to read the schema: send a token as Authorization: Bearer, or print it with herald schema";
        let why = caller.refusal.map_or(Error::Unauthenticated(message), Error::from);
        return answer::failed(why, caller.request_id.as_deref());
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

/// Where people look for a page to try the API out.
pub(super) async fn to_the_page_for_trying() -> Redirect {
    Redirect::to("/graphiql")
}

/// Where the address of the API was written with a slash too many: the request goes there as it is.
pub(super) async fn to_the_api() -> Redirect {
    Redirect::permanent("/graphql")
}

/// Where browsers look for a picture of what has no page.
pub(super) async fn to_the_icon() -> Redirect {
    Redirect::to("/dashboard/icon.svg")
}

/// What is said where there is nothing: a page for a person, and the shape of the API for a program.
pub(super) async fn nowhere(headers: HeaderMap) -> Response {
    if answer::is_for_a_person(&headers) {
        let content = "<p>There is nothing at this address.</p><ul><li><a href=\"/\">The dashboard</a></li>\
            <li><a href=\"/graphiql\">The API, to try it out</a></li><li><a href=\"/manual\">The manual</a></li></ul>";
        return answer::page(StatusCode::NOT_FOUND, "en", "Nothing here", content);
    }
    answer::nothing(
        "there is nothing here; the API is at /graphql, the dashboard at /, the manual at /manual",
        &headers,
    )
}

/// To the IDE, if somebody has typed the API's address into a browser: it asks for a page, and not for an operation.
pub(super) fn to_the_ide(parts: &Parts) -> Option<Response> {
    let has_operation = parts.uri.query().is_some_and(|query| !query.is_empty());
    (!has_operation && answer::is_for_a_person(&parts.headers)).then(|| Redirect::to("/graphiql").into_response())
}
