//! Herald's own links, which tell of clicks, and pictures, which tell of opens.
//!
//! In HTML nobody sees how long a link is: there it carries its contact and its address, signed with the lasting key. Nothing is stored
//! for it, and it leads on as long as the key is there, whatever becomes of the lead or of the rows. In plain texts and text messages,
//! where people see it and pay for it, it is a short random key, and the address stands in `tracked_links`. What is neither signed nor
//! stored leads nowhere.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Map, json};
use uuid::Uuid;

use super::contact_attempt::contacted;
use super::{effects, lead_erase, schedule};
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::id::ContactAttemptId;
use domain::retention::callback::News;
use domain::retention::states::State;
use domain::retention::tracking::{self, is_too_soon};
use domain::retention::words::ContactAttemptStatus;
use domain::secret_key::LastingUse;
use domain::sms;
use providers::{Body, Email, Message};
use storage::Noun;
use storage::retention::lists::Texts;
use storage::retention::{campaign, contact_attempt, tracked_links};

/// Bytes of an id.
const ID: usize = 16;
/// Bytes of a signature, of which nobody guesses any.
const SIGNATURE: usize = 12;
/// Letters and digits of a key.
const KEY: usize = 11;
/// Digits of the number of a link at most.
const NUMBER: usize = 3;
/// How long who follows a short link waits at most to be told where it leads.
const LOOK_UP: Duration = Duration::from_secs(2);

/// A message as it goes out.
#[derive(Debug)]
pub struct Tracked {
    /// With Herald's links, if its campaign wants them; otherwise, and where anything is in the way, as it was written.
    pub message: Message,
    /// Whether any of its links tells of clicks.
    pub tracks_clicks: bool,
    /// The addresses of links that don't carry them; to be stored before the message goes out.
    pub links: Option<tracked_links::New>,
}

/// Where a link leads, and of which contact it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The contact.
    pub attempt: ContactAttemptId,
    /// The address, to the letter.
    pub target: String,
}

/// What a lead did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It followed a link.
    Clicked,
    /// It opened the email.
    Opened,
}

/// `message` with the links and the picture that its campaign wants. Emails that go by Instantly are left to Instantly's own; where
/// messages go nowhere, or no lead could reach Herald, nothing is replaced.
pub fn tracked(
    on: &Services,
    campaign: Option<&campaign::Model>,
    attempt: ContactAttemptId,
    message: Message,
) -> Tracked {
    let endpoints = &on.rules.endpoints;
    let (clicks, opens) = campaign.map_or((false, false), |row| (row.track_clicks, row.track_opens));
    if endpoints.is_simulated || endpoints.is_at_home() {
        return untracked(message);
    }
    match message {
        Message::Email(email) if email.instantly_campaign.is_some() => untracked(Message::Email(email)),
        Message::Email(email) => match email.body {
            Body::Html { html, plain } => {
                let (mut tracks_clicks, pixel) = (false, opens.then(|| pixel(on, attempt)));
                let mut link = |found: &str| {
                    let target = tracking::target(found, &endpoints.public).filter(|_| clicks)?;
                    tracks_clicks = true;
                    Some(signed(on, attempt, &target))
                };
                let html = tracking::html(&html, &mut link, pixel.as_deref());
                // The words that go beside a page have its links: few see how long they are, and nothing has to be stored.
                let body = Body::Html { html, plain: tracking::text(&plain, link) };
                Tracked { message: Message::Email(Email { body, ..email }), tracks_clicks, links: None }
            }
            Body::Text(words) if clicks => {
                let (words, links) = shortened(&endpoints.public, attempt, &words);
                let message = Message::Email(Email { body: Body::Text(words), ..email });
                Tracked { message, tracks_clicks: links.is_some(), links }
            }
            body @ Body::Text(_) => untracked(Message::Email(Email { body, ..email })),
        },
        Message::Sms { to, body } if clicks => {
            let (short, links) = shortened(&endpoints.public, attempt, &body);
            if short.chars().count() > sms::LONGEST {
                return untracked(Message::Sms { to, body });
            }
            Tracked { message: Message::Sms { to, body: short }, tracks_clicks: links.is_some(), links }
        }
        other => untracked(other),
    }
}

const fn untracked(message: Message) -> Tracked {
    Tracked { message, tracks_clicks: false, links: None }
}

/// The link that carries its address.
fn signed(on: &Services, attempt: ContactAttemptId, target: &str) -> String {
    let id = attempt.0.as_bytes().as_slice();
    let signature = signature(on, LastingUse::TrackedLinks, &[id, target.as_bytes()].concat());
    let token = [id, &signature, target.as_bytes()].concat();
    format!("{}/l/{}", on.rules.endpoints.public, URL_SAFE_NO_PAD.encode(token))
}

/// The picture in HTML. It takes a point's place, and is not hidden: some programs don't load what is.
fn pixel(on: &Services, attempt: ContactAttemptId) -> String {
    let id = attempt.0.as_bytes().as_slice();
    let token = URL_SAFE_NO_PAD.encode([id, &signature(on, LastingUse::TrackedOpens, id)].concat());
    let url = format!("{}/o/{token}", on.rules.endpoints.public);
    format!("<img src=\"{url}\" width=\"1\" height=\"1\" alt=\"\" style=\"border:0\">")
}

