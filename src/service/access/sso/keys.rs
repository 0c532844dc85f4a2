//! The keys of who signs the tokens of single sign-on: of a file that is read again when it has changed, or of an address that is
//! asked from time to time, and when a token fits no key.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::sync::Mutex;

use providers::http::{self, StatusCode};

/// How often the file is looked at: so long a key that was taken out of it still holds.
const LOOK: TimeDelta = TimeDelta::seconds(10);
/// How often it is looked at because a token fits no key.
const LOOK_SOON: TimeDelta = TimeDelta::seconds(1);
/// How often an address is asked because a token fits no key: anybody can make up such tokens.
const ASK_SOON: TimeDelta = TimeDelta::seconds(5);
/// How long an answer may take, to its end: tokens of a key that is not known yet wait for it.
const ASK_TIME: Duration = Duration::from_secs(5);

/// The keys, as their file or their address had them when it was looked at last.
pub(super) struct Keys {
    algorithm: Algorithm,
    place: Place,
    known: RwLock<Known>,
    /// Whoever looks has this: the others wait for what he finds.
    turn: Mutex<()>,
}

/// Where the keys come from.
enum Place {
    /// They never change.
    Given,
    File(PathBuf),
    Address(String),
}

struct Known {
    /// None until the address has told some.
    keys: Option<Set>,
    /// What they were read of.
    bytes: Vec<u8>,
    looked: Option<DateTime<Utc>>,
    /// How often they have become others.
    changes: u64,
    /// Whether it was told that they can't be read.
    is_told: bool,
}

enum Set {
    /// Of a PEM file: it has no name, so the name that a token gives says nothing.
    One(DecodingKey),
    /// Of a JWKS, each with its name.
    Named(Vec<(Option<String>, DecodingKey)>),
}

impl Keys {
    fn at(place: Place, algorithm: Algorithm, keys: Option<Set>, bytes: Vec<u8>) -> Self {
        let known = Known { keys, bytes, looked: None, changes: 0, is_told: false };
        Self { algorithm, place, known: RwLock::new(known), turn: Mutex::default() }
    }

    /// The public keys of a PEM or JWKS file that reads `bytes`.
    pub(super) fn new(bytes: &[u8], algorithm: Algorithm) -> Result<Self, String> {
        Ok(Self::at(Place::Given, algorithm, Some(parse(bytes, algorithm)?), bytes.to_owned()))
    }

