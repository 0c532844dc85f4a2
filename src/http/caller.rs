//! Who sent a request: the session of its token, and the address that it came from.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Response;

use super::{Http, answer};
use crate::domain::error::{Error, Result};
use crate::graphql::context::Caller;
use crate::service::Services;
use crate::service::access::session;

/// The caller without the session: what a socket has before its first message.
pub(super) struct Origin(pub Caller);

/// The caller with the session, if the token holds.
pub(super) struct Authenticated(pub Caller);

impl FromRequestParts<Http> for Origin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Response> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let address =
            peer.map(|peer| http.options.trusted_proxies.client(peer, &forwarded(&parts.headers)).to_string());
        let request_id = parts.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(ToOwned::to_owned);
        Ok(Self(Caller { address, request_id, ..Caller::default() }))
    }
}

impl FromRequestParts<Http> for Authenticated {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Response> {
        let Origin(caller) = Origin::from_request_parts(parts, http).await?;
        let request_id = caller.request_id.clone();
        let authorization = parts.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
        let caller = authenticate(&http.services, caller, authorization).await;
        caller.map(Self).map_err(|error| answer::failed(error, request_id.as_deref()))
    }
}

/// The caller with the session that `authorization` gives. A token that does not hold is remembered, not refused: it must not
/// keep its owner from `refreshSession`.
pub(super) async fn authenticate(on: &Services, mut caller: Caller, authorization: Option<&str>) -> Result<Caller> {
    let Some(authorization) = authorization else { return Ok(caller) };
    match bearer(authorization) {
        Some(token) => match session::resume(on, token).await {
            Ok(session) => caller.session = Some(session),
            Err(Error::Unauthenticated(why)) => caller.refusal = Some(why),
            Err(error) => return Err(error),
        },
        None => caller.refusal = Some("the Authorization header is not a bearer token"),
    }
    Ok(caller)
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What all `X-Forwarded-For` headers say, in their order.
fn forwarded(headers: &HeaderMap) -> String {
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}
