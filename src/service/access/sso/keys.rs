//! The keys of who signs the tokens of single sign-on: of a file that is read again when it has changed.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use parking_lot::RwLock;

/// How often the file is looked at: so long a key that was taken out of it still holds.
const LOOK: TimeDelta = TimeDelta::seconds(10);
/// How often it is looked at because a token fits no key.
const LOOK_SOON: TimeDelta = TimeDelta::seconds(1);

/// The keys, as the file has them now.
pub(super) struct Keys {
    algorithm: Algorithm,
    /// None: they never change.
    file: Option<PathBuf>,
    known: RwLock<Known>,
}

struct Known {
    keys: Set,
    /// What the file had when it was read.
    bytes: Vec<u8>,
    looked: Option<DateTime<Utc>>,
}

enum Set {
    /// Of a PEM file: it has no name, so the name that a token gives says nothing.
    One(DecodingKey),
    /// Of a JWKS file, each with its name.
    Named(Vec<(Option<String>, DecodingKey)>),
}

impl Keys {
    /// The public keys of a PEM or JWKS file that reads `bytes`.
    pub(super) fn new(bytes: &[u8], algorithm: Algorithm) -> Result<Self, String> {
        let known = Known { keys: parse(bytes, algorithm)?, bytes: bytes.to_owned(), looked: None };
        Ok(Self { algorithm, file: None, known: RwLock::new(known) })
    }

    /// Those of a file that may change.
    pub(super) fn of_file(path: &Path, algorithm: Algorithm) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
        Ok(Self { file: Some(path.to_owned()), ..Self::new(&bytes, algorithm)? })
    }

    /// What `check` says of the key for a token that names `kid`; None: there is none.
    pub(super) fn with<T>(&self, kid: Option<&str>, check: impl FnOnce(&DecodingKey) -> T) -> Option<T> {
        let known = self.known.read();
        let key = match (&known.keys, kid) {
            (Set::One(key), _) => key,
            (Set::Named(keys), Some(kid)) => &keys.iter().find(|(name, _)| name.as_deref() == Some(kid))?.1,
            (Set::Named(keys), None) => match keys.as_slice() {
                [(_, only)] => only,
                _ => return None,
            },
        };
        Some(check(key))
    }

    /// Looks whether the file has changed, if that was not done just now; `soon`: since a token fits no key. Returns whether the
    /// keys are others now. A file that can't be read, or has no key, leaves them as they are.
    pub(super) fn look(&self, now: DateTime<Utc>, soon: bool) -> bool {
        let Some(file) = &self.file else { return false };
        let least = if soon { LOOK_SOON } else { LOOK };
        let is_due = |looked: Option<DateTime<Utc>>| looked.is_none_or(|looked| (now - looked).abs() >= least);
        if !is_due(self.known.read().looked) {
            return false;
        }
        let mut known = self.known.write();
        if !is_due(known.looked) {
            return false;
        }
        known.looked = Some(now);
        let read = std::fs::read(file).map_err(|error| format!("it can't be read: {error}"));
        let changed = match read {
            Ok(bytes) if bytes == known.bytes => return false,
            Ok(bytes) => parse(&bytes, self.algorithm).map(|keys| (keys, bytes)),
            Err(why) => Err(why),
        };
        match changed {
            Ok((keys, bytes)) => {
                (known.keys, known.bytes) = (keys, bytes);
                tracing::info!("HERALD_SSO_KEY_FILE has changed: its keys are the ones that count now");
                true
            }
            Err(why) => {
                tracing::warn!("HERALD_SSO_KEY_FILE: {why}; the keys that it had before go on counting");
                false
            }
        }
    }
}

fn parse(bytes: &[u8], algorithm: Algorithm) -> Result<Set, String> {
    if bytes.trim_ascii_start().starts_with(b"{") { set(bytes, algorithm) } else { pem(bytes, algorithm) }
}

fn pem(bytes: &[u8], algorithm: Algorithm) -> Result<Set, String> {
    let read = match algorithm.family() {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(bytes),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(bytes),
        _ => DecodingKey::from_ed_pem(bytes),
    };
    let key = read.map_err(|_| format!("it has no public key for {algorithm:?}, neither as PEM nor as JWKS"))?;
    Ok(Set::One(key))
}

/// The keys of a set that can check signatures of this algorithm. Others, such as for encryption, are left out.
fn set(bytes: &[u8], algorithm: Algorithm) -> Result<Set, String> {
    let set: JwkSet = serde_json::from_slice(bytes).map_err(|_| "it is not a JWKS: { \"keys\": [...] }".to_owned())?;
    let fits = |parameters: &AlgorithmParameters| match parameters {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(_) => algorithm == Algorithm::EdDSA,
        _ => false,
    };
    let is_other = |named: Algorithm| named != algorithm;
    let keys = set.keys.iter().filter(|jwk| fits(&jwk.algorithm));
    let keys = keys.filter(|jwk| {
        let named = jwk.common.key_algorithm.as_ref().and_then(|name| Algorithm::from_str(&name.to_string()).ok());
        !named.is_some_and(is_other)
    });
    let keys = keys.filter_map(|jwk| Some((jwk.common.key_id.clone(), DecodingKey::from_jwk(jwk).ok()?)));
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() { Err(format!("it has no public key for {algorithm:?}")) } else { Ok(Set::Named(keys)) }
}
