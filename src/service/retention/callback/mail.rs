//! Emails that come in: bounces and complaints of what was sent, answers of leads, and their refusals.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{Applied, Incoming, fingerprint};
use crate::retention::effects;
use crate::retention::endings::{Ending, end_all};
use crate::retention::mail_tag;
use crate::retention::refusal::{self, Said};
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::ContactAttemptId;
use domain::retention::address;
use domain::retention::callback::News;
use domain::retention::credentials::Provider;
use domain::retention::inbound_mail::{InboundMail, Report};
use domain::retention::wishes::refused_by;
use domain::retention::words::{AddressKind, ContactAttemptStatus, ContactChannel};
use storage::Noun;
use storage::retention::webhook_event::Model;
use storage::retention::{contact_attempt, lead};

/// The longest answer that is kept, in characters.
const LONGEST: usize = 1_600;

/// What is kept of an email as it came; None if it is no email. Of the message only what is read of it: an attachment may be large.
pub async fn incoming(raw: impl AsRef<[u8]> + Send + 'static) -> Result<Option<Incoming>> {
    let read = tokio::task::spawn_blocking(move || InboundMail::read(raw.as_ref()));
    let Some(mail) = read.await.map_err(Error::internal)? else { return Ok(None) };
    let body = serde_json::to_string(&mail).map_err(Error::internal)?;
    // Two bounces may be told in the same words by the same server: without an id only what is the same in all is the same.
    let dedupe_key = match &mail.message_id {
        Some(id) => fingerprint(&[id, mail.from.as_deref().unwrap_or_default(), &mail.subject, &mail.text]),
        None => fingerprint(&[&body]),
    };
    let content_type = Some("application/json".into());
    Ok(Some(Incoming { provider: Provider::Smtp, dedupe_key, query: None, content_type, body }))
}

/// Applies an email that somebody or something sent.
pub(super) async fn apply(on: &Services, w: &Write, row: &Model) -> Result<Applied> {
    let mail: InboundMail = serde_json::from_str(&row.body).map_err(|_| Error::invalid("body", "this is no email"))?;
    let attempt = attempt(on, w, &mail).await?;
    match (&mail.report, attempt) {
        (Some(report), Some(attempt)) => reported(on, w, attempt, report).await,
        // Whoever writes to the mailbox could say so of anybody.
        (Some(_), None) => Ok(Applied::Done("a report of an email that nobody knows")),
        (None, Some(attempt)) if mail.is_complaint => complained(on, w, attempt, row).await,
        (None, None) if mail.is_complaint => Ok(Applied::Done("a complaint about an email that nobody knows")),
        (None, _) if mail.is_automatic => Ok(Applied::Done("an automatic answer, which is no reply")),
        (None, attempt) => answered(on, w, attempt, &mail, row).await,
    }
}

/// The contact that an email answers or is about: the one that the address names to which it came, or else the message.
async fn attempt(on: &Services, w: &Write, mail: &InboundMail) -> Result<Option<contact_attempt::Model>> {
    let named = mail.to.iter().filter_map(|to| mail_tag::open(on, to));
    // The id of each message begins with that of its contact, which only its recipient has seen.
    let about = mail.about.iter().filter_map(|id| Uuid::try_parse(id.split('@').next()?).ok()).map(ContactAttemptId);
    for id in named.chain(about) {
        let found = contact_attempt::Entity::by_ids(&[id]).one(w).await?;
        if let Some(found) = found.filter(|found| found.channel == ContactChannel::Email) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What a mail server tells of an email that it had taken.
async fn reported(on: &Services, w: &Write, attempt: contact_attempt::Model, report: &Report) -> Result<Applied> {
    let told = json!({ "status": report.status, "diagnostic": report.diagnostic });
    let (status, field, outcome) = match report.action.as_str() {
        "failed" => (Some(ContactAttemptStatus::Bounced), "bounce", "an email that bounced"),
        "delivered" => (Some(ContactAttemptStatus::Delivered), "delivery", "an email that was delivered"),
        "delayed" => (None, "delay", "an email that is delayed"),
        _ => return Ok(Applied::Done("nothing that is kept")),
    };
    let mut result = Map::from_iter([(field.to_owned(), told)]);
    if status == Some(ContactAttemptStatus::Bounced) {
        result.insert("bounced".into(), json!(true));
    }
    let is_dead = status == Some(ContactAttemptStatus::Bounced) && report.is_dead();
    let lead = w.require(attempt.lead_id).await?;
    // Once more, now that nobody else can change it.
    let attempt = w.require(attempt.id).await?;
    effects::advance(on, w, &lead, attempt, News { status, result, is_dead, ..News::default() }).await?;
    Ok(Applied::Done(outcome))
}

/// Somebody told the mail provider that the email is spam.
async fn complained(on: &Services, w: &Write, attempt: contact_attempt::Model, row: &Model) -> Result<Applied> {
    let lead = w.require(attempt.lead_id).await?;
    let said = Said { source: "a complaint about an email".into(), wording: None, at: row.received_at };
    effects::opt_out(on, w, lead, ContactChannel::Email, &said).await?;
    Ok(Applied::Done("emails were refused"))
}

/// What somebody writes: a refusal, or an answer to the email that it names, or else to the last one that went to him.
async fn answered(
    on: &Services,
    w: &Write,
    attempt: Option<contact_attempt::Model>,
    mail: &InboundMail,
    row: &Model,
) -> Result<Applied> {
    let from = mail.from.as_deref().and_then(|from| address::email(from).ok());
    let known = match (&attempt, &from) {
        (Some(attempt), _) => Some(w.require(attempt.lead_id).await?),
        (None, Some(from)) => lead::Entity::all().filter(lead::Column::Email.eq(from)).lock_exclusive().one(w).await?,
        (None, None) => None,
    };
    let refused: Vec<ContactChannel> =
        mail.said().into_iter().flat_map(|text| refused_by(text, ContactChannel::Email)).collect();
    let text: String = mail.text.chars().take(LONGEST).collect();
    if !refused.is_empty() {
        let wording = if text.is_empty() { mail.subject.clone() } else { text };
        let said = Said { source: "a reply to an email".into(), wording: Some(wording), at: row.received_at };
        if let Some(from) = &from {
            // He may have another address than the one that was written to, or be no lead at all.
            refusal::keep_at(on, w, (AddressKind::Email, from), &refused, &said).await?;
        }
        if let Some(lead) = known {
            effects::opt_out_of(on, w, lead.id, &refused, &said).await?;
        }
        return Ok(Applied::Done("emails were refused"));
    }
    let Some(lead) = known else { return Ok(Applied::Done("nobody who is a lead has written it")) };
    let last = match attempt {
        Some(attempt) => Some(attempt),
        None => last_email(w, &lead).await?,
    };
    if let Some(last) = last {
        let last = w.require(last.id).await?;
        let result = Map::from_iter([("replied".to_owned(), json!(true)), ("reply".into(), json!(text))]);
        let news = News { status: Some(ContactAttemptStatus::Success), result, is_reply: true, ..News::default() };
        effects::advance(on, w, &lead, last, news).await?;
    } else {
        end_all(on, w, lead.id, Ending::Reply).await?;
    }
    Ok(Applied::Done("a lead has answered"))
}

/// The last email that went to a lead.
async fn last_email(w: &Write, lead: &lead::Model) -> Result<Option<contact_attempt::Model>> {
    use contact_attempt::Column;
    let emails = contact_attempt::Entity::to(lead.id).filter(Column::Channel.eq(ContactChannel::Email));
    Ok(emails.order_by_desc(Column::StartedAt).limit(1).one(w).await?)
}
