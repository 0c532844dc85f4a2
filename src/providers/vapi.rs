//! Calls by VAPI's assistants. It knows no idempotency key: a repetition would ring twice.

use futures_util::future::BoxFuture;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::http::{self, Answer, Fault};
use super::{Call, Contact, Message, Outcome, Receipt, Refusal, Sender, Trial};
use domain::retention::credentials;

/// The fields of a call that `vapiConfig` may set; all else is left out.
const CONFIGURED: [&str; 12] = [
    "assistantId",
    "assistant",
    "assistantVersion",
    "assistantOverrides",
    "squadId",
    "squad",
    "squadOverrides",
    "workflowId",
    "workflow",
    "workflowOverrides",
    "phoneNumberId",
    "phoneNumber",
];
/// The fields that say who speaks: one of them is needed.
const SPEAKERS: [&str; 6] = ["assistantId", "assistant", "squadId", "squad", "workflowId", "workflow"];

/// One VAPI organisation.
#[derive(Debug)]
pub struct Vapi {
    http: Client,
    base: String,
    public_url: String,
    account: credentials::Vapi,
}

#[derive(Debug, Deserialize)]
struct Created {
    id: String,
    status: Option<String>,
}

impl Vapi {
    /// The organisation at `base`, which reports to `public_url`.
    pub fn new(base: &str, public_url: &str, account: credentials::Vapi) -> Self {
        let (base, public_url) = (base.trim_end_matches('/').to_owned(), public_url.to_owned());
        Self { http: http::client(), base, public_url, account }
    }

    /// Asks whether the credentials hold.
    pub async fn test(&self) -> Trial {
        let ask = async |path: String| {
            let request = self.http.get(format!("{}/{path}", self.base));
            Trial::of(http::call(request.bearer_auth(self.account.api_key.expose())).await)
        };
        let mut trial = ask("call?limit=1".into()).await;
        let named = [
            ("assistantId", "assistant", &self.account.assistant_id),
            ("phoneNumberId", "phone-number", &self.account.phone_number_id),
        ];
        for (field, path, id) in named {
            let Some(id) = id else {
                if trial.is_ok {
                    trial.message =
                        format!("{}; no {field} is set: each script or campaign must name one", trial.message);
                }
                continue;
            };
            if trial.is_ok {
                let there = ask(format!("{path}/{}", urlencoded(id))).await;
                if !there.is_ok {
                    trial = Trial::failed(format!("{field}: {}", there.message));
                }
            }
        }
        trial
    }

    /// The call `id`, as its report would tell of it; None if there is none.
    ///
    /// # Errors
    /// It can't be had now.
    pub async fn call(&self, id: &str) -> Result<Option<Json>, Fault> {
        let request = self.http.get(format!("{}/call/{}", self.base, urlencoded(id)));
        let answer = http::call(request.bearer_auth(self.account.api_key.expose())).await?;
        match answer.status.as_u16() {
            200 => Ok(answer.json()),
            404 => Ok(None),
            status => Err(Fault::Unreached(format!("{status}: {}", answer.text()))),
        }
    }

    async fn hand_over(&self, contact: &Contact, call: &Call) -> Outcome {
        let body = match self.body(contact, call) {
            Ok(body) => body,
            // What nobody has set up is no lead's fault.
            Err(error) => return Outcome::Wait { after: http::LOCKED_OUT, error: error.into() },
        };
        let request = self.http.post(format!("{}/call", self.base)).bearer_auth(self.account.api_key.expose());
        match http::call(request.json(&body)).await {
            Ok(answer) => outcome_of(&answer),
            Err(fault) => fault.outcome(),
        }
    }

