//! HTTP to providers: one client, bounded in time and size, and what its failures mean for a contact.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use reqwest::StatusCode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;

use super::Outcome;
use domain::media_url;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;
/// How long an answer may take, body and all.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest part of an answer that is told to operators, in characters.
const TOLD: usize = 300;
/// How long to wait when the provider can't be reached.
pub(super) const AWAY: Duration = Duration::from_secs(30);
/// How long to wait while the provider refuses our credentials: somebody must look.
pub(super) const LOCKED_OUT: Duration = Duration::from_mins(5);
/// The longest wait that a provider's `Retry-After` can impose.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A client that follows no redirection: a key must not travel to where somebody else points.
///
/// # Panics
/// TLS was not installed before.
pub fn client() -> Client {
    builder().build().expect("TLS is installed before anything connects")
}

/// A client for addresses that users give: it connects to the internet at large only, whatever a name resolves to.
pub(super) fn public_client() -> Client {
    builder().no_proxy().dns_resolver(Arc::new(PublicOnly)).build().expect("TLS is installed before anything connects")
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_TIMEOUT)
        .connect_timeout(Duration::from_secs(5))
        // A connection that the other side closes while it is reused is an outcome that nobody knows.
        .pool_idle_timeout(Duration::from_secs(10))
        .user_agent(concat!("Herald/", env!("CARGO_PKG_VERSION")))
}

/// Why a name was not connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
pub(super) struct NotPublic;

struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| media_url::is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A provider's answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The status of HTTP.
    pub status: StatusCode,
    /// The body, at most 1 MiB of it.
    pub body: Vec<u8>,
    /// How long the provider asked to be left alone.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing was handed over.
    #[error("the provider can't be reached: {0}")]
    Unreached(String),
    /// The address must not be connected to.
    #[error("{0}")]
    Forbidden(String),
    /// The request may have been handed over.
    #[error("no answer: {0}")]
    Lost(String),
}

impl Fault {
    /// What the fault means for a contact.
    pub fn outcome(self) -> Outcome {
        let error = self.to_string();
        match self {
            Self::Unreached(_) => Outcome::Wait { after: AWAY, error },
            Self::Forbidden(_) => Outcome::Refused(super::Refusal::permanent(error)),
            Self::Lost(_) => Outcome::Unknown { error },
        }
    }
}

/// Sends a request and reads the answer.
///
/// # Errors
/// Whether it may have been handed over. URLs are left out: there may be secrets in them.
pub async fn call(request: RequestBuilder) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(fault)?;
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Fault::Lost(reason(&error)))? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            return Err(Fault::Lost("the answer is too long".into()));
        }
    }
    Ok(Answer { status, body, retry_after })
}

fn fault(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let told = reason(&error);
    if causes(&error).any(<dyn std::error::Error>::is::<NotPublic>) {
        Fault::Forbidden(NotPublic.to_string())
    } else if error.is_connect() || error.is_builder() {
        Fault::Unreached(told)
    } else {
        Fault::Lost(told)
    }
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// The innermost cause, which says most.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".into();
    }
    causes(error).last().map_or_else(String::new, ToString::to_string).chars().take(TOLD).collect()
}

/// How long the provider asks to be left alone: in seconds, or until an instant by its own clock, which its answer tells.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let told = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let wait = told(RETRY_AFTER)?;
    let instant = |text: &str| chrono::DateTime::parse_from_rfc2822(text).ok();
    let until = || (instant(wait)? - instant(told(DATE)?)?).to_std().ok();
    let seconds = wait.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Some(seconds.or_else(until)?.min(LONGEST_WAIT))
}

/// What providers say of the account, whatever else is named beside it: a limit, a plan, money, a lock.
const OF_ACCOUNTS: [&str; 14] = [
    "limit",
    "quota",
    "upgrade",
    "your plan",
    "subscription",
    "credits",
    "balance",
    "wallet",
    "billing",
    "payment",
    "suspended",
    "not active",
    "throttl",
    "too many",
];

/// Whether a refusal is about the account: then it is no recipient's. What addresses are called says nothing.
pub(super) fn is_of_account(error: &str) -> bool {
    let said = error.to_lowercase();
    let words: Vec<&str> = said.split_whitespace().filter(|word| !word.contains('@')).collect();
    let said = words.join(" ");
    OF_ACCOUNTS.iter().any(|word| said.contains(word))
}

impl Answer {
    /// The body as JSON of this shape, if it is that.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// How the body begins, for operators.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.chars().filter(|letter| !letter.is_control()).take(TOLD).collect()
    }

    /// The outcome of a status that means the same at every provider without an idempotency key; None for the others.
    ///
    /// A 5xx may come from a gateway in front of a provider that took the contact: but for 503, nobody knows.
    pub fn common(&self, error: &str) -> Option<Outcome> {
        let error = format!("{}: {error}", self.status.as_u16());
        let wait = |after: Duration| Outcome::Wait { after: self.retry_after.unwrap_or(after), error: error.clone() };
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => Some(wait(LOCKED_OUT)),
            StatusCode::TOO_MANY_REQUESTS => Some(wait(Duration::from_secs(5))),
            StatusCode::SERVICE_UNAVAILABLE => Some(wait(AWAY)),
            status if status.is_server_error() => Some(Outcome::Unknown { error }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_or_until_an_instant() {
        for (wait, date, expected) in [
            ("120", None, Some(120)),
            (" 7.0 ", None, Some(7)),
            ("999999", None, Some(3_600)),
            ("Mon, 30 Nov 2026 10:01:30 GMT", Some("Mon, 30 Nov 2026 10:00:00 GMT"), Some(90)),
            ("Mon, 30 Nov 2026 10:01:30 GMT", None, None),
            ("Mon, 30 Nov 2026 09:00:00 GMT", Some("Mon, 30 Nov 2026 10:00:00 GMT"), None),
            ("-5", None, None),
            ("soon", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, wait.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{wait}");
        }
    }

    #[test]
    fn what_is_said_of_the_account_is_no_recipients() {
        for (error, is) in [
            ("Daily email limit reached", true),
            ("Wallet balance is -0.5. Purchase more credits or upgrade your plan.", true),
            ("the email account is suspended", true),
            ("customer.number must be a valid phone number in the E.164 format", false),
            ("email limit@example.com is invalid", false),
        ] {
            assert_eq!(is_of_account(error), is, "{error}");
        }
    }
}
