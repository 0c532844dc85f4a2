//! What is said to a lead: its script, filled in.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use domain::id::ContactAttemptId;
use domain::retention::lead_field::Field;
use domain::retention::placeholders::KNOWN;
use domain::retention::rendering::{Facts, Place, plain, render};
use domain::retention::webhook::{Webhook, webhook};
use domain::retention::words::{ContactChannel, ScriptFormat};
use providers::{Body, Call, Email, Message};
use storage::retention::{campaign, lead, script};

/// The facts of a contact, besides its lead.
#[derive(Debug, Clone)]
pub struct Known {
    /// To scripts it is `sub_id`: a link that carries it leads a conversion back to this contact.
    pub attempt: ContactAttemptId,
    /// Where the lead ends all emails by one click, `unsubscribe_url`. It stands in each email's headers, too.
    pub link: String,
    /// The sign of the contact in the address to which bounces and answers come.
    pub tag: String,
}

/// The message of `script` to `lead`.
///
/// # Errors
/// A sentence: the script can't be filled in, or says nothing.
pub fn message(
    channel: ContactChannel,
    script: &script::Model,
    campaign: Option<&campaign::Model>,
    lead: &lead::Model,
    known: Known,
) -> Result<Message, String> {
    let facts = facts(lead, &known);
    let content = || script.content.as_deref().filter(|content| !content.trim().is_empty());
    let text = || content().ok_or("the script has no content").map_err(ToOwned::to_owned);
    let to = lead.address(channel).ok_or("the lead has no address")?.to_owned();
    let name = facts.get("name").and_then(Json::as_str).map(ToOwned::to_owned);
    Ok(match channel {
        ContactChannel::Email => Message::Email(Email {
            to,
            name,
            first_name: lead.first_name.clone(),
            last_name: lead.last_name.clone(),
            subject: render(script.subject.as_deref().unwrap_or(&script.name), &facts, Place::Text)?,
            body: body(script, text()?, &facts)?,
            unsubscribe: Some(known.link),
            tag: Some(known.tag),
            instantly_campaign: campaign.filter(|row| row.instantly_sync).and_then(instantly),
        }),
        ContactChannel::Sms => Message::Sms { to, body: render(text()?, &facts, Place::Text)? },
        ContactChannel::Call => Message::Call(Call {
            to,
            name,
            first_message: content().map(|content| render(content, &facts, Place::Text)).transpose()?,
            config: merged(campaign.and_then(|row| row.vapi_config.as_ref()), script.vapi_config.as_ref()),
            variables: facts,
        }),
        ContactChannel::Webhook => {
            let Webhook { url, payload } = webhook(text()?, &facts)?;
            Message::Webhook { url, payload }
        }
        ContactChannel::Telegram => Message::Telegram { username: to, text: render(text()?, &facts, Place::Text)? },
    })
}

/// What an email says, as its script is written. A page without words of its own for those who see no pages has those that it shows.
fn body(script: &script::Model, content: &str, facts: &Facts) -> Result<Body, String> {
    Ok(match script.format {
        ScriptFormat::Text => Body::Text(render(content, facts, Place::Text)?),
        ScriptFormat::Html => {
            let html = render(content, facts, Place::Html)?;
            let words = script.plain_content.as_deref().map(|words| render(words, facts, Place::Text)).transpose()?;
            Body::Html { plain: words.unwrap_or_else(|| plain(&html)), html }
        }
    })
}

/// The facts of a lead that scripts may state.
fn facts(lead: &lead::Model, contact: &Known) -> Facts {
    let fact = |name: &str| -> Option<Json> {
        Some(match name {
            "name" => {
                let names = [&lead.first_name, &lead.last_name].into_iter().flatten().cloned();
                let name = names.collect::<Vec<_>>().join(" ");
                (!name.is_empty()).then_some(name)?.into()
            }
            "lead_id" => lead.id.to_string().into(),
            "sub_id" => contact.attempt.to_string().into(),
            "unsubscribe_url" => contact.link.clone().into(),
            "meta" => lead.meta.clone(),
            field => lead.text(Field::ALL.into_iter().find(|known| known.column() == field)?)?.into(),
        })
    };
    KNOWN.into_iter().filter_map(|name| Some((name.to_owned(), fact(name)?))).collect()
}

/// The Instantly campaign through which emails of `campaign` go, once it has been synchronised.
fn instantly(campaign: &campaign::Model) -> Option<Uuid> {
    campaign.instantly_campaign_id.as_deref()?.parse().ok()
}

/// `vapiConfig` of the script over that of the campaign.
fn merged(campaign: Option<&Json>, script: Option<&Json>) -> Map<String, Json> {
    let both = [campaign, script].into_iter().flatten().filter_map(Json::as_object);
    both.flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}