    /// `CreateCallDTO`: what the script says over what the integration says, and what Herald needs over both.
    fn body(&self, contact: &Contact, call: &Call) -> Result<Json, &'static str> {
        let mut body: Map<String, Json> =
            call.config.iter().filter(|(name, _)| CONFIGURED.contains(&name.as_str())).map(clone).collect();
        if !SPEAKERS.iter().any(|name| body.contains_key(*name)) {
            let id = self
                .account
                .assistant_id
                .as_ref()
                .ok_or("neither the script nor the integration names an assistant")?;
            body.insert("assistantId".into(), json!(id));
        }
        if !body.contains_key("phoneNumberId") && !body.contains_key("phoneNumber") {
            let id =
                self.account.phone_number_id.as_ref().ok_or("neither the script nor the integration names a number")?;
            body.insert("phoneNumberId".into(), json!(id));
        }
        let overrides = if body.contains_key("squadId") || body.contains_key("squad") {
            "squadOverrides"
        } else if body.contains_key("workflowId") || body.contains_key("workflow") {
            "workflowOverrides"
        } else {
            "assistantOverrides"
        };
        let mut overridden =
            body.remove(overrides).and_then(|overridden| overridden.as_object().cloned()).unwrap_or_default();
        if let Some(first) = &call.first_message {
            overridden.insert("firstMessage".into(), json!(first));
        }
        let mut variables = overridden
            .remove("variableValues")
            .and_then(|overridden| overridden.as_object().cloned())
            .unwrap_or_default();
        variables.extend(call.variables.iter().map(clone));
        overridden.insert("variableValues".into(), variables.into());
        overridden.insert("metadata".into(), json!({ "attempt": contact.attempt, "lead": contact.lead }));
        overridden.insert("server".into(), self.server());
        body.insert(overrides.into(), overridden.into());
        let mut customer = json!({ "number": call.to, "externalId": contact.lead });
        if let Some(name) = &call.name {
            customer["name"] = json!(name.chars().take(40).collect::<String>());
        }
        body.insert("customer".into(), customer);
        body.insert("name".into(), json!(contact.attempt.simple()));
        Ok(body.into())
    }

    /// Where it reports. VAPI's own description of its API allows neither a list of messages nor a plan for repetitions in the
    /// form that it takes, so there are none: what is not wanted is passed over, and a report that is lost is fetched.
    fn server(&self) -> Json {
        json!({
            "url": format!("{}/api/webhooks/vapi", self.public_url),
            "timeoutSeconds": 20,
            "headers": { "X-Vapi-Secret": self.account.webhook_secret.expose() },
        })
    }
}

fn clone((name, value): (&String, &Json)) -> (String, Json) {
    (name.clone(), value.clone())
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn outcome_of(answer: &Answer) -> Outcome {
    if answer.status.is_success() {
        return match answer.json::<Created>() {
            Some(call) => Outcome::Accepted(Receipt {
                provider: "vapi",
                provider_ref: Some(call.id),
                result: json!({ "status": call.status }),
                ..Receipt::default()
            }),
            None => Outcome::Unknown { error: format!("{}: the answer can't be read", answer.status.as_u16()) },
        };
    }
    let error = answer.text();
    if answer.status.as_u16() == 400 && error.to_ascii_lowercase().contains("concurrency") {
        // All lines are taken: calls end, and then there is a free one.
        return Outcome::Wait { after: answer.retry_after.unwrap_or(http::AWAY), error };
    }
    if let Some(outcome) = answer.common(&error) {
        return outcome;
    }
    if is_recipients(&error) && !http::is_of_account(&error) {
        return Outcome::Refused(Refusal::permanent(error));
    }
    Outcome::Wait { after: answer.retry_after.unwrap_or(http::LOCKED_OUT), error }
}

/// Whether a refusal names what belongs to this one call: whom it rings, and what it says. All else, such as a number or an assistant
/// that does not exist, is of the account or of what is set up.
fn is_recipients(error: &str) -> bool {
    let said = error.to_ascii_lowercase();
    ["customer", "firstmessage", "variablevalues"].iter().any(|word| said.contains(word))
}

impl Sender for Vapi {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match &contact.message {
                Message::Call(call) => self.hand_over(&contact, call).await,
                other => Outcome::Refused(Refusal::permanent(format!("VAPI takes no {}", other.channel()))),
            }
        })
    }
}
