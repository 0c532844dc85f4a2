//! Which pages may use the API, and what whoever runs Herald is told of those that may not: a browser keeps the reason to itself,
//! so that the log is the only place where it can be found.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HOST, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;
use url::{Origin, Url};

use super::Options;

/// By this the dashboard learns that its own address is not known here, so that its WebSockets are refused.
const SIGN: HeaderName = HeaderName::from_static("herald-origin");
/// Of so many different ones is told; whoever calls can make up more.
const MOST: usize = 50;

/// Which pages may read answers that are made where no request can be read, or after a panic.
#[derive(Debug, Default)]
pub(super) struct Readers {
    origins: Vec<String>,
    /// Whether they may use the cookie of single sign-on.
    with_cookie: bool,
}

impl Readers {
    /// The pages of these origins, besides Herald's own.
    pub(super) fn new(origins: &[String], with_cookie: bool) -> Self {
        Self { origins: origins.to_vec(), with_cookie }
    }

    /// The headers, each a line, by which a page of this origin may read an answer.
    pub(super) fn headers(&self, origin: Option<&[u8]>) -> String {
        let lines = origin.map(|origin| self.named(origin)).unwrap_or_default();
        lines
            .iter()
            .flat_map(|(name, value)| [name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"])
            .collect()
    }

    /// Adds to an answer by what a page of this origin may read it.
    pub(super) fn let_in(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        for (name, value) in origin.map(|origin| self.named(origin.as_bytes())).unwrap_or_default() {
            headers.entry(name).or_insert(value);
        }
    }

    fn named(&self, origin: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
        let is_allowed = self.origins.iter().any(|allowed| allowed.as_bytes() == origin);
        let Some(page) = HeaderValue::from_bytes(origin).ok().filter(|_| is_allowed) else { return Vec::new() };
        let mut named = vec![
            (ACCESS_CONTROL_ALLOW_ORIGIN, page),
            (ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-request-id, retry-after")),
            (VARY, HeaderValue::from_static("origin")),
        ];
        if self.with_cookie {
            named.push((ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")));
        }
        named
    }
}

/// What has been told once, and is not told again as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashSet<String>>);

impl Told {
    /// Whether it is to be told now.
    fn is_new(&self, what: String) -> bool {
        let mut told = self.0.lock();
        told.len() < MOST && told.insert(what)
    }
}

/// What is told of callers that some setting may be missing for.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    pages: Told,
    proxies: Told,
}

impl Strangers {
    /// Tells, once for each, that pages of an origin are refused, and which setting would let them in.
    fn refused(&self, options: &Options, headers: &HeaderMap) {
        let page = headers.get(ORIGIN).and_then(|value| value.to_str().ok()).and_then(origin);
        let Some(page) = page.map(|page| page.ascii_serialization()) else { return };
        if !self.pages.is_new(page.clone()) {
            return;
        }
        match &options.public_url {
            None => tracing::warn!(
                "pages of {page} may not use the API: set HERALD_PUBLIC_URL={page} if that is where users reach this \
                 Herald, or add it to HERALD_ORIGINS if it is a page of its own"
            ),
            Some(own) => tracing::warn!(
                "pages of {page} may not use the API: it is not HERALD_PUBLIC_URL, which is {own}; correct that, or add \
                 {page} to HERALD_ORIGINS"
            ),
        }
    }

    /// Tells, once for each, that somebody who is no trusted proxy says for whom he asks.
    pub(super) fn forwards(&self, peer: IpAddr) {
        if self.proxies.is_new(peer.to_string()) {
            tracing::warn!(
                "{peer} sends X-Forwarded-For and is not one of HERALD_TRUSTED_PROXIES, so that all behind it count as one \
                 address: set HERALD_TRUSTED_PROXIES={peer} if it is your proxy"
            );
        }
    }
}

/// Answers a request, and tells if it comes from a page that may not use the API.
pub(super) async fn notice(options: Arc<Options>, strangers: Arc<Strangers>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(ORIGIN) || is_allowed(&options, request.headers()) {
        return next.run(request).await;
    }
    strangers.refused(&options, request.headers());
    let mut answer = next.run(request).await;
    answer.headers_mut().insert(SIGN, HeaderValue::from_static("unknown"));
    answer
}

/// Whether the page that a request comes from may use the API: scripts send no origin.
pub(super) fn is_allowed(options: &Options, headers: &HeaderMap) -> bool {
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
