//! Operations by WebSocket, in the protocol `graphql-transport-ws`: who may open one. [`session`] serves it.

mod close;
mod message;
pub(super) mod open;
mod operations;
mod session;
mod writer;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;

use super::caller;
use super::listener::Admission;
use super::{Http, answer, origins};
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
    let caller::Origin(caller) = match caller::Origin::from_request_parts(&mut parts, &http).await {
        Ok(origin) => origin,
        Err(refusal) => return refusal,
    };
    let request_id = caller.request_id.clone();
    let refuse = |status, code, message| answer::coded(status, code, message, request_id.as_deref());
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        let message = "this is not the request of a WebSocket, version 13";
        return refuse(StatusCode::BAD_REQUEST, Code::BadUserInput, message);
    };
    if !origins::is_allowed(&http.options, &parts.headers) {
        let message = "pages of this origin may not connect: it is neither Herald's own nor one of HERALD_ORIGINS";
        return refuse(StatusCode::FORBIDDEN, Code::CsrfBlocked, message);
    }
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return refuse(StatusCode::BAD_REQUEST, Code::BadUserInput, "the subprotocol must be graphql-transport-ws");
    }
    let most = http.limits().socket.message;
    let upgrade = upgrade.max_message_size(most).max_frame_size(most);
    let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
    let bearer = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(caller::bearer);
    let has_stray_token = bearer.is_some();
    let (sockets, place) = (http.sockets.clone(), parts.extensions.remove::<Admission>());
    let spelling = parts.extensions;
    let mut answer = upgrade.on_upgrade(move |socket| {
        sockets.track_future(async move {
            if let Some(place) = &place {
                // From here on the socket's own limit counts.
                place.is_socket();
            }
            session::run(http, caller, has_stray_token, socket).await;
            drop(place);
        })
    });
    // The connection finds there how the client spells headers, and spells those of the answer alike.
    answer.extensions_mut().extend(spelling);
    answer
}
