//! Email campaigns by Instantly, version 2 of its API: campaigns, leads in bulk, figures, webhooks.

use futures_util::future::BoxFuture;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::http::{self, Answer};
use super::{Body, Contact, Email, Message, Outcome, Receipt, Refusal, Sender, Trial};
use domain::retention::credentials;

/// Leads in one request at most.
pub const BULK: usize = 1_000;
/// Leads that one list has at most.
pub const PAGE: usize = 100;
/// By this header Instantly's webhooks show that they are Instantly's.
pub const SECRET_HEADER: &str = "x-herald-secret";

/// What Herald's webhooks are called there.
const HOOK: &str = "Herald";

/// One Instantly workspace.
#[derive(Debug)]
pub struct Instantly {
    http: Client,
    base: String,
    account: credentials::Instantly,
}

/// A campaign to be.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// The campaign's name.
    pub name: String,
    /// One of the names that Instantly takes: see `domain::retention::instantly_zone`.
    pub time_zone: &'static str,
    /// From when to when, `HH:MM`.
    pub hours: (String, String),
    /// On which days, Sunday first.
    pub days: [bool; 7],
    /// Emails in order, each with the days until the next: subject, HTML, days.
    pub emails: Vec<(String, String, u32)>,
}

/// A lead as Instantly takes it.
#[derive(Debug, Clone, Serialize)]
pub struct NewLead {
    /// The lead's address.
    pub email: String,
    /// The lead's first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The lead's last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The lead's telephone number, E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The custom values that texts can name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom_variables: Map<String, Json>,
}

/// The result for leads that were added.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Added {
    /// So many are in the campaign now that were not before.
    pub leads_uploaded: u64,
    /// So many were passed over: known, blocked or invalid.
    pub skipped_count: u64,
    /// The leads that were made.
    pub created_leads: Vec<Created>,
}

/// A lead that was made.
#[derive(Debug, Clone, Deserialize)]
pub struct Created {
    /// The lead's id at Instantly.
    pub id: String,
    /// The lead's address.
    #[serde(default)]
    pub email: String,
}

/// A campaign's figures.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Analytics {
    /// Leads in it.
    pub leads_count: i64,
    /// Leads that were written to.
    pub contacted_count: i64,
    /// Emails that were sent.
    pub emails_sent_count: i64,
    /// Emails that were opened, each once.
    pub open_count_unique: i64,
    /// Replies, one a lead.
    pub reply_count_unique: i64,
    /// Clicks on links, one a lead.
    pub link_click_count_unique: i64,
    /// Emails that came back.
    pub bounced_count: i64,
    /// Leads that want no more.
    pub unsubscribed_count: i64,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: Uuid,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Id>,
}

/// The webhooks of a campaign.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hooks {
    items: Vec<Hook>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    id: Uuid,
    name: Option<String>,
    /// Below zero: Instantly has given it up.
    status: Option<f64>,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The request surely had no effect.
    #[error("{0}")]
    Refused(String),
    /// The request may have had an effect.
    #[error("{0}")]
    Unknown(String),
}

impl Instantly {
    /// The workspace at `base`.
    pub fn new(base: &str, account: credentials::Instantly) -> Self {
        Self { http: http::client(), base: base.trim_end_matches('/').to_owned(), account }
    }

    /// Asks whether the credentials hold.
    pub async fn test(&self) -> Trial {
        Trial::of(http::call(self.signed_in(self.http.get(self.url("campaigns?limit=1")))).await)
    }

    /// Makes a campaign, which is a draft.
    pub async fn create_campaign(&self, campaign: &NewCampaign) -> Result<Uuid, Failure> {
        let mut body = described(campaign);
        body["email_list"] = json!(self.account.accounts);
        self.ask::<Id>(self.http.post(self.url("campaigns")).json(&body)).await.map(|made| made.id)
    }

    /// Gives a campaign another name, other hours and other texts. By which accounts it sends stays as it is there.
    pub async fn change_campaign(&self, id: Uuid, campaign: &NewCampaign) -> Result<(), Failure> {
        let url = self.url(&format!("campaigns/{id}"));
        self.ask::<Json>(self.http.patch(url).json(&described(campaign))).await.map(drop)
    }

