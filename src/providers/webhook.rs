//! Signed requests to servers of the user's own.

use std::sync::Arc;

use chrono::SecondsFormat;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value as Json, json};
use sha2::Sha256;

use super::http::{self, Answer};
use super::{Contact, Message, Outcome, Receipt, Refusal, Sender};
use domain::clock::Clock;
use domain::media_url;
use domain::retention::credentials;

/// By this a receiver knows who sent a request, and when.
pub const SIGNATURE: &str = "herald-signature";
/// The longest body, in bytes.
const LONGEST: usize = 256 << 10;

/// Sends requests that their receiver can tell from forged ones.
pub struct Webhook {
    http: Client,
    clock: Arc<dyn Clock>,
    account: credentials::Webhook,
    /// Private addresses too: for tests and closed networks.
    is_private_allowed: bool,
}

impl Webhook {
    /// Signs by the key of `account`; private addresses are refused unless `is_private_allowed`.
    pub fn new(clock: Arc<dyn Clock>, account: credentials::Webhook, is_private_allowed: bool) -> Self {
        let http = if is_private_allowed { http::client() } else { http::public_client() };
        Self { http, clock, account, is_private_allowed }
    }

    async fn hand_over(&self, contact: &Contact, url: &str, payload: &Json) -> Outcome {
        let url = match self.checked(url) {
            Ok(url) => url,
            Err(error) => return Outcome::Refused(Refusal::permanent(format!("the URL {error}"))),
        };
        let now = self.clock.now();
        let body = json!({
            "attemptId": contact.attempt,
            "leadId": contact.lead,
            "sentAt": now.to_rfc3339_opts(SecondsFormat::Millis, true),
            "data": payload,
        })
        .to_string();
        if body.len() > LONGEST {
            return Outcome::Refused(Refusal::permanent("the body is longer than 256 KiB"));
        }
        let signature = sign(self.account.secret.expose(), now.timestamp(), body.as_bytes());
        let request = self.http.post(url).header(CONTENT_TYPE, "application/json").header(SIGNATURE, signature);
        let request = request.header("idempotency-key", contact.attempt.to_string());
        match http::call(request.body(body)).await {
            Ok(answer) => outcome_of(contact, &answer),
            Err(fault) => fault.outcome(),
        }
    }

    fn checked(&self, url: &str) -> Result<String, &'static str> {
        if !self.is_private_allowed {
            return media_url::check(url);
        }
        let url = url::Url::parse(url).map_err(|_| "can't be read")?;
        if matches!(url.scheme(), "http" | "https") { Ok(url.into()) } else { Err("must be an http or https URL") }
    }
}

/// `t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body" in hexadecimal digits>`.
pub fn sign(secret: &str, at: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// A receiver that answers has not lost the request: other than elsewhere, a 5xx is its refusal. One that does not let us in, or is not
/// where it should be, is so for all leads.
fn outcome_of(contact: &Contact, answer: &Answer) -> Outcome {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Outcome::Accepted(Receipt {
            provider: "webhook",
            provider_ref: Some(contact.attempt.to_string()),
            result: json!({ "status": status }),
            ..Receipt::default()
        });
    }
    if answer.status.is_redirection() || matches!(status, 401 | 402 | 403 | 404 | 405 | 407) {
        let error = format!("the receiver answers {status}: {}", answer.text());
        return Outcome::Wait { after: answer.retry_after.unwrap_or(http::LOCKED_OUT), error };
    }
    let refusal =
        Refusal { retry_after: answer.retry_after, ..Refusal::transient(format!("{status}: {}", answer.text())) };
    let may_pass = answer.status.is_server_error() || matches!(status, 408 | 425 | 429);
    Outcome::Refused(Refusal { is_permanent: !may_pass, ..refusal })
}

impl Sender for Webhook {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match &contact.message {
                Message::Webhook { url, payload } => self.hand_over(&contact, url, payload).await,
                other => Outcome::Refused(Refusal::permanent(format!("a webhook takes no {}", other.channel()))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_an_hmac_over_the_instant_and_the_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let expected = "t=1700000000,v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23";
        assert_eq!(sign("0123456789abcdef", 1_700_000_000, br#"{"a":1}"#), expected);
    }
}
