//! Emails by a mail server. Until its content is handed over nothing is sent; after that, only an answer can tell.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use parking_lot::Mutex;
use serde_json::json;

use super::http::{AWAY, LOCKED_OUT};
use super::{Body, Contact, Email, Message, Outcome, Receipt, Refusal, Sender, Trial};
use domain::clock::Clock;
use domain::retention::credentials::{self, Security};
use domain::retention::mail_answer::{self, Owner, Step};

/// How long the server may take over the content of one email.
const CONTENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long each step before that may take: to connect, and to say who writes to whom.
const STEP_TIMEOUT: Duration = Duration::from_secs(8);
/// Connections that are kept for the next email.
const IDLE: usize = 4;

/// One mail server.
pub struct Smtp {
    account: credentials::Smtp,
    clock: Arc<dyn Clock>,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

/// Why an email was not handed over.
enum Obstacle {
    /// The server can't be reached, or does not let us in.
    Server { after: Duration, error: String },
    /// The server refuses this email.
    Email(Refusal),
    /// The server has done with this connection.
    Connection(String),
}

impl Smtp {
    /// The mail server of `account`.
    pub fn new(account: credentials::Smtp, clock: Arc<dyn Clock>) -> Self {
        Self { account, clock, idle: Mutex::default() }
    }