    /// Holds a campaign, which may be held already.
    pub async fn pause(&self, campaign: Uuid) -> Result<(), Failure> {
        self.ask::<Json>(self.http.post(self.url(&format!("campaigns/{campaign}/pause")))).await.map(drop)
    }

    /// Takes leads out of a campaign by their addresses, at most [`PAGE`]. Who is not there is passed over.
    pub async fn remove_leads(&self, campaign: Uuid, emails: &[String]) -> Result<(), Failure> {
        let wanted = json!({ "campaign": campaign, "contacts": emails, "limit": PAGE });
        let found: Page = self.ask(self.http.post(self.url("leads/list")).json(&wanted)).await?;
        let ids: Vec<Uuid> = found.items.into_iter().map(|lead| lead.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let body = json!({ "campaign_id": campaign, "ids": ids });
        self.ask::<Json>(self.http.delete(self.url("leads")).json(&body)).await.map(drop)
    }

    /// Starts a campaign, which may run already.
    pub async fn activate(&self, campaign: Uuid) -> Result<(), Failure> {
        // No body: a JSON content type without one is refused.
        self.ask::<Json>(self.http.post(self.url(&format!("campaigns/{campaign}/activate")))).await.map(drop)
    }

    /// Adds at most [`BULK`] leads to a campaign; those that are in it are passed over, so it can be repeated.
    pub async fn add_leads(&self, campaign: Uuid, leads: &[NewLead]) -> Result<Added, Failure> {
        let body = json!({ "campaign_id": campaign, "leads": leads, "skip_if_in_campaign": true });
        self.ask(self.http.post(self.url("leads/add")).json(&body)).await
    }

    /// A campaign's figures; None before it has sent anything.
    pub async fn analytics(&self, campaign: Uuid) -> Result<Option<Analytics>, Failure> {
        let url = self.url(&format!("campaigns/analytics?id={campaign}"));
        let all: Vec<Analytics> = self.ask(self.http.get(url)).await?;
        Ok(all.into_iter().next())
    }

    /// Has all events of a campaign told to `url`, with the secret as it is now: by the webhook that Herald has made before, or a new one.
    pub async fn bring_webhook(&self, campaign: Uuid, url: &str) -> Result<(), Failure> {
        let list = self.url(&format!("webhooks?campaign={campaign}&limit=100"));
        let there: Hooks = self.ask(self.http.get(list)).await?;
        let Some(own) = there.items.into_iter().find(|hook| hook.name.as_deref() == Some(HOOK)) else {
            let made = self.http.post(self.url("webhooks")).json(&self.webhook(campaign, url));
            return self.ask::<Json>(made).await.map(drop);
        };
        let at = self.url(&format!("webhooks/{}", own.id));
        self.ask::<Json>(self.http.patch(&at).json(&self.webhook(campaign, url))).await?;
        if own.status.is_some_and(|status| status < 0.0) {
            // What could not be delivered for a while is told no more until it is asked to.
            self.ask::<Json>(self.http.post(format!("{at}/resume"))).await?;
        }
        Ok(())
    }

    fn webhook(&self, campaign: Uuid, url: &str) -> Json {
        json!({
            "target_hook_url": url,
            "event_type": "all_events",
            "campaign": campaign,
            "name": HOOK,
            "headers": { SECRET_HEADER: self.account.webhook_secret.expose() },
        })
    }

    /// Keeps all campaigns of the workspace from writing to an address.
    pub async fn block(&self, email: &str) -> Result<(), Failure> {
        let body = json!({ "bl_value": email });
        self.ask::<Json>(self.http.post(self.url("block-lists-entries")).json(&body)).await.map(drop)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v2/{path}", self.base)
    }

    fn signed_in(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.account.api_key.expose())
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let answer = http::call(self.signed_in(request)).await.map_err(|fault| match fault {
            http::Fault::Lost(_) => Failure::Unknown(fault.to_string()),
            _ => Failure::Refused(fault.to_string()),
        })?;
        let text = || format!("{}: {}", answer.status.as_u16(), answer.text());
        if answer.status.is_success() {
            return answer.json().ok_or_else(|| Failure::Unknown("the answer can't be read".into()));
        }
        let is_sure = answer.status.is_client_error() || answer.status.as_u16() == 503;
        Err(if is_sure { Failure::Refused(text()) } else { Failure::Unknown(text()) })
    }

