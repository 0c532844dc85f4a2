//! Who sent a request: the session of its token, and the address that it came from.

use std::net::SocketAddr;
use std::sync::{Arc, Once};

use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};

use super::listener::request_id;
use super::{Http, answer};
use domain::error::{Code, Error, Result};
use graphql::engine::context::{Caller, Refusal};
use service::Services;
use service::access::session;

/// The cookie of single sign-on.
const TOKEN: &str = "ac_access";
/// The header that a foreign page can't send unasked: its browser would ask first, and be told no.
const PREFLIGHT: HeaderName = HeaderName::from_static("graphql-require-preflight");

/// Characters that are kept of what a program calls itself.
const AGENT: usize = 300;

/// Tells once that a proxy names nobody.
static UNNAMED: Once = Once::new();

/// The caller without the session: what a socket has before its first message.
pub(super) struct Origin(pub Caller);

/// The caller with the session, if the token holds.
pub(super) struct Authenticated(pub Caller);

impl FromRequestParts<Http> for Origin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Response> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let forwarded = forwarded(&parts.headers);
        let client = peer.and_then(|peer| http.options.trusted_proxies.client(peer, &forwarded));
        if let Some(peer) = peer.filter(|peer| !forwarded.is_empty() && !http.options.trusted_proxies.contains(*peer)) {
            http.strangers.forwards(peer.to_canonical());
        }
        if client.is_none() {
            UNNAMED.call_once(|| {
                tracing::warn!(
                    "a proxy of HERALD_TRUSTED_PROXIES does not say in X-Forwarded-For from which address a request came: \
                     let it, or failed logins can't be told apart and audit lines have no address"
                );
            });
        }
        let address = client.map(|client| client.to_string());
        let request_id = request_id(&parts.headers).map(ToOwned::to_owned);
        // Whoever names an origin is let in only if it is an allowed one; who names none is no browser, and has no cookie.
        let cookie = if http.services.rules.sso.is_some() && parts.headers.contains_key(ORIGIN) {
            cookie(&parts.headers).map(SecretString::from)
        } else {
            None
        };
        let agent = agent(&parts.headers);
        Ok(Self(Caller { cookie, address, agent, request_id, ..Caller::default() }))
    }
}

impl FromRequestParts<Http> for Authenticated {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Response> {
        let Origin(mut caller) = Origin::from_request_parts(parts, http).await?;
        let request_id = caller.request_id.clone();
        let authorization = parts.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
        caller.cookie = match cookie(&parts.headers) {
            Some(token) if authorization.is_none() && http.services.rules.sso.is_some() => {
                if parts.method == Method::POST && !parts.headers.contains_key(PREFLIGHT) {
                    let message = "a request with a cookie needs the header GraphQL-Require-Preflight: 1";
                    return Err(answer::coded(
                        StatusCode::FORBIDDEN,
                        Code::CsrfBlocked,
                        message,
                        request_id.as_deref(),
                    ));
                }
                Some(SecretString::from(token))
            }
            _ => None,
        };
        let began = Instant::now();
        let caller = authenticate(&http.services, caller, authorization).await;
        // The limit of a request begins with the request.
        let caller = caller.map(|caller| Caller { waited: began.elapsed(), ..caller });
        caller.map(Self).map_err(|error| answer::failed(error, request_id.as_deref()))
    }
}

/// The caller with the session that `authorization` gives, or the cookie where it may, within the time that a query may take. A token that does not hold is remembered,
/// not refused: it must not keep its owner from `refreshSession`.
pub(super) async fn authenticate(on: &Services, mut caller: Caller, authorization: Option<&str>) -> Result<Caller> {
    let cookie = caller.cookie.take();
    let token = match (authorization, &cookie) {
        (Some(authorization), _) => bearer(authorization),
        (None, Some(cookie)) => Some(cookie.expose_secret()),
        (None, None) => return Ok(caller),
    };
    match token {
        Some(token) => {
            let resuming = session::resume(on, token, caller.address.as_deref());
            match timeout(on.rules.limits.document.query_time, resuming).await {
                Ok(Ok(session)) => caller.session = Some(session),
                Ok(Err(Error::Unauthenticated(why))) => caller.refusal = Some(Refusal::Wrong(why)),
                Ok(Err(Error::NotYet(why))) => caller.refusal = Some(Refusal::NotYet(why)),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(Error::Timeout),
            }
        }
        None => caller.refusal = Some(Refusal::Wrong("the Authorization header is not a bearer token")),
    }
    Ok(caller)
}

/// Leads to where single sign-on begins.
pub(super) async fn sign_in_elsewhere(State(http): State<Http>, headers: HeaderMap) -> Response {
    match &http.options.sso_login_url {
        Some(url) => Redirect::temporary(url).into_response(),
        None => answer::nothing("there is no single sign-on here; sign in with a password", &headers),
    }
}

/// The token of an `Authorization` header of this scheme.
pub(super) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
    let named = cookies.filter_map(|cookie| cookie.trim().split_once('=')).filter(|(name, _)| *name == TOKEN);
    let mut tokens = named.map(|(_, token)| token.trim_matches('"')).filter(|token| !token.is_empty());
    let token = tokens.next()?;
    // Another site of the same domain can put one of its own in front: of two that differ neither is believed.
    tokens.all(|other| other == token).then_some(token)
}

/// What the program calls itself that sends the request, or the beginning of it.
fn agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let told = headers.get(USER_AGENT)?.to_str().ok()?;
    let told: String = told.chars().take(AGENT).collect();
    (!told.is_empty()).then(|| told.into())
}

/// The values of all `X-Forwarded-For` headers, in their order.
fn forwarded(headers: &HeaderMap) -> String {
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}
