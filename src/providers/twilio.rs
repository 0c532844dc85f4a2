//! Text messages by Twilio's Messages API. It knows no idempotency key: what may have been taken is never sent again.

use futures_util::future::BoxFuture;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::http::{self, Answer, LOCKED_OUT};
use super::{Contact, Message, Outcome, Receipt, Refusal, Sender, Trial};
use domain::retention::callback::twilio_cost;
use domain::retention::credentials;
use domain::retention::twilio_errors::{Meaning, meaning};
use domain::sms;

/// One Twilio account.
#[derive(Debug)]
pub struct Twilio {
    http: Client,
    base: String,
    public_url: String,
    account: credentials::Twilio,
}

/// Twilio's answer for a message that it took. Numbers come as text.
#[derive(Debug, Deserialize)]
struct Taken {
    sid: String,
    status: Option<String>,
    num_segments: Option<String>,
    /// A text, as all numbers of Twilio's, or null; whatever it is, the message was taken.
    #[serde(default)]
    price: Json,
    #[serde(default)]
    price_unit: Json,
}

/// Twilio's answer for a message that it refused.
#[derive(Debug, Default)]
struct Refused {
    code: Option<u32>,
    message: Option<String>,
}

impl Refused {
    /// Its code as a number or as a text: a STOP must not be lost by how it is written.
    fn read(answer: &Answer) -> Self {
        let Some(told) = answer.json::<Json>() else { return Self::default() };
        let code = told["code"].as_u64().and_then(|code| u32::try_from(code).ok());
        let code = code.or_else(|| told["code"].as_str()?.trim().parse().ok());
        Self { code, message: told["message"].as_str().map(ToOwned::to_owned) }
    }
}

impl Twilio {
    /// The account at `base`, which calls back at `public_url`.
    pub fn new(base: &str, public_url: &str, account: credentials::Twilio) -> Self {
        let (base, public_url) = (base.trim_end_matches('/').to_owned(), public_url.to_owned());
        Self { http: http::client(), base, public_url, account }
    }

    /// Asks whether the credentials hold.
    pub async fn test(&self) -> Trial {
        let url = format!("{}/2010-04-01/Accounts/{}.json", self.base, self.account.account_sid);
        Trial::of(http::call(self.signed_in(self.http.get(url))).await)
    }

    fn signed_in(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.basic_auth(&self.account.account_sid, Some(self.account.auth_token.expose()))
    }

    async fn hand_over(&self, contact: &Contact, to: &str, body: &str) -> Outcome {
        let sid = &self.account.account_sid;
        let url = format!("{}/2010-04-01/Accounts/{sid}/Messages.json", self.base);
        // The fragment asks for five repetitions of a callback that fails; it is no part of what is signed.
        let callback = format!("{}/api/webhooks/twilio?attempt={}#rc=5&rp=all", self.public_url, contact.attempt);
        let sender = match (&self.account.messaging_service_sid, &self.account.from) {
            (Some(service), _) => ("MessagingServiceSid", service.as_str()),
            (None, from) => ("From", from.as_deref().unwrap_or_default()),
        };
        let form = [("To", to), ("Body", body), ("StatusCallback", &callback), sender];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        match http::call(self.signed_in(request)).await {
            Ok(answer) => outcome_of(&answer, form[1].1),
            Err(fault) => fault.outcome(),
        }
    }
}

fn outcome_of(answer: &Answer, body: &str) -> Outcome {
    if answer.status.is_success() {
        let Some(taken) = answer.json::<Taken>() else {
            return Outcome::Unknown { error: format!("{}: the answer can't be read", answer.status.as_u16()) };
        };
        let counted = taken.num_segments.and_then(|count| count.parse().ok()).filter(|count| *count > 0);
        let segments = counted.unwrap_or_else(|| sms::segments(body));
        let price = taken.price.as_str().and_then(|price| twilio_cost(price, taken.price_unit.as_str()));
        let (cost_micros, currency) = price.unzip();
        return Outcome::Accepted(Receipt {
            provider: "twilio",
            cost_micros,
            currency,
            provider_ref: Some(taken.sid),
            result: json!({ "status": taken.status, "segments": segments }),
        });
    }
    let refused = Refused::read(answer);
    let error = match (&refused.code, &refused.message) {
        (Some(code), Some(message)) => format!("{code} {message}"),
        (Some(code), None) => code.to_string(),
        _ => answer.text(),
    };
    match refused.code.map(meaning) {
        Some(Some(Meaning::OptOut)) => Outcome::Refused(Refusal { is_opt_out: true, ..Refusal::permanent(error) }),
        Some(Some(Meaning::Dead)) => Outcome::Refused(Refusal::dead(error)),
        Some(Some(Meaning::Sender(after))) => Outcome::Wait { after: answer.retry_after.unwrap_or(after), error },
        Some(Some(Meaning::Account)) => Outcome::Wait { after: LOCKED_OUT, error },
        Some(Some(Meaning::Message)) if answer.status.is_client_error() && answer.status.as_u16() != 429 => {
            Outcome::Refused(Refusal::permanent(error))
        }
        _ => answer.common(&error).unwrap_or_else(|| unclear(answer, refused.code, error)),
    }
}

