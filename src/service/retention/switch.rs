//! One sender for all channels: each contact goes to the provider that is set up for it, at that provider's own pace.

mod held;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::integration;
use crate::Services;
use domain::error::Result;
use domain::id::IntegrationConfigId;
use domain::retention::credentials::{Credentials, Provider};
use providers::instantly::Instantly;
use providers::paced::Paced;
use providers::simulated::{LEDGER, Simulated};
use providers::smtp::Smtp;
use providers::twilio::Twilio;
use providers::vapi::Vapi;
use providers::webhook::Webhook;
use providers::{Contact, Email, Message, Outcome, Sender};
use storage::retention::integration_config;

/// How long what is set up is taken to be so without another look.
const FRESH: Duration = Duration::from_secs(2);
/// How long a contact waits for a provider that is not set up.
const NOT_SET_UP: Duration = Duration::from_mins(5);
/// Calls a second at most: VAPI has ten lines by default.
const CALLS: u32 = 5;
/// Requests a second at most to Instantly, which takes 100 of a whole workspace.
const INSTANTLY: u32 = 50;
/// Webhooks a second at most.
const WEBHOOKS: u32 = 100;

/// Where contacts to leads go: to the providers, or nowhere if that is what `HERALD_PROVIDERS` says.
///
/// # Errors
/// The ledger of the pretend provider can't be written.
pub fn sender(on: &Services) -> io::Result<Arc<dyn Sender>> {
    if on.rules.endpoints.is_simulated {
        let ledger = on.rules.data_dir.join(LEDGER);
        return Ok(Arc::new(Simulated::open(&ledger, Arc::clone(&on.clock))?));
    }
    // Where Telegram is simulated, nothing goes there for leads either; where it is not, workers take it to their accounts.
    let ledger = on.rules.data_dir.join(LEDGER);
    let pretence = on.rules.is_simulated.then(|| Simulated::open(&ledger, Arc::clone(&on.clock))).transpose()?;
    Ok(Arc::new(Switch::new(on.clone(), pretence.map(|sender| Arc::new(sender) as Arc<dyn Sender>))))
}

/// The providers that are set up.
pub struct Switch {
    on: Services,
    /// Telegram, where it is pretended.
    telegram: Option<Arc<dyn Sender>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// When it was looked up, by a clock that never jumps.
    at: Option<Duration>,
    lines: HashMap<Provider, Line>,
    /// Texts wait for so long, and why.
    held: Option<held::Held>,
}

/// A provider, as it was set up in one version of its row.
struct Line {
    row: (IntegrationConfigId, i32),
    sender: Arc<dyn Sender>,
}

/// Where a contact can go now.
enum Way {
    /// To this provider.
    Open(Arc<dyn Sender>),
    /// Nowhere for so long.
    Held(Duration, String),
    /// Nothing is set up.
    Missing,
}

impl Way {
    fn of(sender: Option<Arc<dyn Sender>>) -> Self {
        sender.map_or(Self::Missing, Self::Open)
    }
}

impl Switch {
    /// A switch to the providers that are set up, and to `telegram` if that is only pretended.
    pub fn new(on: Services, telegram: Option<Arc<dyn Sender>>) -> Self {
        Self { on, telegram, known: Mutex::default() }
    }

    async fn line(&self, message: &Message) -> Result<Way> {
        let provider = match message {
            Message::Email(Email { instantly_campaign: Some(_), .. }) => Provider::Instantly,
            Message::Email(_) => Provider::Smtp,
            Message::Sms { .. } => Provider::Twilio,
            Message::Call(_) => Provider::Vapi,
            Message::Webhook { .. } => Provider::Webhook,
            Message::Telegram { .. } => return Ok(Way::of(self.telegram.clone())),
        };
        let mut known = self.known.lock().await;
        let now = self.on.clock.monotonic();
        if known.at.is_none_or(|at| now.saturating_sub(at) > FRESH) {
            self.refresh(&mut known).await?;
            known.at = Some(now);
        }
        Ok(match (&known.held, known.lines.get(&provider)) {
            (Some((after, error)), Some(_)) if provider == Provider::Twilio => Way::Held(*after, error.clone()),
            (_, line) => Way::of(line.map(|line| Arc::clone(&line.sender))),
        })
    }

    /// A provider whose row has not changed keeps its pace, its breaker and its connections.
    async fn refresh(&self, known: &mut Known) -> Result<()> {
        let mut lines = HashMap::new();
        known.held = None;
        for row in integration_config::Entity::active().all(self.on.db.reader()).await? {
            let credentials = match integration::open(&self.on, &row) {
                Ok(credentials) => credentials,
                Err(error) => {
                    tracing::warn!(%error, "an integration can't be used");
                    continue;
                }
            };
            let (provider, version) = (credentials.provider(), (row.id, row.version));
            if provider == Provider::Twilio {
                known.held = held::of_twilio(&self.on, &row).await?;
            }
            let line = match known.lines.remove(&provider).filter(|line| line.row == version) {
                Some(line) => Some(line),
                None => self.build(credentials).map(|sender| Line { row: version, sender }),
            };
            lines.extend(line.map(|line| (provider, line)));
        }
        known.lines = lines;
        Ok(())
    }

    fn build(&self, credentials: Credentials) -> Option<Arc<dyn Sender>> {
        let (to, clock) = (&self.on.rules.endpoints, || Arc::clone(&self.on.clock));
        Some(match credentials {
            Credentials::Smtp(account) => {
                let pace = account.per_second;
                Arc::new(Paced::new(Smtp::new(account, clock()), pace, clock()))
            }
            Credentials::Twilio(account) => {
                let pace = account.segments_per_second;
                Arc::new(Paced::new(Twilio::new(&to.twilio, &to.public, account), pace, clock()))
            }
            Credentials::Vapi(account) => {
                Arc::new(Paced::new(Vapi::new(&to.vapi, &to.public, account), CALLS, clock()))
            }
            Credentials::Instantly(account) => {
                Arc::new(Paced::new(Instantly::new(&to.instantly, account), INSTANTLY, clock()))
            }
            Credentials::Webhook(account) => {
                let webhook = Webhook::new(clock(), account, to.is_private_allowed);
                Arc::new(Paced::new(webhook, WEBHOOKS, clock()))
            }
            Credentials::Keitaro(_) => return None,
        })
    }
}

impl Sender for Switch {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match self.line(&contact.message).await {
                Ok(Way::Open(sender)) => sender.send(contact).await,
                Ok(Way::Held(after, error)) => Outcome::Wait { after, error },
                Ok(Way::Missing) => {
                    let error = match contact.message {
                        Message::Telegram { .. } => "this process has no Telegram accounts".into(),
                        other => format!("nothing is set up for {}: see saveIntegrationConfig", other.channel()),
                    };
                    Outcome::Wait { after: NOT_SET_UP, error }
                }
                Err(error) => Outcome::Wait { after: FRESH, error: error.to_string() },
            }
        })
    }
}
