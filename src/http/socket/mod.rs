//! Operations by WebSocket, in the protocol `graphql-transport-ws`: who may open one. [`session`] serves it.

mod close;
mod message;
pub(super) mod open;
mod operations;
mod session;
mod writer;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use url::{Origin, Url};

use super::caller;
use super::listener::Admission;
use super::{Http, Options, answer};
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
    if !is_allowed(&http.options, &parts.headers) {
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

/// Whether the page that opens the socket may: scripts send no origin.
fn is_allowed(options: &Options, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(page) = text(ORIGIN) else { return !headers.contains_key(ORIGIN) };
    let Some(page) = origin(page) else { return false };
    let is_own = match &options.public_url {
        // The scheme counts: a page that came without encryption may be anybody's.
        Some(url) => origin(url).is_some_and(|own| own == page),
        // It is not known by which name, and behind which scheme, users reach Herald.
        None => text(HOST).is_some_and(|host| {
            ["http", "https"].iter().any(|scheme| origin(&format!("{scheme}://{host}")).is_some_and(|own| own == page))
        }),
    };
    is_own || options.origins.iter().filter_map(|allowed| origin(allowed)).any(|allowed| allowed == page)
}

/// The origin of a URL: scheme, host and port, in one spelling.
fn origin(url: &str) -> Option<Origin> {
    Url::parse(url).ok().map(|url| url.origin()).filter(Origin::is_tuple)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(public_url: Option<&str>, origins: &[&str], host: &str, page: &str) -> bool {
        let options = Options {
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            public_url: public_url.map(ToOwned::to_owned),
            trusted_proxies: domain::proxies::Proxies::default(),
            sso_login_url: None,
        };
        let headers = [(HOST, host), (ORIGIN, page)].map(|(name, value)| (name, HeaderValue::from_str(value).unwrap()));
        is_allowed(&options, &headers.into_iter().collect())
    }

    #[test]
    fn the_public_url_is_the_only_own_origin_where_it_is_set() {
        let public = Some("https://herald.example/base");
        for page in ["https://herald.example", "https://HERALD.example:443"] {
            assert!(allows(public, &[], "herald.example", page), "{page}");
        }
        for page in ["http://herald.example", "https://herald.example:8443", "https://evil.example", "null", "file://"]
        {
            assert!(!allows(public, &[], "herald.example", page), "{page}");
        }
        assert!(!allows(public, &[], "evil.example", "https://evil.example"), "the host is what the client writes");
        assert!(allows(public, &["http://console.example:80"], "herald.example", "http://console.example"));
    }

    #[test]
    fn without_a_public_url_the_page_has_the_host_that_was_asked() {
        assert!(allows(None, &[], "127.0.0.1:8080", "http://127.0.0.1:8080"));
        assert!(allows(None, &[], "herald.example", "https://herald.example"));
        for page in ["http://127.0.0.1", "http://localhost:8080", "null", "http://127.0.0.1:8080@evil.example"] {
            assert!(!allows(None, &[], "127.0.0.1:8080", page), "{page}");
        }
    }
}
