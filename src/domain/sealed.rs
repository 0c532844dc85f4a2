//! Secrets at rest: sealed under a key of the installation, each bound to the one place where it lies.
//!
//! XChaCha20-Poly1305 with a random nonce of 24 bytes. The table, the column and the row are authenticated along, so a
//! ciphertext that is copied elsewhere does not open there. Its key's id stands in front, so that while a key is being
//! replaced each secret says which of the two opens it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use uuid::Uuid;

use super::secret_key::SecretKey;

/// The version that a ciphertext begins with: another way of sealing gets another number.
const VERSION: &str = "1";
/// Bytes of a nonce.
const NONCE: usize = 24;

/// Where a secret lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretPlace {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The id of the row.
    pub row: Uuid,
}

/// A sealed secret, as a column holds it: `1.<key id>.<nonce and ciphertext, base64url>`.
#[derive(Clone, PartialEq, Eq, sea_orm::DeriveValueType)]
pub struct Sealed(pub String);

impl Sealed {
    /// The id of the key that opens it.
    pub fn key_id(&self) -> &str {
        self.0.split('.').nth(1).unwrap_or_default()
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({}, ..)", self.key_id())
    }
}

/// Why a secret does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// The text was sealed under a key that is not given.
    #[error("the secret was sealed under another HERALD_SECRET_KEY")]
    OtherKey,
    /// The text is not as it was sealed, or not where it was sealed.
    #[error("the secret is damaged, or of another row")]
    Damaged,
}

/// Seals under one key, and opens under that one or the one before.
#[derive(Clone)]
pub struct Vault {
    present: Ring,
    before: Option<Ring>,
}

#[derive(Clone)]
struct Ring {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Ring {
    fn new(key: &SecretKey) -> Self {
        let cipher = XChaCha20Poly1305::new(&key.derive("sealed").into());
        // Half of a keyed hash: it tells keys apart, and nothing of the key.
        let mut id = key.fingerprint("sealed-key-id", b"");
        id.truncate(16);
        Self { id, cipher }
    }
}

impl Vault {
    /// A vault under `key`.
    pub fn new(key: &SecretKey) -> Self {
        Self { present: Ring::new(key), before: None }
    }

    /// This one, opening also what was sealed under an earlier key.
    #[must_use]
    pub fn after(self, key: &SecretKey) -> Self {
        Self { before: Some(Ring::new(key)), ..self }
    }

    /// The id of the key that it seals under.
    pub fn key_id(&self) -> &str {
        &self.present.id
    }

    /// Whether it has the key that opens `sealed`.
    pub fn has_key_of(&self, sealed: &Sealed) -> bool {
        [Some(&self.present), self.before.as_ref()].into_iter().flatten().any(|ring| ring.id == sealed.key_id())
    }

    /// Seals `secret` for `place`.
    pub fn seal(&self, place: SecretPlace, secret: &[u8]) -> Sealed {
        let Ring { id, cipher } = &self.present;
        let nonce: [u8; NONCE] = rand::random();
        let aad = place.bytes(id);
        let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad });
        let sealed = sealed.expect("a secret is far shorter than what the cipher can take");
        Sealed(format!("{VERSION}.{id}.{}", URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())))
    }

    /// Seals a text for `place`.
    pub fn seal_text(&self, place: SecretPlace, secret: &SecretString) -> Sealed {
        self.seal(place, secret.expose_secret().as_bytes())
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// [`Unopened`], without a word of the content.
    pub fn open(&self, place: SecretPlace, sealed: &Sealed) -> Result<SecretSlice<u8>, Unopened> {
        let mut parts = sealed.0.splitn(3, '.');
        let (Some(VERSION), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Unopened::Damaged);
        };
        let ring = [Some(&self.present), self.before.as_ref()].into_iter().flatten().find(|ring| ring.id == id);
        let ring = ring.ok_or(Unopened::OtherKey)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| Unopened::Damaged)?;
        let (nonce, sealed) = body.split_first_chunk::<NONCE>().ok_or(Unopened::Damaged)?;
        let aad = place.bytes(id);
        let opened = ring.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad });
        opened.map(Into::into).map_err(|_| Unopened::Damaged)
    }

    /// Opens a text.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_text(&self, place: SecretPlace, sealed: &Sealed) -> Result<SecretString, Unopened> {
        let bytes = self.open(place, sealed)?;
        let text = std::str::from_utf8(bytes.expose_secret()).map_err(|_| Unopened::Damaged)?;
        Ok(text.into())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}

impl SecretPlace {
    /// The bytes that are authenticated along with the text: lengths in front keep ("ab", "c") and ("a", "bc") apart.
    fn bytes(&self, key_id: &str) -> Vec<u8> {
        let Self { table, column, row } = self;
        let texts = [VERSION, key_id, table, column];
        let mut bytes: Vec<u8> =
            texts.iter().flat_map(|text| (text.len() as u64).to_be_bytes().into_iter().chain(text.bytes())).collect();
        bytes.extend(row.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests;
