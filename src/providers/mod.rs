//! The seam to providers: what Herald hands over for a lead, and who takes it.

pub mod http;
pub mod imap;
pub mod instantly;
pub mod notice;
pub mod paced;
pub mod simulated;
pub mod smtp;
mod trial;
pub mod twilio;
pub mod vapi;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

pub use self::trial::Trial;

/// How long an answer is awaited before the outcome is [`Outcome::Unknown`]. Senders give up before that, each where it knows best
/// what was handed over.
pub const CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// One contact with one lead. Its `ContactAttempt` is stored before it is handed over: no provider but a receiver of webhooks
/// knows a repetition, so what may have been accepted is never handed over again.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The `ContactAttempt`: providers carry it along, and their callbacks are found by it.
    pub attempt: Uuid,
    /// The lead that is contacted.
    pub lead: Uuid,
    /// The message that is handed over, by which channel.
    pub message: Message,
}

/// A message with its address. Texts are rendered, addresses in their normal form.
#[derive(Debug, Clone)]
pub enum Message {
    /// An email.
    Email(Email),
    /// A text message.
    Sms {
        /// E.164, such as `+14155552671`.
        to: String,
        /// At most 1,600 characters.
        body: String,
    },
    /// A call by an assistant.
    Call(Call),
    /// A request to somebody else's server.
    Webhook {
        /// http or https, never a private address.
        url: String,
        /// Sent as JSON, signed.
        payload: Json,
    },
    /// A message from a Telegram account to a lead who consented to it.
    Telegram {
        /// Without the `@`.
        username: String,
        /// The text.
        text: String,
    },
}

/// An email to one lead.
#[derive(Debug, Clone)]
pub struct Email {
    /// The address, in lower case.
    pub to: String,
    /// The lead's whole name, if it is known.
    pub name: Option<String>,
    /// The given name alone.
    pub first_name: Option<String>,
    /// The family name alone.
    pub last_name: Option<String>,
    /// The line of the subject.
    pub subject: String,
    /// The text.
    pub body: Body,
    /// Where one click ends all emails (RFC 8058); None leaves the header out.
    pub unsubscribe: Option<String>,
    /// The sign in the address to which bounces and answers come, where there is a mailbox for them; None: there is none.
    pub tag: Option<String>,
    /// The Instantly campaign through which it goes; None for the mail server.
    pub instantly_campaign: Option<Uuid>,
}

/// The text of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Words.
    Text(String),
    /// A page, and the same in words for programs that show none.
    Html {
        /// The page.
        html: String,
        /// The words; empty if the page has none.
        plain: String,
    },
}

/// A call to one lead.
#[derive(Debug, Clone)]
pub struct Call {
    /// E.164.
    pub to: String,
    /// The lead's name, if it is known.
    pub name: Option<String>,
    /// The assistant's first sentence, if the script says so.
    pub first_message: Option<String>,
    /// The facts of the lead that the assistant knows, by name.
    pub variables: Map<String, Json>,
    /// `vapiConfig` of the script over that of the campaign: `assistantId`, `phoneNumberId`, `assistantOverrides` and so on.
    pub config: Map<String, Json>,
}

/// The outcome of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Accepted(Receipt),
    /// The provider refused it: it was surely not sent.
    Refused(Refusal),
    /// The contact was surely not sent, and that is not the contact's fault: the provider is not set up, can't be
    /// reached, is busy, or its own pace is reached. It costs no attempt; it is to be handed over again after `after`.
    Wait {
        /// How long, at least.
        after: Duration,
        /// Why, for operators.
        error: String,
    },
    /// The contact may have been sent: only a callback or a look-up can tell. It must not be handed over again.
    Unknown {
        /// Why nobody knows, for operators.
        error: String,
    },
}

/// The provider's receipt for a contact that it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The provider, as `IntegrationConfig` names it: `smtp`, `twilio`, `vapi`, `webhook`, `instantly`, `telegram`, `simulated`.
    pub provider: &'static str,
    /// By which id the provider knows it: callbacks carry that.
    pub provider_ref: Option<String>,
    /// The price, in millionths of the currency, where that is known at once.
    pub cost_micros: Option<i64>,
    /// The currency of the cost, ISO 4217.
    pub currency: Option<String>,
    /// The beginning of `ContactAttempt.result`, such as `{ "status": "queued", "segments": 1 }`.
    pub result: Json,
}

/// Why the provider refused a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// For operators; no secret is in it.
    pub error: String,
    /// No repetition can help: the step is skipped at once.
    pub is_permanent: bool,
    /// The lead does not want this channel: do not contact, from now on.
    pub is_opt_out: bool,
    /// There is nobody at the address, and never will be: it is remembered.
    pub is_dead: bool,
    /// The provider said how long to wait before a repetition, at least.
    pub retry_after: Option<Duration>,
    /// What the provider calls it, if nobody knows whose fault that is: told of several recipients in a row, it is none of theirs.
    pub unknown: Option<String>,
}

impl Refusal {
    /// A refusal that no repetition can help.
    pub fn permanent(error: impl Into<String>) -> Self {
        Self { error: error.into(), is_permanent: true, ..Self::default() }
    }

    /// There is nobody at the address.
    pub fn dead(error: impl Into<String>) -> Self {
        Self { is_dead: true, ..Self::permanent(error) }
    }

    /// A refusal that a repetition may help.
    pub fn transient(error: impl Into<String>) -> Self {
        Self { error: error.into(), ..Self::default() }
    }
}

/// Takes contacts to a provider.
pub trait Sender: Send + Sync + 'static {
    /// Hands the contact over.
    ///
    /// Dropping the future takes nothing back: what was handed over may have been accepted.
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome>;
}

impl Message {
    /// The channel, as reports call it: `EMAIL`, `SMS`, `CALL`, `WEBHOOK` or `TELEGRAM`.
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Email(_) => "EMAIL",
            Self::Sms { .. } => "SMS",
            Self::Call(_) => "CALL",
            Self::Webhook { .. } => "WEBHOOK",
            Self::Telegram { .. } => "TELEGRAM",
        }
    }

    /// Where it goes.
    pub fn to(&self) -> &str {
        match self {
            Self::Email(Email { to, .. }) | Self::Sms { to, .. } | Self::Call(Call { to, .. }) => to,
            Self::Webhook { url, .. } => url,
            Self::Telegram { username, .. } => username,
        }
    }
}

/// Any sender can be shared.
impl<S: Sender + ?Sized> Sender for Arc<S> {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        (**self).send(contact)
    }
}