    /// Asks whether the server lets us in.
    pub async fn test(&self) -> Trial {
        match in_time(self.connect()).await {
            Ok(mut line) => {
                line.abort().await;
                Trial::passed("the mail server lets us in")
            }
            Err(
                Obstacle::Server { error, .. } | Obstacle::Email(Refusal { error, .. }) | Obstacle::Connection(error),
            ) => Trial::failed(error),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Obstacle> {
        let credentials::Smtp { host, port, security, username, password, .. } = &self.account;
        let tls = || TlsParameters::new(host.clone()).map_err(|error| away(&error));
        let name = ClientId::default();
        let implicit = if *security == Security::Tls { Some(tls()?) } else { None };
        let server = (host.as_str(), *port);
        let connected = AsyncSmtpConnection::connect_tokio1(server, Some(STEP_TIMEOUT), &name, implicit, None).await;
        let mut line = connected.map_err(|error| self.at(away(&error)))?;
        if *security == Security::Starttls {
            // Nothing is told in plain text to a server that can't, or that somebody in between made look so.
            line.starttls(tls()?, &name).await.map_err(|error| self.at(locked_out(&error)))?;
        }
        if let (Some(username), Some(password)) = (username, password) {
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            line.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await
                .map_err(|error| self.at(locked_out(&error)))?;
        }
        Ok(line)
    }

    /// The obstacle with the server's name, and what to do about it.
    fn at(&self, obstacle: Obstacle) -> Obstacle {
        let credentials::Smtp { host, port, security, .. } = &self.account;
        match obstacle {
            Obstacle::Server { after, error } => {
                let error = format!("the mail server {host}:{port}: {}", cure(&error, *security));
                Obstacle::Server { after, error }
            }
            refused @ (Obstacle::Email(_) | Obstacle::Connection(_)) => refused,
        }
    }

    /// A connection on which the server has asked for the content.
    async fn offer(&self, envelope: &Envelope) -> Result<AsyncSmtpConnection, Obstacle> {
        let kept = self.idle.lock().pop();
        if let Some(mut line) = kept {
            match in_time(announce(&mut line, envelope)).await {
                // The server closed it meanwhile, or is about to: that says nothing of this email. Another one at once; the
                // others that were kept have waited longer.
                Err(Obstacle::Server { .. } | Obstacle::Connection(_)) => self.idle.lock().clear(),
                outcome => return outcome.map(|()| line),
            }
        }
        let mut line = in_time(self.connect()).await?;
        match in_time(announce(&mut line, envelope)).await {
            // A new one, too: the server wants to be left alone.
            Err(Obstacle::Connection(error)) => Err(self.at(Obstacle::Server { after: AWAY, error })),
            outcome => outcome.map(|()| line),
        }
    }

    async fn hand_over(&self, contact: &Contact, email: &Email) -> Outcome {
        let (message, id) = match self.compose(contact, email) {
            Ok(composed) => composed,
            Err(obstacle) => return obstacle.outcome(),
        };
        let mut line = match self.offer(message.envelope()).await {
            Ok(line) => line,
            Err(obstacle) => return obstacle.outcome(),
        };
        let answer = tokio::time::timeout(CONTENT_TIMEOUT, line.message(&message.formatted())).await;
        match answer {
            Ok(Ok(answer)) => {
                self.keep(line);
                Outcome::Accepted(receipt(id, &answer))
            }
            Ok(Err(error)) => judged(Step::Content, &error).map_or_else(|| lost(&error.to_string()), Obstacle::outcome),
            Err(_) => lost("it took too long"),
        }
    }

    fn keep(&self, line: AsyncSmtpConnection) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE {
            idle.push(line);
        }
    }

    /// The email, and its `Message-ID`, by which bounces find the attempt.
    fn compose(&self, contact: &Contact, email: &Email) -> Result<(lettre::Message, String), Obstacle> {
        // What the account says is in no email's power.
        let wrong =
            |what: &str, why: String| Obstacle::Server { after: LOCKED_OUT, error: format!("the {what}: {why}") };
        let from: Mailbox = self.account.from.parse().map_err(|error| wrong("sender", format!("{error}")))?;
        let not_taken = |error: String| Obstacle::Email(Refusal::permanent(error));
        let address: Address = email.to.parse().map_err(|error| not_taken(format!("the recipient: {error}")))?;
        let id = format!("<{}@{}>", contact.attempt, from.email.domain());
        let inbox = self.inbox(email).map_err(|error| wrong("inbox", error))?;
        let mut builder = lettre::Message::builder()
            .date(SystemTime::from(self.clock.now()))
            .message_id(Some(id.clone()))
            .from(from.clone())
            .to(Mailbox::new(email.name.clone(), Address::clone(&address)))
            .subject(email.subject.clone());
        if let Some(reply_to) = &self.account.reply_to {
            let reply_to = reply_to.parse().map_err(|error| wrong("address for answers", format!("{error}")))?;
            builder = builder.reply_to(reply_to);
        } else if let Some(inbox) = &inbox {
            builder = builder.reply_to(Mailbox::new(from.name.clone(), inbox.clone()));
        }
        if let Some(inbox) = inbox {
            // Bounces go to the sender of the envelope: each email has one of its own.
            let envelope = Envelope::new(Some(inbox), vec![address]);
            builder = builder.envelope(envelope.map_err(|error| wrong("inbox", error.to_string()))?);
        }
        if let Some(url) = &email.unsubscribe {
            // RFC 8058: large mail providers ask for both.
            builder = builder
                .raw_header(raw("List-Unsubscribe", format!("<{url}>")))
                .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
        let message = match email.body.clone() {
            Body::Text(words) => builder.singlepart(SinglePart::plain(words)),
            Body::Html { html, plain } if plain.is_empty() => builder.singlepart(SinglePart::html(html)),
            Body::Html { html, plain } => builder.multipart(MultiPart::alternative_plain_html(plain, html)),
        };
        let message = message.map_err(|error| not_taken(error.to_string()))?;
        Ok((message, id))
    }

    /// The address at which an email's bounces and answers come in, if there is a mailbox for them.
    fn inbox(&self, email: &Email) -> Result<Option<Address>, String> {
        let (Some(inbox), Some(tag)) = (&self.account.inbox, &email.tag) else { return Ok(None) };
        let inbox: Address = inbox.parse().map_err(|error| format!("{error}"))?;
        Address::new(format!("{}+{tag}", inbox.user()), inbox.domain()).map(Some).map_err(|error| error.to_string())
    }
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Tells the server who sends to whom: it may refuse, and until it has asked for the content nothing is sent.
async fn announce(line: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<(), Obstacle> {
    let mut parameters = Vec::new();
    let addresses = envelope.from().into_iter().chain(envelope.to());
    if !addresses.into_iter().all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        if !line.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Obstacle::Email(Refusal::permanent("the mail server knows no addresses beyond ASCII")));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let of = |step: Step| move |error: Error| judged(step, &error).unwrap_or_else(|| away(&error));
    line.command(Mail::new(envelope.from().cloned(), parameters)).await.map_err(of(Step::Sender))?;
    for recipient in envelope.to() {
        line.command(Rcpt::new(recipient.clone(), Vec::new())).await.map_err(of(Step::Recipient))?;
    }
    line.command(Data).await.map_err(of(Step::Content))?;
    Ok(())
}

async fn in_time<T>(step: impl Future<Output = Result<T, Obstacle>>) -> Result<T, Obstacle> {
    let late = |_| Obstacle::Server { after: AWAY, error: "the mail server took too long".into() };
    tokio::time::timeout(STEP_TIMEOUT, step).await.map_err(late)?
}

/// The cause, with what to do about it.
fn cure(error: &str, security: Security) -> String {
    let has = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if has(&["STARTTLS is not supported"]) {
        "it knows no STARTTLS: port 465 wants security TLS; NONE is for a server on this machine only".into()
    } else if has(&["lookup address", "Name or service not known"]) {
        "this machine knows no such host; is it spelled right?".into()
    } else if has(&["Connection refused"]) {
        "nothing listens there; 587 is the usual port with STARTTLS, 465 with TLS".into()
    } else if has(&["certificate", "Certificate"]) {
        format!("its certificate is not good for this name ({error})")
    } else if has(&["(535)", "(534)", "(530)"]) {
        format!("it refuses the user name or the password ({error})")
    } else if security == Security::Tls && has(&["InvalidContentType", "corrupt message", "wrong version"]) {
        "it does not speak TLS on this port: 587 wants security STARTTLS".into()
    } else {
        error.to_owned()
    }
}

fn away(error: &Error) -> Obstacle {
    Obstacle::Server { after: AWAY, error: error.to_string() }
}

fn locked_out(error: &Error) -> Obstacle {
    Obstacle::Server { after: LOCKED_OUT, error: error.to_string() }
}

/// What a 4xx or 5xx means; None for an error that is no answer.
fn judged(step: Step, error: &Error) -> Option<Obstacle> {
    let code = u16::from(error.status()?);
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let error = error.to_string();
    Some(match mail_answer::owner(step, code, &said) {
        Owner::DeadAddress => Obstacle::Email(Refusal::dead(error)),
        Owner::Email => {
            Obstacle::Email(Refusal { unknown: mail_answer::unclear(code, &said), ..Refusal::permanent(error) })
        }
        Owner::EmailForNow => Obstacle::Email(Refusal::transient(error)),
        Owner::Account => Obstacle::Server { after: LOCKED_OUT, error: format!("the mail server refuses us: {error}") },
        Owner::Connection => Obstacle::Connection(error),
    })
}

impl Obstacle {
    /// What it means for a contact, which was surely not sent.
    fn outcome(self) -> Outcome {
        match self {
            Self::Server { after, error } => Outcome::Wait { after, error },
            Self::Email(refusal) => Outcome::Refused(refusal),
            Self::Connection(error) => Outcome::Wait { after: AWAY, error },
        }
    }
}

fn lost(error: &str) -> Outcome {
    Outcome::Unknown { error: format!("the mail server has the content, but did not answer: {error}") }
}

fn receipt(id: String, answer: &Response) -> Receipt {
    Receipt {
        provider: "smtp",
        provider_ref: Some(id),
        result: json!({ "status": "accepted", "answer": answer.first_line() }),
        ..Receipt::default()
    }
}

impl Sender for Smtp {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match &contact.message {
                Message::Email(email) => self.hand_over(&contact, email).await,
                other => Outcome::Refused(Refusal::permanent(format!("a mail server takes no {}", other.channel()))),
            }
        })
    }
}
