//! Whoever should know is told when something has stopped by itself, and when everything was stopped.
//!
//! The audit log is what is followed, by its chain: nothing is left out, in whatever process it happened. One process tells at a
//! time; where it ends in between, another goes on, so that a notice may come twice and is never lost.

use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::QuerySelect;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Services;
use crate::retention::integration;
use domain::audit::Action;
use domain::error::Result;
use domain::retention::credentials::{Credentials, Provider};
use events::Event;
use providers::smtp::Smtp;
use providers::{Body, Contact, Email, Message, Outcome, Sender, notice};
use storage::access::alert::Entity;
use storage::access::audit_head;
use storage::access::audit_log::{self, Model as Line};

/// How often it is looked at what there is to tell; an event comes sooner.
const LOOK: Duration = Duration::from_secs(5);
/// How long one process has to tell what it has taken up.
const TURN: TimeDelta = TimeDelta::seconds(120);
/// How long it is until what could not be told is tried again.
const AGAIN: TimeDelta = TimeDelta::seconds(30);
/// What could not be told for so long is given up, with an error in the log.
const PATIENCE: TimeDelta = TimeDelta::hours(6);
/// Lines that are looked at in one turn.
const LINES: u64 = 100;

/// Who is told.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    /// Addresses that get an email by the mail server that is set up.
    pub emails: Vec<String>,
    /// A URL that gets a POST. It may have a secret in it.
    pub webhook: Option<SecretString>,
}

impl Alerts {
    /// Whether nobody is to be told.
    pub fn is_empty(&self) -> bool {
        self.emails.is_empty() && self.webhook.is_none()
    }
}

/// What is told.
#[derive(Debug, PartialEq, Eq)]
struct Notice {
    subject: String,
    text: String,
}

/// Tells until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let mut events = on.events.subscribe();
    // Who was told of which line, where others were not: they are not told again.
    let mut told = HashSet::new();
    while !stop.is_cancelled() {
        events.forget();
        match turn(&on, &mut told).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "notices wait for the database"),
        }
        tokio::select! { () = events.until(LOOK, |event| event == Event::Audit) => {}, () = stop.cancelled() => {} }
    }
}

/// Tells what there is to tell; whether there may be more.
async fn turn(on: &Services, told: &mut HashSet<(i64, String)>) -> Result<bool> {
    let (db, now) = (on.db.reader(), on.now());
    let Some(place) = Entity::read(db).await? else {
        // Of what was before nobody wants to hear.
        let seq = audit_head::Entity::read(db).await?.seq;
        on.db.write(|tx| async move { Entity::begin(&*tx, seq, now).await }).await?;
        return Ok(false);
    };
    if place.held_until > now {
        return Ok(false);
    }
    let lines = audit_log::Entity::sealed_after(place.seq).limit(LINES).all(db).await?;
    let Some(last) = lines.last().and_then(|line| line.seq) else { return Ok(false) };
    if !on.db.write(|tx| async move { Entity::hold(&*tx, place.seq, now, now + TURN).await }).await? {
        return Ok(false);
    }
    let mut done = place.seq;
    for line in &lines {
        let Some(seq) = line.seq else { continue };
        if let Some(notice) = notice_of(on, line)
            && !tell(on, seq, line, &notice, told).await
        {
            let until = on.now() + AGAIN;
            on.db.write(|tx| async move { Entity::advance(&*tx, done, until).await }).await?;
            return Ok(false);
        }
        done = seq;
    }
    told.clear();
    let until = on.now();
    on.db.write(|tx| async move { Entity::advance(&*tx, last, until).await }).await?;
    Ok(true)
}

