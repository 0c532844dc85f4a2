//! The secret key of an installation and what is derived from it. It never shows in debug output.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// 32 bytes that sign tokens and derive random ids.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// A key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key for one purpose: knowing it tells nothing of the others.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.mac(&[purpose.as_bytes()])
    }

    /// R13: the identity of a send, that Telegram refuses to accept twice. Never zero.
    ///
    /// `purpose` keeps test and live sends apart; `epoch` rises when a failed job is sent anew on purpose.
    pub fn random_id(&self, purpose: &str, job: Uuid, epoch: i32) -> i64 {
        let mac = self.mac(&[purpose.as_bytes(), job.as_bytes(), &epoch.to_be_bytes()]);
        let (head, _) = mac.split_first_chunk::<8>().expect("a SHA-256 has 32 bytes");
        match i64::from_be_bytes(*head) {
            0 => 1,
            id => id,
        }
    }

    /// A keyed hash in hexadecimal digits: who has only the database can't try out what was hashed.
    pub fn fingerprint(&self, purpose: &str, content: &[u8]) -> String {
        hex::encode(self.mac(&[purpose.as_bytes(), content]))
    }

    /// Whether `digits` are the first of the fingerprint. How long the comparison takes says nothing of where they differ.
    pub fn has_made(&self, purpose: &str, content: &[u8], digits: &str) -> bool {
        let mac = self.hasher(&[purpose.as_bytes(), content]);
        hex::decode(digits).is_ok_and(|bytes| mac.verify_truncated_left(&bytes).is_ok())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_is_the_same_for_the_same_send_and_another_for_another() {
        let key = SecretKey::new([7; 32]);
        let job = Uuid::from_u128(1);
        let id = key.random_id("live", job, 0);
        assert_eq!(id, key.random_id("live", job, 0));
        assert_ne!(id, key.random_id("live", job, 1));
        assert_ne!(id, key.random_id("test", job, 0));
        assert_ne!(id, SecretKey::new([8; 32]).random_id("live", job, 0));
        assert_eq!(format!("{key:?}"), "SecretKey(..)");
    }
}
