//! Operations by WebSocket, in the protocol `graphql-transport-ws`: who may open one. [`session`] serves it.

mod close;
mod message;
pub(super) mod open;
mod operations;
mod session;
mod writer;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use super::caller::Origin;
use super::listener::Admission;
use super::{Http, answer};
use domain::error::Code;

/// The subprotocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";
/// The size of the buffer for reading, in bytes. Ten thousand silent sockets must not take much.
const READ_BUFFER: usize = 4 << 10;
/// The size of the buffer for writing, in bytes.
const WRITE_BUFFER: usize = 16 << 10;

/// Upgrades to a socket. A browser's page must be of an allowed origin.
pub(super) async fn upgrade(http: Http, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Origin(caller) = match Origin::from_request_parts(&mut parts, &http).await {
        Ok(origin) => origin,
        Err(refusal) => return refusal,
    };
    let request_id = caller.request_id.clone();
    let refuse = |status, code, message| answer::coded(status, code, message, request_id.as_deref());
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        let message = "this is not the request of a WebSocket, version 13";
        return refuse(StatusCode::BAD_REQUEST, Code::BadUserInput, message);
    };
    if !is_allowed(&http, &parts.headers) {
        return refuse(StatusCode::FORBIDDEN, Code::CsrfBlocked, "pages of this origin may not connect");
    }
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return refuse(StatusCode::BAD_REQUEST, Code::BadUserInput, "the subprotocol must be graphql-transport-ws");
    }
    let most = http.limits().socket.message;
    let upgrade = upgrade.max_message_size(most).max_frame_size(most);
    let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
    let (sockets, place) = (http.sockets.clone(), parts.extensions.remove::<Admission>());
    upgrade.on_upgrade(move |socket| {
        sockets.track_future(async move {
            session::run(http, caller, socket).await;
            drop(place);
        })
    })
}

/// Whether the page that opens the socket may: scripts send no origin, Herald's own pages have its host.
fn is_allowed(http: &Http, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(origin) = text(ORIGIN) else { return !headers.contains_key(ORIGIN) };
    let is = |allowed: &String| allowed.eq_ignore_ascii_case(origin);
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some_and(|host| text(HOST).is_some_and(|own| own.eq_ignore_ascii_case(host)))
        || http.options.origins.iter().any(is)
        || http.options.public_url.as_ref().is_some_and(is)
}
