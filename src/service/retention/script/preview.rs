//! What a script says to one lead, before it is sent.

use sea_orm::EntityTrait;
use serde_json::Value as Json;

use crate::Services;
use crate::retention::delivery::message::{Known, message};
use domain::error::{Error, Result};
use domain::id::{ContactAttemptId, LeadId, ScriptId};
use domain::retention::placeholders;
use providers::{Body, Email, Message};
use storage::Noun;
use storage::retention::{campaign, lead, script};

/// A contact as it would look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// Of an email.
    pub subject: Option<String>,
    /// In words.
    pub text: Option<String>,
    /// As a page.
    pub html: Option<String>,
    /// Where a webhook goes, and what it carries.
    pub webhook: Option<(String, Json)>,
    /// Why the lead would get nothing.
    pub problem: Option<String>,
    /// What would be sent as it stands, though it looks like something to be filled in.
    pub warnings: Vec<String>,
}

/// Fills a script in for a lead as a step does.
///
/// # Errors
/// `NOT_FOUND` if there is no such script or lead.
pub async fn preview(on: &Services, script: ScriptId, lead: LeadId) -> Result<Preview> {
    let db = on.db.reader();
    let (script, lead) =
        tokio::try_join!(script::Entity::by_ids(&[script]).one(db), lead::Entity::find_by_id(lead).one(db))?;
    let (script, lead) = (script.ok_or(Error::NotFound("script"))?, lead.ok_or(Error::NotFound("lead"))?);
    let campaign = match script.campaign_id {
        Some(id) => campaign::Entity::by_ids(&[id]).one(db).await?,
        None => None,
    };
    // Nobody is unsubscribed by a look.
    let link = format!("{}/unsubscribe/preview", on.rules.endpoints.public);
    let known = Known { attempt: ContactAttemptId::generate(), link, tag: String::new() };
    let texts = [&script.subject, &script.content, &script.plain_content];
    let warnings = texts.into_iter().flatten().flat_map(|text| placeholders::warnings(text)).collect();
    let seen = match message(script.channel, &script, campaign.as_ref(), &lead, known) {
        Ok(message) => shown(message),
        Err(why) => Preview { problem: Some(why), ..Preview::default() },
    };
    Ok(Preview { warnings, ..seen })
}

fn shown(message: Message) -> Preview {
    let words = |text: String| Preview { text: Some(text), ..Preview::default() };
    match message {
        Message::Email(Email { subject, body: Body::Text(text), .. }) => {
            Preview { subject: Some(subject), ..words(text) }
        }
        Message::Email(Email { subject, body: Body::Html { html, plain }, .. }) => {
            Preview { subject: Some(subject), html: Some(html), ..words(plain) }
        }
        Message::Sms { body, .. } => words(body),
        Message::Telegram { text, .. } => words(text),
        Message::Call(call) => Preview { text: call.first_message, ..Preview::default() },
        Message::Webhook { url, payload } => Preview { webhook: Some((url, payload)), ..Preview::default() },
    }
}
