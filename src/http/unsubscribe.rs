//! The page of the link that ends all emails: it asks first, and says that it is done when it is.

mod texts;

use axum::extract::State;
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

pub(super) use self::texts::Texts;
use super::listener::request_id;
use super::ways::Part;
use super::{Http, answer};
use service::retention::unsubscribe::{self, Clicked};

/// The texts for who asks.
async fn texts_for(http: &Http, headers: &HeaderMap, token: &str) -> &'static Texts {
    let lead = match unsubscribe::open(&http.services, token) {
        // In which language it is said is no reason not to say it.
        Some(link) => unsubscribe::language(&http.services, &link).await.ok().flatten(),
        None => None,
    };
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Texts::wanted(accepted, lead.as_deref())
}

fn page(texts: &Texts, status: StatusCode, content: &str) -> Response {
    answer::page(status, texts.language, texts.title, content)
}

/// The page that a lead sees who follows the link: nothing happens yet, because programs follow links, too.
pub(super) async fn ask(State(http): State<Http>, Part(token): Part, headers: HeaderMap) -> Response {
    let texts = texts_for(&http, &headers, &token).await;
    if unsubscribe::open(&http.services, &token).is_none() {
        return guarded(not_ours(texts, &headers));
    }
    let content = format!("<p>{}</p><form method=post><button>{}</button></form>", texts.question, texts.button);
    guarded(page(texts, StatusCode::OK, &content))
}

/// One click of a lead, or of the mail program for it (RFC 8058): without a login, and as often as one likes.
pub(super) async fn now(State(http): State<Http>, Part(token): Part, headers: HeaderMap) -> Response {
    let texts = texts_for(&http, &headers, &token).await;
    guarded(match unsubscribe::unsubscribe(&http.services, &token).await {
        Ok(Clicked::Refused) if answer::is_for_a_person(&headers) => {
            page(texts, StatusCode::OK, &format!("<p>{}</p><p>{}</p>", texts.done, texts.back))
        }
        Ok(Clicked::Refused) => texts.done.into_response(),
        Ok(Clicked::Forgotten) => said(texts, StatusCode::GONE, texts.forgotten, &headers),
        Ok(Clicked::NotOurs) => not_ours(texts, &headers),
        Err(error) => {
            let failed = answer::failed(error, request_id(&headers));
            if answer::is_for_a_person(&headers) { said(texts, failed.status(), texts.later, &headers) } else { failed }
        }
    })
}

fn not_ours(texts: &Texts, headers: &HeaderMap) -> Response {
    if answer::is_for_a_person(headers) {
        return said(texts, StatusCode::NOT_FOUND, texts.unknown, headers);
    }
    answer::nothing("this link is not one of ours", headers)
}

/// A sentence: a page for who reads pages, plain text for a mail program.
fn said(texts: &Texts, status: StatusCode, sentence: &str, headers: &HeaderMap) -> Response {
    if answer::is_for_a_person(headers) {
        page(texts, status, &format!("<p>{sentence}</p>"))
    } else {
        (status, sentence.to_owned()).into_response()
    }
}

/// The answer with what keeps a page for one person from others: no frame around it, no copy, and its address goes nowhere.
pub(super) fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let policy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, "accept, accept-language"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
