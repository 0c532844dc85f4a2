//! The link in each email by which its lead ends all of them, with one click (RFC 8058).
//!
//! A link names its lead and, by its keyed hash, the address that the email went to: so it does its work whatever has become of the
//! lead. Links of earlier versions name the lead only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{EntityTrait, QuerySelect};
use uuid::Uuid;

use super::effects::{self, told};
use super::refusal;
use crate::{Services, Write};
use domain::error::Result;
use domain::id::LeadId;
use domain::retention::words::{AddressKind, ContactChannel};
use domain::secret_key::LastingUse;
use storage::retention::refusal::{Entity, Mark, Model};
use storage::retention::{gone_lead, lead};

/// What the signature is for.
const USE: LastingUse = LastingUse::UnsubscribeLinks;
/// Bytes of an id.
const ID: usize = 16;
/// Bytes of the hash of an address.
const HASH: usize = 32;
/// Bytes of the signature, of which nobody guesses any.
const SIGNATURE: usize = 16;

/// What a link names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The lead, as it was when the email went out.
    pub lead: LeadId,
    /// The hash of the address; None: a link of an earlier version.
    pub hash: Option<String>,
}

/// What a click came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clicked {
    /// No email goes there any more.
    Refused,
    /// The link is of an earlier version, and its lead is gone: nobody knows which address it was.
    Forgotten,
    /// It is none of ours.
    NotOurs,
}

/// The link in an email to `lead`. Its token can be made by nobody else, and says nothing.
pub fn url(on: &Services, lead: &lead::Model) -> String {
    let hash = refusal::email_hash(on, lead).and_then(|hash| hex::decode(hash).ok()).unwrap_or_default();
    let named = [lead.id.0.as_bytes().as_slice(), &hash].concat();
    let signed = hex::decode(on.keys.lasting.fingerprint(USE, &named)).unwrap_or_default();
    let token = [named.as_slice(), signed.get(..SIGNATURE).unwrap_or_default()].concat();
    format!("{}/unsubscribe/{}", on.rules.endpoints.public, URL_SAFE_NO_PAD.encode(token))
}

/// What a token names; None if it is none of ours.
pub fn open(on: &Services, token: &str) -> Option<Link> {
    let token = match token.len() {
        // Of earlier versions: in hexadecimal digits, without a hash.
        length if length == 2 * (ID + SIGNATURE) => hex::decode(token).ok()?,
        _ => URL_SAFE_NO_PAD.decode(token).ok()?,
    };
    let (named, signed) = token.split_at_checked(token.len().checked_sub(SIGNATURE)?)?;
    let (id, hash) = named.split_at_checked(ID)?;
    let is_whole = [0, HASH].contains(&hash.len());
    let is_ours = is_whole && on.keys.lasting.has_made(USE, named, &hex::encode(signed));
    let hash = (!hash.is_empty()).then(|| hex::encode(hash));
    is_ours.then_some(Link { lead: LeadId(Uuid::from_slice(id).ok()?), hash })
}

/// The language of the lead of a link, if there is one.
///
/// # Errors
/// The database is away.
pub async fn language(on: &Services, link: &Link) -> Result<Option<String>> {
    let db = on.db.reader();
    let lead = lead::Entity::find_by_id(gone_lead::Entity::today(db, link.lead).await?).one(db).await?;
    Ok(lead.and_then(|lead| lead.language))
}

/// No more emails to the address of this link, nor to its lead, whatever address that has now.
///
/// # Errors
/// The database is away: nothing may be promised.
pub async fn unsubscribe(on: &Services, token: &str) -> Result<Clicked> {
    let Some(link) = &open(on, token) else { return Ok(Clicked::NotOurs) };
    on.system_write(|w| async move {
        let said = told(&w, "the link in an email");
        let gone = gone_lead::Entity::find_by_id(link.lead).one(&w).await?;
        let id = gone.as_ref().and_then(|row| row.kept_id).unwrap_or(link.lead);
        let lead = lead::Entity::find_by_id(id).lock_exclusive().one(&w).await?;
        let hashes: Vec<String> =
            [link.hash.clone(), gone.and_then(|row| row.email_hash)].into_iter().flatten().collect();
        if hashes.is_empty() && lead.is_none() {
            return Ok(Clicked::Forgotten);
        }
        let at = |hash| Mark { kind: AddressKind::Email, hash };
        let refused = hashes.into_iter().map(|hash| Model::new(at(hash), Some(ContactChannel::Email), &said, w.now));
        Entity::keep(&w, refused.collect()).await?;
        end(on, &w, lead).await?;
        Ok(Clicked::Refused)
    })
    .await
}

async fn end(on: &Services, w: &Write, lead: Option<lead::Model>) -> Result<()> {
    let Some(lead) = lead else { return Ok(()) };
    effects::opt_out(on, w, lead, ContactChannel::Email, &told(w, "the link in an email")).await
}