fn signature(on: &Services, of: LastingUse, content: &[u8]) -> Vec<u8> {
    let mut signature = hex::decode(on.keys.lasting.fingerprint(of, content)).unwrap_or_default();
    signature.truncate(SIGNATURE);
    signature
}

/// The text with short links, and the addresses that these stand for; an address that stands there twice has one link.
fn shortened(public: &str, attempt: ContactAttemptId, body: &str) -> (String, Option<tracked_links::New>) {
    let key: String = rand::rng().sample_iter(Alphanumeric).take(KEY).map(char::from).collect();
    let mut targets: Vec<String> = Vec::new();
    let text = tracking::text(body, |found| {
        let target = tracking::target(found, public)?;
        let number = targets.iter().position(|known| *known == target).unwrap_or_else(|| {
            targets.push(target);
            targets.len() - 1
        });
        Some(format!("{public}/l/{key}{number}"))
    });
    let targets = Some(targets).filter(|targets| !targets.is_empty());
    (text, targets.map(|targets| tracked_links::New { key, contact_attempt_id: attempt, targets: Texts(targets) }))
}

/// Where the link with this token leads; None if it is none of ours, or its contact is gone.
///
/// # Errors
/// The database is away, or takes too long: that matters to links in plain texts only.
pub async fn link(on: &Services, token: &str) -> Result<Option<Link>> {
    match token.split_at_checked(KEY) {
        Some((key, number)) if number.len() <= NUMBER => stored(on, key, number).await,
        _ => Ok(carried(on, token)),
    }
}

async fn stored(on: &Services, key: &str, number: &str) -> Result<Option<Link>> {
    let is_key = key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let number = Some(number).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(number) = number.and_then(|number| number.parse::<usize>().ok()).filter(|_| is_key) else {
        return Ok(None);
    };
    let late = |_| Error::Unavailable(anyhow::anyhow!("it took too long to look up where a link leads"));
    let looked_up = tokio::time::timeout(LOOK_UP, tracked_links::Entity::by(on.db.reader(), key));
    let found = looked_up.await.map_err(late)??;
    Ok(found
        .and_then(|row| Some(Link { attempt: row.contact_attempt_id, target: row.targets.0.into_iter().nth(number)? })))
}

fn carried(on: &Services, token: &str) -> Option<Link> {
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, rest) = token.split_at_checked(ID)?;
    let (signature, target) = rest.split_at_checked(SIGNATURE)?;
    let is_ours = on.keys.lasting.has_made(LastingUse::TrackedLinks, &[id, target].concat(), &hex::encode(signature));
    let attempt = ContactAttemptId(Uuid::from_slice(id).ok()?);
    is_ours.then_some(Link { attempt, target: String::from_utf8(target.to_vec()).ok()? })
}

/// The contact whose picture has this token; None if it is none of ours.
pub fn picture(on: &Services, token: &str) -> Option<ContactAttemptId> {
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, signature) = token.split_at_checked(ID).filter(|(_, signature)| signature.len() == SIGNATURE)?;
    let is_ours = on.keys.lasting.has_made(LastingUse::TrackedOpens, id, &hex::encode(signature));
    is_ours.then_some(ContactAttemptId(Uuid::from_slice(id).ok()?))
}

/// Notes the first click on a contact's links, or that it was opened first, as a provider's callback would: a contact that is further
/// stays there. What comes again, too soon after the message went out, or of a lead that was erased, changes nothing.
///
/// # Errors
/// The database is away.
pub async fn note(on: &Services, id: ContactAttemptId, what: Seen) -> Result<()> {
    // Whoever comes again, and every copy of the message that is passed on, costs no more than a look.
    let known = contact_attempt::Entity::by_ids(&[id]).one(on.db.reader()).await?;
    if known.is_none_or(|row| is_known(&row, what)) {
        return Ok(());
    }
    on.system_write(|w| async move { note_in(on, &w, id, what).await }).await
}

async fn note_in(on: &Services, w: &Write, id: ContactAttemptId, what: Seen) -> Result<()> {
    let Some(found) = contact_attempt::Entity::by_ids(&[id]).one(w).await? else { return Ok(()) };
    // The lead before its contacts: in this order all lock.
    let lead = w.require(found.lead_id).await?;
    let attempt = w.require(id).await?;
    let sent = attempt.completed_at.unwrap_or(attempt.started_at);
    let is_early = is_too_soon(sent, schedule::now_in(on, w).await?);
    if is_known(&attempt, what) || is_early || lead_erase::is_erased(&lead) {
        return Ok(());
    }
    let (status, name) = what.words();
    let result = Map::from_iter([(name.to_owned(), json!(true)), (format!("{name}At"), json!(w.now))]);
    let news = News { status: Some(status), result, ..News::default() };
    // Of a contact of which nobody knew whether it was sent it is known from now on.
    let lead = if attempt.status.may_become(status) { contacted(w, lead, attempt.campaign_id).await? } else { lead };
    effects::advance(on, w, &lead, attempt, news).await
}

fn is_known(row: &contact_attempt::Model, what: Seen) -> bool {
    row.result.as_ref().is_some_and(|result| result[what.words().1] == true)
}

impl Seen {
    /// The status that it makes of a contact, and its name in `ContactAttempt.result`.
    const fn words(self) -> (ContactAttemptStatus, &'static str) {
        match self {
            Self::Clicked => (ContactAttemptStatus::Success, "clicked"),
            Self::Opened => (ContactAttemptStatus::Delivered, "opened"),
        }
    }
}