/// What a line is worth telling; None for the ordinary course of things.
fn notice_of(on: &Services, line: &Line) -> Option<Notice> {
    let is_herald = line.user_id.is_none();
    let what = match line.action {
        Action::CampaignPaused if is_herald => "A campaign has paused by itself",
        Action::CampaignFailed => "A campaign has failed",
        Action::CampaignScheduleMissed => "The scheduled start of a campaign was missed",
        Action::AccountParked => "A Telegram account can't send",
        Action::AccountBanned => "A Telegram account was banned",
        Action::MailboxFailed => "The mailbox can't be read: bounces and answers wait",
        Action::EverythingStopped => "Everything was stopped: nothing is sent",
        Action::EverythingResumed => "What was stopped goes on",
        Action::DatabaseRestored => "The database was restored: what could be sent twice is paused",
        _ => return None,
    };
    let metadata = line.metadata.as_ref();
    let text = |name: &str| metadata.and_then(|metadata| metadata.get(name)).and_then(|value| value.as_str());
    let name = text("name").or_else(|| text("label"));
    let why = ["reason", "why", "error", "status"].into_iter().find_map(text);
    let mut subject = what.to_owned();
    subject.extend(name.map(|name| format!(": {name}")));
    let why = why.map(|why| format!("\n{why}")).unwrap_or_default();
    let at = line.timestamp.format("%Y-%m-%d %H:%M:%S UTC");
    let text = format!("{subject}{why}\n{at}, {}", on.rules.endpoints.public);
    Some(Notice { subject, text })
}

/// Tells everybody who has not been told. False if somebody could not be, and is to be told later.
async fn tell(on: &Services, seq: i64, line: &Line, notice: &Notice, told: &mut HashSet<(i64, String)>) -> bool {
    let alerts = &on.rules.alerts;
    let mut missed = Vec::new();
    if let Some(url) = &alerts.webhook
        && !told.contains(&(seq, String::new()))
    {
        let body = json!({
            "text": notice.text, "action": line.action, "severity": line.severity, "at": line.timestamp,
            "resourceType": line.resource_type, "resourceId": line.resource_id, "metadata": line.metadata,
            "id": line.id,
        });
        match notice::post(url.expose_secret(), &body).await {
            Ok(()) => {
                told.insert((seq, String::new()));
            }
            Err(why) => missed.push(format!("HERALD_ALERT_WEBHOOK: {why}")),
        }
    }
    for address in &alerts.emails {
        if told.contains(&(seq, address.clone())) {
            continue;
        }
        match email(on, address, notice).await {
            Ok(()) => {
                told.insert((seq, address.clone()));
            }
            Err(why) => missed.push(format!("HERALD_ALERT_EMAILS: {why}")),
        }
    }
    let Some(why) = missed.first() else { return true };
    if on.now() - line.timestamp > PATIENCE {
        tracing::error!(notice = notice.subject, why, "somebody who should know was not told");
        return true;
    }
    tracing::warn!(notice = notice.subject, why, "somebody who should know can't be told; it is tried again");
    false
}

async fn email(on: &Services, address: &str, notice: &Notice) -> Result<(), String> {
    if on.rules.endpoints.is_simulated {
        tracing::info!(notice = notice.subject, "emails are simulated: nobody is told by them");
        return Ok(());
    }
    let account = match integration::active(on, Provider::Smtp).await {
        Ok(Some(Credentials::Smtp(account))) => account,
        Ok(_) => return Err("no mail server is set up: saveIntegrationConfig".into()),
        Err(error) => return Err(error.to_string()),
    };
    let message = Message::Email(Email {
        to: address.to_owned(),
        name: None,
        first_name: None,
        last_name: None,
        subject: format!("Herald: {}", notice.subject),
        body: Body::Text(notice.text.clone()),
        unsubscribe: None,
        tag: None,
        instantly_campaign: None,
    });
    let contact = Contact { attempt: domain::id::time_sorted(), lead: Uuid::nil(), message };
    match Smtp::new(account, on.clock.clone()).send(contact).await {
        // Perhaps it has come: once more does less harm than not at all, but not for ever.
        Outcome::Accepted(_) | Outcome::Unknown { .. } => Ok(()),
        Outcome::Refused(refusal) => Err(refusal.error),
        Outcome::Wait { error, .. } => Err(error),
    }
}
