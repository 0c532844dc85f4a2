//! What providers know Herald by: typed per provider, sealed at rest, never shown again.

mod change;
mod imap;
mod oauth;
mod smtp;

use sea_orm::EnumIter;
use serde::{Deserialize, Serialize};

pub use self::change::Change;
pub use self::imap::{Imap, ImapSecurity};
pub use self::oauth::OAuth;
use super::keitaro::Mapping;
use crate::error::Violations;

/// A provider that an integration speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
#[graphql(name = "IntegrationProvider")]
pub enum Provider {
    /// A mail server, for email steps.
    Smtp,
    /// Text messages by Twilio.
    Twilio,
    /// Calls by VAPI's assistants.
    Vapi,
    /// Email campaigns by Instantly, version 2 of its API.
    Instantly,
    /// Signed requests to servers of your own.
    Webhook,
    /// Conversions that a Keitaro tracker posts back.
    Keitaro,
}

impl Provider {
    /// The name in the database, in webhook paths and in `ContactAttempt.provider`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Twilio => "twilio",
            Self::Vapi => "vapi",
            Self::Instantly => "instantly",
            Self::Webhook => "webhook",
            Self::Keitaro => "keitaro",
        }
    }

    /// The provider of this name.
    pub fn named(name: &str) -> Option<Self> {
        <Self as sea_orm::Iterable>::iter().find(|provider| provider.name() == name)
    }

    /// What the provider is for, as the specification's `IntegrationConfig.type`.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Smtp | Self::Instantly => Kind::Email,
            Self::Twilio => Kind::Sms,
            Self::Vapi => Kind::Call,
            Self::Webhook => Kind::Webhook,
            Self::Keitaro => Kind::Tracking,
        }
    }
}

/// What a provider is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
#[graphql(name = "IntegrationType")]
pub enum Kind {
    /// It sends emails.
    Email,
    /// It sends text messages.
    Sms,
    /// It makes calls.
    Call,
    /// It is told by requests over HTTP.
    Webhook,
    /// It tells of conversions.
    Tracking,
}

impl Kind {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Webhook => "webhook",
            Self::Tracking => "tracking",
        }
    }
}

/// A secret. It shows in nothing but its last characters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for those who hand it to the provider.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `****` and the last four characters, of a secret long enough to keep the rest of it safe.
    pub fn hint(&self) -> String {
        let length = self.0.chars().count();
        let tail = if length >= 12 { self.0.chars().skip(length - 4).collect() } else { String::new() };
        format!("****{tail}")
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hint())
    }
}

/// Letters of the sign in an address that names the contact: `inbox+SIGN@example.com`.
pub const TAG: usize = 42;

/// How the way to a mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
#[graphql(name = "SmtpSecurity")]
pub enum Security {
    /// The connection becomes TLS before anything is told; a server that can't is refused. Mostly port 587.
    #[default]
    Starttls,
    /// TLS from the first byte. Mostly port 465.
    Tls,
    /// In plain text, to a server on this machine only.
    None,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smtp {
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the way to it is kept private.
    pub security: Security,
    /// By which name it knows us; None for one that asks for none.
    pub username: Option<String>,
    /// The password that goes with the name.
    pub password: Option<Secret>,
    /// Whom emails come from, such as `Herald <hello@example.com>`.
    pub from: String,
    /// Where answers go, if not there.
    pub reply_to: Option<String>,
    /// The mailbox to which bounces go, and answers if nothing else is said: each email has an address of its own there, after a `+`.
    #[serde(default)]
    pub inbox: Option<String>,
    /// The token with which emails that came in are posted to Herald; None: none is taken.
    #[serde(default)]
    pub webhook_token: Option<Secret>,
    /// How the mailbox is read; None: it is not.
    #[serde(default)]
    pub imap: Option<Box<Imap>>,
    /// Emails a second at most.
    pub per_second: u32,
}

/// A Twilio account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twilio {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// Signs in, and checks the signatures of callbacks.
    pub auth_token: Secret,
    /// The number that messages come from; None with a Messaging Service.
    pub from: Option<String>,
    /// `MG` and 32 hexadecimal digits; None with a number.
    pub messaging_service_sid: Option<String>,
    /// Segments a second at most: a long code takes one.
    pub segments_per_second: u32,
}

/// A VAPI organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vapi {
    /// The private key.
    pub api_key: Secret,
    /// The secret that VAPI's webhooks must carry as `X-Vapi-Secret`.
    pub webhook_secret: Secret,
    /// The assistant of calls whose script names none.
    pub assistant_id: Option<String>,
    /// The number of calls whose script names none.
    pub phone_number_id: Option<String>,
}

/// An Instantly workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instantly {
    /// A key of version 2, with the scopes of campaigns, leads and webhooks.
    pub api_key: Secret,
    /// The secret that Instantly's webhooks must carry as `X-Herald-Secret`.
    pub webhook_secret: Secret,
    /// The accounts that campaigns are sent from.
    pub accounts: Vec<String>,
}

/// How outgoing webhooks are signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The key of the signature.
    pub secret: Secret,
}

/// How incoming postbacks of Keitaro are told from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keitaro {
    /// The token in their path, query or header.
    pub token: Secret,
    /// The currency of revenue that names none, ISO 4217.
    pub currency: String,
    /// Whether a tentative conversion, a `lead`, ends sequences as a sale does.
    pub lead_converts: bool,
    /// What words of postbacks stand for.
    #[serde(default)]
    pub postback_mapping: Mapping,
}

