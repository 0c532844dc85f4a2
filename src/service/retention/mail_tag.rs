//! The sign in the address to which bounces of an email and answers to it come: it names the contact, and nobody else can make one.
//!
//! It is made of digits and small letters that every mail server leaves alone: the id of the contact, and the first of its keyed hash.

use uuid::Uuid;

use crate::Services;
use domain::id::ContactAttemptId;
use domain::retention::credentials::TAG;
use domain::secret_key::LastingUse;

/// What the hash is for.
const USE: LastingUse = LastingUse::MailTags;
/// Digits of an id.
const ID: usize = 32;

/// The sign of a contact.
pub fn of(on: &Services, attempt: ContactAttemptId) -> String {
    let signed = on.keys.lasting.fingerprint(USE, attempt.0.as_bytes());
    format!("{}{}", attempt.0.simple(), &signed[..TAG - ID])
}

/// The contact whose sign stands in an address, however that was rewritten on its way.
pub fn open(on: &Services, address: &str) -> Option<ContactAttemptId> {
    let mut words = address.split(|letter: char| !letter.is_ascii_hexdigit()).filter(|word| word.len() == TAG);
    words.find_map(|word| {
        let (id, signed) = word.split_at_checked(ID)?;
        let id = Uuid::try_parse(id).ok()?;
        on.keys.lasting.has_made(USE, id.as_bytes(), signed).then_some(ContactAttemptId(id))
    })
}
