//! Files that clients hand over: the raw body is the file, or the one file of a form.

mod body;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;

use self::body::Announced;
use super::caller::Authenticated;
use super::pace::Pace;
use super::{Http, answer, linger};
use domain::error::{Code, Error, Result};
use domain::role::Permission;
use graphql::engine::context::Caller;
use graphql::engine::id::GlobalId;
use service::access::denial::{self, Denied};
use service::imports::upload;

/// Takes a file, as it comes.
pub(super) async fn post(
    State(http): State<Http>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let limits = &http.limits().http;
    let mut pieces = unless_slow(body.into_data_stream(), limits.least_rate, limits.read_window());
    match store(&http, &caller, &headers, &mut pieces).await {
        Ok((id, bytes)) => answer::plain(StatusCode::CREATED, &json!({ "id": *id, "bytes": bytes })),
        Err(refused) => {
            let id = caller.request_id.as_deref();
            let answer = match refused {
                Refused::Because(error) => answer::failed(error, id),
                Refused::NotAFile(why) => {
                    answer::coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadUserInput, &why, id)
                }
            };
            linger::after(answer, pieces)
        }
    }
}

/// Why nothing was stored.
enum Refused {
    Because(Error),
    /// The request does not hand over a file in a way that is understood.
    NotAFile(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Because(error)
    }
}

async fn store(
    http: &Http,
    caller: &Caller,
    headers: &HeaderMap,
    pieces: &mut BoxStream<'static, Result<Bytes, String>>,
) -> std::result::Result<(async_graphql::ID, i64), Refused> {
    let actor = caller.actor();
    let viewer = caller.viewer().ok_or_else(|| caller.nobody())?;
    if !viewer.role.may(Permission::CreateChannels) {
        denial::note(&http.services, &actor, Denied::one("/uploads"));
        return Err(Error::Forbidden.into());
    }
    let announced = Announced::read(headers).map_err(Refused::NotAFile)?;
    // Refused before a byte is sent, when its length is told.
    let (bytes, most) = (announced.bytes, http.services.rules.upload_max_bytes);
    if bytes.is_some_and(|bytes| bytes > most) {
        return Err(Error::PayloadTooLarge(format!("an upload has at most {most} bytes")).into());
    }
    let (told, mut file) = announced.open(pieces).await.map_err(Refused::NotAFile)?;
    let row = upload::store_announced(&http.services, &actor, bytes, &told, &mut file).await?;
    Ok((row.id.global(), row.bytes))
}

/// The pieces of a body, until none has come for a whole `window`, or fewer than `least` bytes a second. An upload as a whole takes
/// as long as it takes.
fn unless_slow<E: std::fmt::Display>(
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    least: u32,
    window: Duration,
) -> BoxStream<'static, Result<Bytes, String>> {
    let pieces = stream::unfold(Some((pieces, Pace::new(least, window))), move |state| async move {
        let (mut pieces, mut pace) = state?;
        pace.waits();
        let (ended, slow) = (None, || format!("fewer than {least} bytes a second came for {} s", window.as_secs_f32()));
        match tokio::time::timeout(window, pieces.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) if pace.moved(piece.len()).is_err() => Some((Err(slow()), ended)),
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some((pieces, pace)))),
            Ok(Some(Err(error))) => Some((Err(error.to_string()), ended)),
            Err(_) => Some((Err(format!("nothing came for {} s", window.as_secs_f32())), ended)),
        }
    });
    // Whoever answers reads on, to let the client come to its end: also behind the end.
    pieces.fuse().boxed()
}