impl Keitaro {
    /// The operator's words as they are shown: `hold = REJECTED`; None if there are none.
    fn mapping_shown(&self) -> Option<String> {
        let all: Vec<String> =
            self.postback_mapping.0.iter().map(|(word, status)| format!("{word} = {status}")).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// The credentials of one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Credentials {
    /// Of a mail server.
    Smtp(Smtp),
    /// Of Twilio.
    Twilio(Twilio),
    /// Of VAPI.
    Vapi(Vapi),
    /// Of Instantly.
    Instantly(Instantly),
    /// Of outgoing webhooks.
    Webhook(Webhook),
    /// Of Keitaro.
    Keitaro(Keitaro),
}

impl Credentials {
    /// The provider that takes these credentials.
    pub const fn provider(&self) -> Provider {
        match self {
            Self::Smtp(_) => Provider::Smtp,
            Self::Twilio(_) => Provider::Twilio,
            Self::Vapi(_) => Provider::Vapi,
            Self::Instantly(_) => Provider::Instantly,
            Self::Webhook(_) => Provider::Webhook,
            Self::Keitaro(_) => Provider::Keitaro,
        }
    }

    /// The hints that may be shown of the credentials, by name: secrets are cut down to their last characters.
    pub fn hints(&self) -> Vec<(&'static str, String)> {
        let some = |name, text: &Option<String>| text.clone().map(|text| (name, text));
        match self {
            Self::Smtp(smtp) => [
                Some(("host", format!("{}:{}", smtp.host, smtp.port))),
                some("username", &smtp.username),
                smtp.password.as_ref().map(|password| ("password", password.hint())),
                Some(("from", smtp.from.clone())),
                some("replyTo", &smtp.reply_to),
                some("inbox", &smtp.inbox),
                Some(("perSecond", smtp.per_second.to_string())),
                smtp.webhook_token.as_ref().map(|token| ("webhookToken", token.hint())),
            ]
            .into_iter()
            .flatten()
            .chain(smtp.imap.iter().flat_map(|imap| imap.hints()))
            .collect(),
            Self::Twilio(twilio) => [
                Some(("accountSid", twilio.account_sid.clone())),
                Some(("authToken", twilio.auth_token.hint())),
                some("from", &twilio.from),
                some("messagingServiceSid", &twilio.messaging_service_sid),
                Some(("segmentsPerSecond", twilio.segments_per_second.to_string())),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Self::Vapi(vapi) => [
                Some(("apiKey", vapi.api_key.hint())),
                Some(("webhookSecret", vapi.webhook_secret.hint())),
                some("assistantId", &vapi.assistant_id),
                some("phoneNumberId", &vapi.phone_number_id),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Self::Instantly(instantly) => vec![
                ("apiKey", instantly.api_key.hint()),
                ("webhookSecret", instantly.webhook_secret.hint()),
                ("accounts", instantly.accounts.join(", ")),
            ],
            Self::Webhook(webhook) => vec![("secret", webhook.secret.hint())],
            Self::Keitaro(keitaro) => [
                Some(("token", keitaro.token.hint())),
                Some(("currency", keitaro.currency.clone())),
                Some(("leadConverts", keitaro.lead_converts.to_string())),
                some("postbackMapping", &keitaro.mapping_shown()),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }

    /// Notes all that can't be right about the credentials, each under `input.<provider>.<field>`.
    pub fn check(&self, violations: &mut Violations) {
        let provider = self.provider().name();
        let mut require = |holds: bool, field: &str, message: &str| {
            violations.require(holds, &format!("{provider}.{field}"), message);
        };
        let is_secret = |secret: &Secret| (8..=512).contains(&secret.expose().len());
        let secret = "must have 8 to 512 bytes";
        match self {
            Self::Smtp(smtp) => smtp.check(&mut require),
            Self::Twilio(twilio) => {
                require(is_sid(&twilio.account_sid, "AC"), "accountSid", "must be AC and 32 hexadecimal digits");
                require(is_secret(&twilio.auth_token), "authToken", secret);
                let sid = twilio.messaging_service_sid.as_deref();
                let is_service = sid.is_none_or(|sid| is_sid(sid, "MG"));
                require(is_service, "messagingServiceSid", "must be MG and 32 hexadecimal digits");
                let is_one = twilio.from.is_some() != twilio.messaging_service_sid.is_some();
                require(is_one, "from", "either a number or a messagingServiceSid is wanted");
                require((1..=1_000).contains(&twilio.segments_per_second), "segmentsPerSecond", "must be 1 to 1,000");
            }
            Self::Vapi(vapi) => {
                require(is_secret(&vapi.api_key), "apiKey", secret);
                require(is_secret(&vapi.webhook_secret), "webhookSecret", secret);
            }
            Self::Instantly(instantly) => {
                require(is_secret(&instantly.api_key), "apiKey", secret);
                require(is_secret(&instantly.webhook_secret), "webhookSecret", secret);
                let are_accounts =
                    instantly.accounts.len() <= 100 && instantly.accounts.iter().all(|one| one.contains('@'));
                require(are_accounts, "accounts", "must be at most 100 email addresses");
            }
            Self::Webhook(webhook) => {
                require((16..=512).contains(&webhook.secret.expose().len()), "secret", "must have 16 to 512 bytes");
            }
            Self::Keitaro(keitaro) => {
                require(is_token(&keitaro.token), "token", TOKEN);
                let is_currency =
                    keitaro.currency.len() == 3 && keitaro.currency.bytes().all(|b| b.is_ascii_uppercase());
                require(is_currency, "currency", "must be a currency such as USD");
                let mistake = keitaro.postback_mapping.mistake();
                require(mistake.is_none(), "postbackMapping", &mistake.unwrap_or_default());
            }
        }
    }
}

/// What is said of a token that somebody could guess, or that can't stand in a path.
const TOKEN: &str = "must have 16 to 128 letters, digits, - or _: nobody may guess it";

fn is_token(token: &Secret) -> bool {
    let token = token.expose();
    (16..=128).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
