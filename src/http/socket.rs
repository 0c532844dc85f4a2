//! Operations by WebSocket, in the protocol `graphql-transport-ws`.

use async_graphql::Data;
use async_graphql::http::{WebSocket as Protocol, WebSocketProtocols, WsMessage};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, SinkExt, StreamExt, future};
use serde_json::Value as Json;

use super::caller::{self, Origin};
use super::{Http, answer};
use crate::domain::error::{Code, Error};
use crate::graphql::context::Caller;
use crate::service::Services;

/// The subprotocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";
/// Closed because the server goes away: clients connect again, to another process or later.
const GOING_AWAY: u16 = 1001;

/// Upgrades to a socket. A browser's page must be of an allowed origin.
pub(super) async fn upgrade(State(http): State<Http>, Origin(caller): Origin, request: Request) -> Response {
    let request_id = caller.request_id.clone();
    let refuse = |status, code, message| answer::coded(status, code, message, request_id.as_deref());
    let (mut parts, _) = request.into_parts();
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        let message = "send operations by POST, or upgrade to a WebSocket";
        return refuse(StatusCode::METHOD_NOT_ALLOWED, Code::BadUserInput, message);
    };
    if !is_allowed(&http, &parts.headers) {
        return refuse(StatusCode::FORBIDDEN, Code::CsrfBlocked, "pages of this origin may not connect");
    }
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return refuse(StatusCode::BAD_REQUEST, Code::BadUserInput, "the subprotocol must be graphql-transport-ws");
    }
    let sockets = http.sockets.clone();
    upgrade.on_upgrade(move |socket| sockets.track_future(serve(http, caller, socket)))
}

async fn serve(http: Http, caller: Caller, socket: WebSocket) {
    let (mut sink, messages) = socket.split();
    let mut protocol = protocol(&http, caller, messages.boxed());
    loop {
        let message = tokio::select! {
            message = protocol.next() => match message {
                Some(WsMessage::Text(text)) => Message::Text(text.into()),
                Some(WsMessage::Close(code, reason)) => close(code, &reason),
                None => break,
            },
            () = http.stop.cancelled() => close(GOING_AWAY, "the server is going away"),
        };
        let is_last = matches!(message, Message::Close(_));
        if sink.send(message).await.is_err() || is_last {
            break;
        }
    }
}

/// What is answered to `messages`.
fn protocol(
    http: &Http,
    caller: Caller,
    messages: BoxStream<'static, Result<Message, axum::Error>>,
) -> BoxStream<'static, WsMessage> {
    let data = messages.take_while(|message| future::ready(message.is_ok())).filter_map(|message| {
        future::ready(match message {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => Some(message.into_data()),
            _ => None,
        })
    });
    let services = http.services.clone();
    // Boxed, so that their types have names: rustc 1.95 trips over unnamed ones when it compiles incrementally.
    Protocol::new(http.execution.clone(), data.boxed(), WebSocketProtocols::GraphQLWS)
        .on_connection_init(move |payload| introduced(services, caller, payload).boxed())
        .boxed()
}

/// What the operations of a socket know, once its first message has said who is there.
async fn introduced(services: Services, caller: Caller, payload: Json) -> async_graphql::Result<Data> {
    let authorization = payload.get("Authorization").or_else(|| payload.get("authorization"));
    let authorization = authorization.and_then(|token| token.as_str());
    let caller = caller::authenticate(&services, caller, authorization).await?;
    if let Some(why) = caller.refusal {
        return Err(Error::Unauthenticated(why).into());
    }
    let mut data = Data::default();
    data.insert(caller);
    Ok(data)
}

fn close(code: u16, reason: &str) -> Message {
    // A close frame has room for 123 bytes.
    let reason = &reason[..reason.floor_char_boundary(123)];
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

/// Whether the page that opens the socket may: scripts send no origin, Herald's own pages have its host.
fn is_allowed(http: &Http, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let Some(origin) = text(ORIGIN) else { return !headers.contains_key(ORIGIN) };
    let is = |allowed: &String| allowed.eq_ignore_ascii_case(origin);
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some_and(|host| text(HOST).is_some_and(|own| own.eq_ignore_ascii_case(host)))
        || http.options.origins.iter().any(is)
        || http.options.public_url.as_ref().is_some_and(is)
}
