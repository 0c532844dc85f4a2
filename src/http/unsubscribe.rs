//! The page of the link that ends all emails: it asks first, and says that it is done when it is.

use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::listener::request_id;
use super::{Http, answer};
use service::retention::unsubscribe::{self, Clicked};

/// What the page says, in one language.
struct Texts {
    /// As BCP 47 calls it.
    language: &'static str,
    title: &'static str,
    question: &'static str,
    button: &'static str,
    done: &'static str,
    forgotten: &'static str,
}

const ENGLISH: Texts = Texts {
    language: "en",
    title: "Unsubscribe",
    question: "Do you want to get no more emails from us?",
    button: "Yes, unsubscribe me",
    done: "You will get no more emails from us.",
    forgotten: "We no longer know the address that this link belongs to, so we can't unsubscribe it here. If you still get \
        emails from us, please use the link in the latest one, or answer it.",
};
const RUSSIAN: Texts = Texts {
    language: "ru",
    title: "Отписка",
    question: "Вы хотите больше не получать от нас писем?",
    button: "Да, отписаться",
    done: "Вы больше не будете получать от нас писем.",
    forgotten: "Мы больше не знаем, какому адресу принадлежит эта ссылка, и не можем отписать его здесь. Если письма всё ещё \
        приходят, воспользуйтесь ссылкой в последнем из них или ответьте на него.",
};
const ALL: [&Texts; 2] = [&ENGLISH, &RUSSIAN];

/// The texts for a language tag, if there are any.
fn of(tag: &str) -> Option<&'static Texts> {
    let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
    ALL.into_iter().find(|texts| texts.language.eq_ignore_ascii_case(primary))
}

/// The texts that the reader's browser asks for most, else those for the lead's language, else English.
fn texts(accepted: &str, lead: Option<&str>) -> &'static Texts {
    let mut wanted: Vec<(f32, &'static Texts)> = accepted
        .split(',')
        .filter_map(|part| {
            let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
            let weight = rest.trim().strip_prefix("q=").map_or(Ok(1.0), |weight| weight.trim().parse());
            Some((weight.ok().filter(|weight| *weight > 0.0)?, of(tag)?))
        })
        .collect();
    // A stable sort: of two that are wanted as much the first one counts.
    wanted.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    wanted.first().map(|(_, texts)| *texts).or_else(|| lead.and_then(of)).unwrap_or(&ENGLISH)
}

/// The texts for who asks.
async fn texts_for(http: &Http, headers: &HeaderMap, token: &str) -> &'static Texts {
    let lead = match unsubscribe::open(&http.services, token) {
        // In which language it is said is no reason not to say it.
        Some(link) => unsubscribe::language(&http.services, &link).await.ok().flatten(),
        None => None,
    };
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    texts(accepted, lead.as_deref())
}

fn page(texts: &Texts, status: StatusCode, content: &str) -> Response {
    let Texts { language, title, .. } = texts;
    let page = format!(
        "<!doctype html><html lang={language}><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><main>{content}</main></html>"
    );
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// The page that a lead sees who follows the link: nothing happens yet, because programs follow links, too.
pub(super) async fn ask(State(http): State<Http>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    if unsubscribe::open(&http.services, &token).is_none() {
        return guarded(answer::nothing("this link is not one of ours", &headers));
    }
    let texts = texts_for(&http, &headers, &token).await;
    let content = format!("<p>{}</p><form method=post><button>{}</button></form>", texts.question, texts.button);
    guarded(page(texts, StatusCode::OK, &content))
}

/// One click of a lead, or of the mail program for it (RFC 8058): without a login, and as often as one likes.
pub(super) async fn now(State(http): State<Http>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let texts = texts_for(&http, &headers, &token).await;
    guarded(match unsubscribe::unsubscribe(&http.services, &token).await {
        Ok(Clicked::Refused) => said(texts, StatusCode::OK, texts.done, &headers),
        Ok(Clicked::Forgotten) => said(texts, StatusCode::GONE, texts.forgotten, &headers),
        Ok(Clicked::NotOurs) => answer::nothing("this link is not one of ours", &headers),
        Err(error) => answer::failed(error, request_id(&headers)),
    })
}

/// A sentence: a page for who reads pages, plain text for a mail program.
fn said(texts: &Texts, status: StatusCode, sentence: &str, headers: &HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        page(texts, status, &format!("<p>{sentence}</p>"))
    } else {
        (status, sentence.to_owned()).into_response()
    }
}

/// The answer with what keeps a page for one person from others: no frame around it, no copy, and its address goes nowhere.
fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let policy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, "accept-language"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_s_own_language_comes_before_the_lead_s() {
        for (accepted, lead, expected) in [
            ("", None, "en"),
            ("", Some("ru"), "ru"),
            ("", Some("ru-RU"), "ru"),
            ("", Some("de"), "en"),
            ("ru-RU,ru;q=0.9,en-US;q=0.8", None, "ru"),
            ("en-US,en;q=0.9,ru;q=0.8", Some("ru"), "en"),
            ("de, ru;q=0.5, en;q=0.4", None, "ru"),
            ("ru;q=0, en;q=0.1", None, "en"),
            ("de-DE,de", Some("ru"), "ru"),
            ("*", None, "en"),
            ("nonsense;;q", None, "en"),
        ] {
            assert_eq!(texts(accepted, lead).language, expected, "{accepted} {lead:?}");
        }
    }
}
