//! The link in each email by which its lead ends all of them, with one click (RFC 8058).

use sea_orm::{EntityTrait, QuerySelect};
use uuid::Uuid;

use super::effects;
use crate::Services;
use domain::error::Result;
use domain::id::LeadId;
use domain::retention::words::ContactChannel;
use domain::secret_key::LastingUse;
use storage::retention::lead;

/// What the signature is for.
const USE: LastingUse = LastingUse::UnsubscribeLinks;
/// Digits of an id.
const ID: usize = 32;
/// Digits of its signature: 128 bits, which nobody guesses.
const SIGNATURE: usize = 32;

/// The link of `lead`. Its token can be made by nobody else, and says nothing.
pub fn url(on: &Services, lead: LeadId) -> String {
    format!("{}/unsubscribe/{}{}", on.rules.endpoints.public, lead.0.simple(), signature(on, lead))
}

fn signature(on: &Services, lead: LeadId) -> String {
    let mut signature = on.keys.lasting.fingerprint(USE, lead.0.as_bytes());
    signature.truncate(SIGNATURE);
    signature
}

/// The lead whose link it is; None if it is none of ours.
pub fn open(on: &Services, token: &str) -> Option<LeadId> {
    let (id, signed) = token.split_at_checked(ID)?;
    let lead = LeadId(Uuid::try_parse(id).ok()?);
    let is_ours = signed.len() == SIGNATURE && on.keys.lasting.has_made(USE, lead.0.as_bytes(), signed);
    is_ours.then_some(lead)
}

/// No more emails to the lead of this link; false if it is none of ours. One who is gone gets none anyway.
pub async fn unsubscribe(on: &Services, token: &str) -> Result<bool> {
    let Some(id) = open(on, token) else { return Ok(false) };
    on.system_write(|w| async move {
        if let Some(lead) = lead::Entity::find_by_id(id).lock_exclusive().one(&w).await? {
            effects::opt_out(on, &w, lead, ContactChannel::Email, "the link in an email").await?;
        }
        Ok(())
    })
    .await?;
    Ok(true)
}
