//! The links and the picture that tell of clicks and opens. The link leads on, and the picture is there, whether what is told could be
//! written down or not: for that nobody waits longer than 300 ms.
//!
//! Where a signed link of HTML leads stands in itself. Where a short one of a plain text leads is looked up: while the database is away, or
//! takes longer than two seconds, who follows one is asked to try again in a minute.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::listener::request_id;
use super::unsubscribe::{Texts, guarded};
use super::ways::Part;
use super::{Http, answer};
use domain::error::Error;
use domain::id::ContactAttemptId;
use domain::retention::tracking::Visit;
use service::retention::tracking::{self, Link, Seen};

/// Visits that are being written down at once, at most. What comes beyond is not written down.
const AT_ONCE: usize = 64;
/// How long a reader waits at most for what is written down.
const PATIENCE: Duration = Duration::from_millis(300);
/// After so many seconds who follows a link while the database is away may try again.
const AGAIN: &str = "60";
/// What browsers and mail programs say when they fetch what nobody has asked for yet.
const PURPOSES: [&str; 4] = ["purpose", "sec-purpose", "x-purpose", "x-moz"];
/// A picture of one transparent point.
const POINT: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\
    \x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// The visits that are being written down.
#[derive(Clone)]
pub(super) struct Visits {
    places: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Default for Visits {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), tasks: TaskTracker::new() }
    }
}

impl Visits {
    /// Until those that have begun are written down.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn note(&self, http: &Http, attempt: ContactAttemptId, what: Seen) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            tracing::warn!(contact = %attempt, ?what, "too many links are followed at once: this visit is not written down");
            return;
        };
        let on = http.services.clone();
        let noted = self.tasks.spawn(async move {
            let _place = place;
            if let Err(error) = tracking::note(&on, attempt, what).await {
                tracing::warn!(error = ?error, contact = %attempt, ?what, "a visit could not be written down");
            }
        });
        // It is written down all the same when it takes longer.
        if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, noted).await {
            tracing::error!(%error, "a visit was not written down");
        }
    }
}

fn visit<'a>(method: &Method, headers: &'a HeaderMap) -> Visit<'a> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Visit {
        is_head: method == Method::HEAD,
        purpose: PURPOSES.into_iter().find_map(text),
        user_agent: text(USER_AGENT.as_str()),
    }
}

/// Leads to where the link leads, which is either stored or signed: nobody can make one that leads elsewhere.
pub(super) async fn link(State(http): State<Http>, Part(token): Part, method: Method, headers: HeaderMap) -> Response {
    let Link { attempt, target } = match tracking::link(&http.services, &token).await {
        Ok(Some(link)) => link,
        Ok(None) => return nowhere(&headers),
        Err(error) => return later(error, &headers),
    };
    // What is kept can stand in a header; what could not is not ours.
    let Ok(target) = HeaderValue::from_str(&target) else { return nowhere(&headers) };
    if visit(&method, &headers).is_by_a_person() {
        http.visits.note(&http, attempt, Seen::Clicked).await;
    }
    let robots = (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    let headers = [(LOCATION, target), (CACHE_CONTROL, HeaderValue::from_static("no-store")), robots];
    (StatusCode::FOUND, headers).into_response()
}

fn nowhere(headers: &HeaderMap) -> Response {
    if !answer::is_for_a_person(headers) {
        return guarded(answer::nothing("this link is not one of ours, or no longer", headers));
    }
    let texts = texts(headers);
    let content = format!("<p>{}</p>", texts.nowhere);
    guarded(answer::page(StatusCode::NOT_FOUND, texts.language, "404", &content))
}

/// The answer while nobody can say where a link leads.
fn later(error: Error, headers: &HeaderMap) -> Response {
    let mut answer = answer::failed(error, request_id(headers));
    let status = answer.status();
    if answer::is_for_a_person(headers) {
        let texts = texts(headers);
        answer = answer::page(status, texts.language, status.as_str(), &format!("<p>{}</p>", texts.away));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(AGAIN));
    }
    guarded(answer)
}

fn texts(headers: &HeaderMap) -> &'static Texts {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Texts::wanted(accepted, None)
}

/// The picture, whatever its token is: a mail never shows a broken one.
pub(super) async fn pixel(State(http): State<Http>, Part(token): Part, method: Method, headers: HeaderMap) -> Response {
    if let Some(attempt) = tracking::picture(&http.services, &token)
        && visit(&method, &headers).is_by_a_person()
    {
        http.visits.note(&http, attempt, Seen::Opened).await;
    }
    ([(CONTENT_TYPE, "image/gif"), (CACHE_CONTROL, "no-store, max-age=0")], POINT).into_response()
}