    /// The email's text goes along as variables, so that the campaign's copy can be `{{herald_subject}}` and `{{herald_body}}`.
    async fn hand_over(&self, campaign: Uuid, email: &Email) -> Outcome {
        // What is put into its copy there is HTML.
        let body = match &email.body {
            Body::Html { html, .. } => html.clone(),
            Body::Text(words) => as_html(words),
        };
        let variables = [("herald_subject", &email.subject), ("herald_body", &body)];
        let lead = NewLead {
            email: email.to.clone(),
            first_name: email.first_name.clone(),
            last_name: email.last_name.clone(),
            phone: None,
            custom_variables: variables.into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect(),
        };
        let body = json!({ "campaign_id": campaign, "leads": [lead], "skip_if_in_campaign": true });
        match http::call(self.signed_in(self.http.post(self.url("leads/add")).json(&body))).await {
            Ok(answer) => outcome_of(&answer),
            // A lead is in a campaign once. Should it be there by now, nobody could tell it from one that was there before.
            Err(fault) => fault.outcome(),
        }
    }
}

/// Words as HTML that shows them.
fn as_html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace("\r\n", "\n").replace('\n', "<br/>")
}

/// A campaign as Instantly takes it.
fn described(campaign: &NewCampaign) -> Json {
    let days: Map<String, Json> =
        campaign.days.iter().enumerate().map(|(day, is_on)| (day.to_string(), json!(is_on))).collect();
    let step = |(subject, body, delay): &(String, String, u32)| {
        json!({ "type": "email", "delay": delay, "delay_unit": "days",
            "variants": [{ "subject": subject, "body": body }] })
    };
    json!({
        "name": campaign.name,
        "campaign_schedule": { "schedules": [{
            "name": "Herald",
            "timing": { "from": campaign.hours.0, "to": campaign.hours.1 },
            "days": days,
            "timezone": campaign.time_zone,
        }] },
        "sequences": [{ "steps": campaign.emails.iter().map(step).collect::<Vec<_>>() }],
        "stop_on_reply": true,
        "insert_unsubscribe_header": true,
    })
}

fn outcome_of(answer: &Answer) -> Outcome {
    if answer.status.is_success() {
        let Some(added) = answer.json::<Added>() else {
            return Outcome::Unknown { error: format!("{}: the answer can't be read", answer.status.as_u16()) };
        };
        let Some(lead) = added.created_leads.into_iter().next() else {
            return Outcome::Refused(Refusal::permanent(
                "Instantly has this lead in the campaign already, and would not send it another email: the later emails of a \
                 campaign by Instantly belong into its emailSequence",
            ));
        };
        return Outcome::Accepted(Receipt {
            provider: "instantly",
            result: json!({ "status": "added" }),
            provider_ref: Some(lead.id),
            ..Receipt::default()
        });
    }
    let error = answer.text();
    let is_email = |word: &str| error.to_ascii_lowercase().contains(word);
    match answer.common(&error) {
        Some(outcome) => outcome,
        None if is_email("email") && !is_email("campaign") && !http::is_of_account(&error) => {
            Outcome::Refused(Refusal::permanent(error))
        }
        // No such campaign, no such workspace, a limit: of what is set up.
        None => Outcome::Wait { after: http::LOCKED_OUT, error },
    }
}

impl Sender for Instantly {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match &contact.message {
                Message::Email(email @ Email { instantly_campaign: Some(campaign), .. }) => {
                    self.hand_over(*campaign, email).await
                }
                other => Outcome::Refused(Refusal::permanent(format!(
                    "Instantly takes emails of its own campaigns, but no {}",
                    other.channel()
                ))),
            }
        })
    }
}
