//! The secret keys of an installation, by how long what they make must hold. None of them shows in debug output.
//!
//! What can be made anew is sealed ([`super::sealed::Vault`]), what ends by itself is made with [`ShortLived`], and what must
//! outlive every replacement of the installation's key with [`Lasting`]. A [`SecretKey`] itself makes nothing, so that a new
//! use has to say of which sort it is.

use hmac::{Hmac, KeyInit, Mac};
use sea_orm::EnumIter;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// 32 bytes that nobody else knows.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// A key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key that nobody has had.
    pub fn made_up() -> Self {
        Self(rand::random())
    }

    /// Its bytes, to be sealed.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the same key. How long that takes says nothing of the key.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// A name by which keys are told apart, and which says nothing of them.
    pub fn id(&self) -> Uuid {
        let mac = self.mac(&[b"key-id"]);
        let (head, _) = mac.split_first_chunk::<16>().expect("a SHA-256 has 32 bytes");
        Uuid::from_bytes(*head)
    }

    /// A key for one purpose: knowing it tells nothing of the others.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        self.mac(&[purpose.as_bytes()])
    }

    /// A keyed hash in hexadecimal digits.
    pub(crate) fn fingerprint(&self, purpose: &str, content: &[u8]) -> String {
        hex::encode(self.mac(&[purpose.as_bytes(), content]))
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.hasher(parts).finalize().into_bytes().into()
    }

    fn hasher(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in parts {
            // The length in front keeps ("ab", "c") and ("a", "bc") apart.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// Makes what ends by itself within minutes: replacing the installation's key ends it at once.
#[derive(Debug, Clone)]
pub struct ShortLived(SecretKey);

/// What is made with a [`ShortLived`] key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub enum ShortLivedUse {
    /// The signature of access tokens.
    AccessTokens,
}

impl ShortLived {
    /// The one under the installation's key.
    pub fn of(key: &SecretKey) -> Self {
        Self(key.clone())
    }

    /// The key of one use.
    pub fn derive(&self, of: ShortLivedUse) -> [u8; 32] {
        match of {
            ShortLivedUse::AccessTokens => self.0.derive("access-token"),
        }
    }
}

/// Makes what must hold for as long as the database is there, whatever becomes of the installation's key.
///
/// It is made once, kept sealed in the database and carried along when the installation's key is replaced; so it is the same
/// in all processes.
#[derive(Debug, Clone)]
pub struct Lasting {
    makes: SecretKey,
    /// Keys under which an earlier version has made some of it: they are recognised, and nothing new is made with them.
    earlier: Vec<SecretKey>,
}

/// What is made with the [`Lasting`] key. Each new use gets a line here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub enum LastingUse {
    /// The hashes of email addresses that must not come back.
    RefusedEmails,
    /// The hashes of phone numbers that must not come back.
    RefusedPhones,
    /// The hashes of Telegram names at which something was refused.
    RefusedTelegramNames,
    /// The signature of the links by which leads end all emails.
    UnsubscribeLinks,
    /// The signature of links that tell of clicks.
    TrackedLinks,
    /// The signature of pictures that tell of opens.
    TrackedOpens,
    /// The signs in the addresses to which bounces and answers come.
    MailTags,
    /// API tokens, which are made from their ids: who repeats a request gets the same one.
    ApiTokens,
    /// The fingerprints of inputs, by which a repeated request is known.
    Repetitions,
    /// The hashes of Telegram's session keys: a session belongs to one account.
    TelegramSessions,
    /// The identities of messages to channels.
    Broadcasts,
    /// The identities of messages that are tried out.
    Tests,
    /// The identities of letters to leads.
    Letters,
}

impl LastingUse {
    /// The words that keep uses apart. They never change: what was made with them lies in databases and mailboxes.
    const fn purpose(self) -> &'static str {
        match self {
            Self::RefusedEmails => "suppressed email",
            Self::RefusedPhones => "suppressed phone",
            Self::RefusedTelegramNames => "refused telegram name",
            Self::UnsubscribeLinks => "unsubscribe",
            Self::TrackedLinks => "tracked-link",
            Self::TrackedOpens => "tracked-open",
            Self::MailTags => "mail-tag",
            Self::ApiTokens => "api-token",
            Self::Repetitions => "idempotency",
            Self::TelegramSessions => "telegram-session",
            Self::Broadcasts => "broadcast-live",
            Self::Tests => "broadcast-test",
            Self::Letters => "lead",
        }
    }
}