    /// Those of a file that may change.
    pub(super) fn of_file(path: &Path, algorithm: Algorithm) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
        let keys = parse(&bytes, algorithm)?;
        Ok(Self::at(Place::File(path.to_owned()), algorithm, Some(keys), bytes))
    }

    /// Those that this address tells, once it has been asked.
    pub(super) fn of_address(url: &str, algorithm: Algorithm) -> Self {
        Self::at(Place::Address(url.to_owned()), algorithm, None, Vec::new())
    }

    /// The setting that says where they are.
    pub(super) fn setting(&self) -> &'static str {
        if self.is_remote() { "HERALD_SSO_JWKS_URL" } else { "HERALD_SSO_KEY_FILE" }
    }

    /// Whether an address tells them.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self.place, Place::Address(_))
    }

    /// How many are known; None: the address has told none yet.
    pub(super) fn count(&self) -> Option<usize> {
        self.known.read().keys.as_ref().map(|keys| match keys {
            Set::One(_) => 1,
            Set::Named(keys) => keys.len(),
        })
    }

    /// What `check` says of the key for a token that names `kid`; None: there is none.
    pub(super) fn with<T>(&self, kid: Option<&str>, check: impl FnOnce(&DecodingKey) -> T) -> Option<T> {
        let known = self.known.read();
        let key = match (known.keys.as_ref()?, kid) {
            (Set::One(key), _) => key,
            (Set::Named(keys), Some(kid)) => &keys.iter().find(|(name, _)| name.as_deref() == Some(kid))?.1,
            (Set::Named(keys), None) => match keys.as_slice() {
                [(_, only)] => only,
                _ => return None,
            },
        };
        Some(check(key))
    }

    /// Looks whether a file has changed, if that was not done just now. An address is asked from time to time, by nobody who waits.
    pub(super) async fn look(&self, now: DateTime<Utc>) {
        if let Place::File(_) = self.place {
            self.look_after(LOOK, now).await;
        }
    }

    /// Looks because a token fits no key. Returns whether the keys are others now.
    pub(super) async fn look_soon(&self, now: DateTime<Utc>) -> bool {
        self.look_after(if self.is_remote() { ASK_SOON } else { LOOK_SOON }, now).await
    }

    /// Looks now.
    ///
    /// # Errors
    /// Why the keys can't be read; those that were known go on counting.
    pub(super) async fn look_now(&self, now: DateTime<Utc>) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        self.read(now).await.map(drop)
    }

    async fn look_after(&self, least: TimeDelta, now: DateTime<Utc>) -> bool {
        let is_due = || self.known.read().looked.is_none_or(|looked| (now - looked).abs() >= least);
        let seen = self.known.read().changes;
        if matches!(self.place, Place::Given) || (!self.is_remote() && !is_due()) {
            return false;
        }
        let _turn = self.turn.lock().await;
        if self.known.read().changes != seen {
            return true;
        }
        // Why it fails is in the log.
        is_due() && self.read(now).await.unwrap_or(false)
    }

    /// Reads the keys. Returns whether they are others now; what can't be read, or has no key, leaves them as they are.
    async fn read(&self, now: DateTime<Utc>) -> Result<bool, String> {
        self.known.write().looked = Some(now);
        let read = match &self.place {
            Place::Given => return Ok(false),
            Place::File(path) => std::fs::read(path).map_err(|error| format!("it can't be read: {error}")),
            Place::Address(url) => ask(url).await,
        };
        let mut known = self.known.write();
        let is_new = |bytes: &Vec<u8>| known.keys.is_none() || *bytes != known.bytes;
        let changed = match read {
            Ok(bytes) if is_new(&bytes) => parse(&bytes, self.algorithm).map(|keys| Some((keys, bytes))),
            Ok(_) => Ok(None),
            Err(why) => Err(why),
        };
        let setting = self.setting();
        let changed = changed.inspect_err(|why| {
            if !known.is_told {
                let then = if known.keys.is_some() {
                    "the keys that it had before go on counting"
                } else {
                    "nobody is signed in by it until that can be read"
                };
                tracing::warn!("{setting}: {why}; {then}");
            }
            known.is_told = true;
        })?;
        if std::mem::take(&mut known.is_told) {
            tracing::info!("{setting} can be read again");
        }
        let Some((keys, bytes)) = changed else { return Ok(false) };
        if known.keys.is_some() {
            tracing::info!("{setting} has changed: its keys are the ones that count now");
        }
        (known.keys, known.bytes) = (Some(keys), bytes);
        known.changes += 1;
        Ok(true)
    }
}

/// What an address answers, which is bounded in time and size, and leads nowhere else.
async fn ask(url: &str) -> Result<Vec<u8>, String> {
    let request =
        http::client().get(url).timeout(ASK_TIME).header("accept", "application/jwk-set+json, application/json");
    let answer = http::call(request).await.map_err(|fault| fault.to_string())?;
    match answer.status {
        StatusCode::OK => Ok(answer.body),
        status if status.is_redirection() => Err(format!("it leads elsewhere ({status}): give the address itself")),
        status => Err(format!("it answers {status}")),
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

/// A set of keys, each as it is written.
#[derive(Deserialize)]
struct Written {
    keys: Vec<Json>,
}

/// The keys of a set that can check signatures of this algorithm. Others, such as for encryption or of a kind that is not known
/// here, are left out.
fn set(bytes: &[u8], algorithm: Algorithm) -> Result<Set, String> {
    let set: Written = serde_json::from_slice(bytes).map_err(|_| "it is not a JWKS: { \"keys\": [...] }".to_owned())?;
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
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let keys = keys.filter(|jwk| fits(&jwk.algorithm));
    let keys = keys.filter(|jwk| !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)));
    let keys = keys.filter(|jwk| {
        let named = jwk.common.key_algorithm.as_ref().and_then(|name| Algorithm::from_str(&name.to_string()).ok());
        !named.is_some_and(is_other)
    });
    let keys = keys.filter_map(|jwk| Some((jwk.common.key_id.clone(), DecodingKey::from_jwk(&jwk).ok()?)));
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() { Err(format!("it has no public key for {algorithm:?}")) } else { Ok(Set::Named(keys)) }
}
