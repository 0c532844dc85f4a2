//! Operations by HTTP, as the specification *GraphQL over HTTP* says.

use async_graphql::parser::types::OperationType;
use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, UPGRADE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::StreamExt;

use super::caller::Authenticated;
use super::media::Media;
use super::params::{self, Wrong};
use super::{Http, answer, linger, socket, ways};
use domain::error::Code;
use graphql::engine::context::Caller;
use graphql::engine::error;
use graphql::engine::same_request::Answer;

/// The methods of this path.
const METHODS: &str = "GET, POST";

/// Runs the operation in the body: JSON, and nothing else, so that no foreign page can send one unasked.
pub(super) async fn post(
    State(http): State<Http>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let request_id = caller.request_id.clone();
    let mut pieces = body.into_data_stream();
    let refused = |(status, code, message): Refusal| answer::coded(status, code, &message, request_id.as_deref());
    let read = match acceptable(&http, &headers) {
        Ok(media) => read(&http, &mut pieces).await.map(|body| (media, body)),
        Err(refusal) => Err(refusal),
    };
    match read {
        Ok((media, body)) => run(&http, params::body(&body), caller, media, false).await,
        Err(refusal) => linger::after(refused(refusal), pieces),
    }
}

/// Upgrades to a WebSocket, or runs the query in the URL.
pub(super) async fn get(State(http): State<Http>, request: Request) -> Response {
    let upgrade = request.headers().get(UPGRADE).and_then(|upgrade| upgrade.to_str().ok());
    if upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        return socket::upgrade(http, request).await;
    }
    let (mut parts, _) = request.into_parts();
    if let Some(to_the_ide) = ways::to_the_ide(&parts) {
        return to_the_ide;
    }
    let Authenticated(caller) = match Authenticated::from_request_parts(&mut parts, &http).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let Some(media) = Media::accepted(&parts.headers) else {
        let (status, code, message) = unacceptable();
        return answer::coded(status, code, &message, caller.request_id.as_deref());
    };
    run(&http, params::url(parts.uri.query().unwrap_or_default()), caller, media, true).await
}

/// Any other method.
pub(super) async fn other(Authenticated(caller): Authenticated) -> Response {
    answer::wrong_method(METHODS, "send operations by POST, or queries by GET", caller.request_id.as_deref())
}

async fn run(
    http: &Http,
    request: Result<async_graphql::Request, Wrong>,
    caller: Caller,
    media: Media,
    is_get: bool,
) -> Response {
    let request_id = caller.request_id.clone();
    let request = match request {
        Ok(request) => request,
        Err(Wrong { code: code @ (Code::PersistedQueryNotAllowed | Code::PersistedQueryNotFound), message }) => {
            return answer::operation(error::coded(code, message, request_id.as_deref()), media).await;
        }
        Err(Wrong { code, message }) => {
            return answer::coded(StatusCode::BAD_REQUEST, code, &message, request_id.as_deref());
        }
    };
    let checked = match http.execution.admit(request, &caller) {
        Ok(checked) => checked,
        Err(refusal) => return answer::operation(*refusal, media).await,
    };
    match checked.kind {
        OperationType::Mutation if is_get => {
            answer::wrong_method("POST", "a mutation is sent by POST", request_id.as_deref())
        }
        OperationType::Subscription => {
            let message = "a subscription runs over a WebSocket, in the subprotocol graphql-transport-ws";
            let refusal = error::coded(Code::OperationResolutionFailure, message, request_id.as_deref());
            answer::operation(refusal, media).await
        }
        _ => match http.execution.answer(checked, caller).await {
            Answer::Own(response) => answer::operation(response, media).await,
            Answer::Encoded(response) => answer::encoded(response, media),
        },
    }
}

/// Why a body is not read, or not to its end.
type Refusal = (StatusCode, Code, String);

fn unacceptable() -> Refusal {
    let message = "answers are application/graphql-response+json or application/json: accept one of them";
    (StatusCode::NOT_ACCEPTABLE, Code::BadUserInput, message.into())
}

/// The decision that headers alone allow, before a byte of the body is read.
fn acceptable(http: &Http, headers: &HeaderMap) -> Result<Media, Refusal> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    if !text(CONTENT_TYPE).is_some_and(is_json) {
        let message = "send the operation as application/json, in UTF-8";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadUserInput, message.into()));
    }
    if text(CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let message = "send the operation without a Content-Encoding";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadUserInput, message.into()));
    }
    let most = http.limits().http.body;
    if text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    Media::accepted(headers).ok_or_else(unacceptable)
}

fn too_large(most: usize) -> Refusal {
    (StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge, format!("a request has at most {most} bytes"))
}

/// The body, if it comes whole, in time, and is not too long.
async fn read(http: &Http, pieces: &mut BodyDataStream) -> Result<Vec<u8>, Refusal> {
    let limits = &http.limits().http;
    let reading = async {
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            let broken = |_| (StatusCode::BAD_REQUEST, Code::BadUserInput, "the body ended too soon".to_owned());
            let piece = piece.map_err(broken)?;
            if body.len() + piece.len() > limits.body {
                return Err(too_large(limits.body));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    };
    let late = |_| (StatusCode::REQUEST_TIMEOUT, Code::Timeout, "the body took too long to come".to_owned());
    tokio::time::timeout(limits.read_time, reading).await.map_err(late)?
}

/// `application/json`, in UTF-8 if it says which.
fn is_json(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
            charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    is_json && parts.all(is_utf8)
}