/// A refusal of which nobody knows whose it is. Without a code it does not come from Twilio's API, which no message changes: somebody
/// must look at the address.
fn unclear(answer: &Answer, code: Option<u32>, error: String) -> Outcome {
    match code {
        Some(code) => Outcome::Refused(Refusal { unknown: Some(code.to_string()), ..Refusal::permanent(error) }),
        None => Outcome::Wait { after: LOCKED_OUT, error: format!("{}: {error}", answer.status.as_u16()) },
    }
}

impl Sender for Twilio {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match &contact.message {
                Message::Sms { body, .. } if body.chars().count() > sms::LONGEST => {
                    Outcome::Refused(Refusal::permanent("a text message has at most 1,600 characters"))
                }
                Message::Sms { to, body } => self.hand_over(&contact, to, body).await,
                other => Outcome::Refused(Refusal::permanent(format!("Twilio takes no {}", other.channel()))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;

    use super::*;

    fn answer(status: u16, body: &serde_json::Value) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), body: body.to_string().into_bytes(), retry_after: None }
    }

    fn error(status: u16, code: u32) -> Outcome {
        outcome_of(&answer(status, &json!({ "code": code, "message": "why", "status": status })), "Hi")
    }

    #[test]
    fn segments_are_taken_from_the_answer_or_counted() {
        let segments = |told_of: &str| {
            let taken = json!({ "sid": "SM1", "status": "queued", "num_segments": told_of });
            match outcome_of(&answer(201, &taken), &"я".repeat(71)) {
                Outcome::Accepted(receipt) => receipt.result["segments"].clone(),
                other => panic!("{other:?}"),
            }
        };
        // With a Messaging Service the answer says 0.
        assert_eq!((segments("3"), segments("0")), (json!(3), json!(2)));
    }

    #[test]
    fn a_price_that_is_known_at_once_is_kept() {
        let cost = |price: &serde_json::Value| {
            let taken = json!({ "sid": "SM1", "status": "queued", "price": price, "price_unit": "EUR" });
            match outcome_of(&answer(201, &taken), "Hi") {
                Outcome::Accepted(receipt) => receipt.cost_micros.zip(receipt.currency),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(cost(&json!("-0.0750")), Some((75_000, "EUR".into())));
        assert_eq!((cost(&json!(null)), cost(&json!({}))), (None, None));
    }

    #[test]
    fn errors_have_owners() {
        let permanent =
            |outcome| matches!(outcome, Outcome::Refused(Refusal { is_permanent: true, is_opt_out: false, .. }));
        let waits = |outcome: Outcome| match outcome {
            Outcome::Wait { after, .. } => after,
            other => panic!("{other:?}"),
        };
        assert!(permanent(error(400, 21_211)) && permanent(error(400, 21_999)) && permanent(error(404, 12_345)));
        assert!(matches!(error(400, 21_610), Outcome::Refused(Refusal { is_opt_out: true, is_permanent: true, .. })));
        assert_eq!(waits(error(429, 20_429)), Duration::from_secs(5));
        assert_eq!(waits(error(400, 21_611)), Duration::from_mins(10));
        for code in [20_003, 21_606, 21_659, 21_212, 21_408, 21_608, 21_603, 30_034, 10_001, 90_010, 21_704, 63_007] {
            assert_eq!(waits(error(400, code)), LOCKED_OUT, "{code}");
        }
        // Not to be let in, and to have to pay, is no message's fault, whatever the code is.
        for status in [401, 402, 403] {
            assert_eq!(waits(error(status, 12_345)), LOCKED_OUT, "{status}");
        }
        assert_eq!(waits(outcome_of(&answer(404, &json!("no such page")), "Hi")), LOCKED_OUT);
        assert!(matches!(error(400, 21_999), Outcome::Refused(Refusal { unknown: Some(code), .. }) if code == "21999"));
        let as_text = json!({ "code": "21610", "message": "STOP" });
        assert!(matches!(outcome_of(&answer(400, &as_text), "Hi"), Outcome::Refused(Refusal { is_opt_out: true, .. })));
        assert!(matches!(error(400, 21_617), Outcome::Refused(Refusal { unknown: None, .. })));
        for code in [21_211, 21_614, 21_635, 30_006] {
            assert!(matches!(error(400, code), Outcome::Refused(Refusal { is_dead: true, .. })), "{code}");
        }
        assert_eq!(waits(outcome_of(&answer(503, &json!({})), "Hi")), http::AWAY);
        assert!(matches!(outcome_of(&answer(500, &json!({})), "Hi"), Outcome::Unknown { .. }));
        assert!(matches!(outcome_of(&answer(201, &json!("?")), "Hi"), Outcome::Unknown { .. }));
    }
}