impl Lasting {
    /// One that makes with `makes`, and recognises what was made with `earlier` too.
    pub const fn new(makes: SecretKey, earlier: Vec<SecretKey>) -> Self {
        Self { makes, earlier }
    }

    /// A keyed hash in hexadecimal digits: who has only the database can't try out what was hashed.
    pub fn fingerprint(&self, of: LastingUse, content: &[u8]) -> String {
        self.makes.fingerprint(of.purpose(), content)
    }

    /// The hashes that an earlier key may have made of it.
    pub fn earlier_fingerprints<'a>(
        &'a self,
        of: LastingUse,
        content: &'a [u8],
    ) -> impl Iterator<Item = String> + use<'a> {
        self.earlier.iter().map(move |key| key.fingerprint(of.purpose(), content))
    }

    /// Whether there are earlier keys.
    pub fn has_earlier(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// Whether `digits` are the first of the fingerprint. How long the comparison takes says nothing of where they differ.
    pub fn has_made(&self, of: LastingUse, content: &[u8], digits: &str) -> bool {
        let Ok(bytes) = hex::decode(digits) else { return false };
        let keys = std::iter::once(&self.makes).chain(&self.earlier);
        keys.map(|key| key.hasher(&[of.purpose().as_bytes(), content]))
            .any(|mac| mac.verify_truncated_left(&bytes).is_ok())
    }

    /// R13: the identity of a send, that Telegram refuses to accept twice. Never zero.
    ///
    /// `of` keeps test and live sends apart; `epoch` rises when a failed job is sent anew on purpose.
    pub fn random_id(&self, of: LastingUse, job: Uuid, epoch: i32) -> i64 {
        let mac = self.makes.mac(&[of.purpose().as_bytes(), job.as_bytes(), &epoch.to_be_bytes()]);
        let (head, _) = mac.split_first_chunk::<8>().expect("a SHA-256 has 32 bytes");
        match i64::from_be_bytes(*head) {
            0 => 1,
            id => id,
        }
    }
}

/// The keys of an installation that make something, each for its sort.
#[derive(Debug, Clone)]
pub struct Keys {
    /// For what ends by itself.
    pub short_lived: ShortLived,
    /// For what outlives every replacement of the installation's key.
    pub lasting: Lasting,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_is_the_same_for_the_same_send_and_another_for_another() {
        let key = Lasting::new(SecretKey::new([7; 32]), Vec::new());
        let job = Uuid::from_u128(1);
        let id = key.random_id(LastingUse::Broadcasts, job, 0);
        assert_eq!(id, key.random_id(LastingUse::Broadcasts, job, 0));
        assert_ne!(id, key.random_id(LastingUse::Broadcasts, job, 1));
        assert_ne!(id, key.random_id(LastingUse::Tests, job, 0));
        assert_ne!(id, Lasting::new(SecretKey::new([8; 32]), Vec::new()).random_id(LastingUse::Broadcasts, job, 0));
        assert_eq!(format!("{:?}", SecretKey::new([7; 32])), "SecretKey(..)");
    }

    #[test]
    fn what_an_earlier_key_has_made_is_recognised_and_nothing_is_made_with_it() {
        let (first, second) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let alone = Lasting::new(first.clone(), Vec::new());
        let both = Lasting::new(second.clone(), vec![first]);
        let of = LastingUse::UnsubscribeLinks;
        let made = alone.fingerprint(of, b"x");
        assert!(both.has_made(of, b"x", &made) && !both.has_made(of, b"y", &made));
        assert!(both.earlier_fingerprints(of, b"x").eq([made.clone()]));
        assert_eq!(both.fingerprint(of, b"x"), Lasting::new(second, Vec::new()).fingerprint(of, b"x"));
        assert!(!alone.has_made(of, b"x", &both.fingerprint(of, b"x")));
    }
}
