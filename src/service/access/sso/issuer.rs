//! Who vouches for users: his keys, the one algorithm that he signs with, and how his tokens are read.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use domain::error::{Error, Result};
use domain::role::Role;

/// By so much the issuer's clock may be ahead.
const SKEW: TimeDelta = TimeDelta::seconds(5);
/// The longest name by which an issuer knows somebody, in bytes.
const SUBJECT: usize = 255;
/// The longest token, in bytes: cookies are no longer either.
const TOKEN: usize = 8 << 10;

const REFUSED: Error = Error::Unauthenticated("the access token is wrong or has expired");

/// The claims that tokens of an issuer must have, besides being signed.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The value that `iss` must have.
    pub issuer: Option<String>,
    /// The value that `aud` must have, or have among others.
    pub audience: Option<String>,
    /// Which claim has the role.
    pub role_claim: String,
}

/// Somebody who is believed.
pub struct Issuer {
    keys: Keys,
    algorithm: Algorithm,
    validation: Validation,
    role_claim: String,
}

enum Keys {
    /// Of a PEM file: it has no name, so the name that a token gives says nothing.
    One(DecodingKey),
    /// Of a JWKS file, each with its name.
    Set(Vec<(Option<String>, DecodingKey)>),
}

/// Whom a token speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// By which name the issuer knows him: it never becomes another's.
    pub subject: String,
    /// The name that people call him by.
    pub name: String,
    /// The role that he has.
    pub role: Role,
    /// Since when the token tells so, if it says.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    preferred_username: Option<String>,
    #[serde(flatten)]
    others: Map<String, Json>,
}

impl Issuer {
    /// The algorithm of this name, if it has a public key: with a shared one, whoever can check could sign.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the name.
    pub fn algorithm(name: &str) -> Result<Algorithm, String> {
        let algorithm = Algorithm::from_str(name).ok().filter(|algorithm| algorithm.family() != AlgorithmFamily::Hmac);
        let all = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA";
        algorithm.ok_or_else(|| format!("{name:?} is not one of {all}"))
    }

    /// An issuer whose public keys are in a PEM or JWKS file that reads `file`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    pub fn new(file: &[u8], algorithm: Algorithm, trust: Trust) -> Result<Self, String> {
        let Trust { issuer, audience, role_claim } = trust;
        let keys =
            if file.trim_ascii_start().starts_with(b"{") { set(file, algorithm)? } else { pem(file, algorithm)? };
        let mut validation = Validation::new(algorithm);
        // Instants are compared with the Clock's time below, not with the system's.
        validation.validate_exp = false;
        validation.validate_aud = audience.is_some();
        validation.required_spec_claims.clear();
        if let Some(issuer) = issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".into());
        }
        if let Some(audience) = audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".into());
        }
        Ok(Self { keys, algorithm, validation, role_claim })
    }

    /// Whether tokens that the issuer made for others are believed too.
    pub fn is_credulous(&self) -> bool {
        !self.validation.validate_aud
    }

    /// Whom a token speaks of.
    ///
    /// # Errors
    /// UNAUTHENTICATED; it does not say why, because only a forger would want to know.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Identity> {
        let claims = self.claims(token).ok_or(REFUSED)?;
        let expires_at = instant(claims.exp).filter(|end| *end > now).ok_or(REFUSED)?;
        let past = |seconds| instant(seconds).filter(|at| *at <= now + SKEW).ok_or(REFUSED);
        let issued_at = claims.iat.map(past).transpose()?;
        if let Some(nbf) = claims.nbf {
            past(nbf)?;
        }
        let is_usable = (1..=SUBJECT).contains(&claims.sub.len()) && !claims.sub.contains(char::is_control);
        if !is_usable {
            return Err(REFUSED);
        }
        let role = role(&claims.others, &self.role_claim);
        let name = claims.preferred_username.unwrap_or_else(|| claims.sub.clone());
        Ok(Identity { subject: claims.sub, name, role, issued_at, expires_at })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header((token.len() <= TOKEN).then_some(token)?).ok()?;
        // Before a key is looked at: what the token says of itself chooses neither the algorithm nor, unless it is known, the key.
        if header.alg != self.algorithm {
            return None;
        }
        let key = match (&self.keys, header.kid) {
            (Keys::One(key), _) => key,
            (Keys::Set(keys), Some(kid)) => &keys.iter().find(|(id, _)| id.as_ref() == Some(&kid))?.1,
            (Keys::Set(keys), None) => match keys.as_slice() {
                [(_, only)] => only,
                _ => return None,
            },
        };
        Some(jsonwebtoken::decode::<Claims>(token, key, &self.validation).ok()?.claims)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// An instant as tokens write it: seconds since 1970.
fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    let since = TimeDelta::from_std(Duration::try_from_secs_f64(seconds).ok()?).ok()?;
    DateTime::UNIX_EPOCH.checked_add_signed(since).map(|at| at.trunc_subsecs(3))
}

fn pem(file: &[u8], algorithm: Algorithm) -> Result<Keys, String> {
    let read = match algorithm.family() {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(file),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(file),
        _ => DecodingKey::from_ed_pem(file),
    };
    let key = read.map_err(|_| format!("it has no public key for {algorithm:?}, neither as PEM nor as JWKS"))?;
    Ok(Keys::One(key))
}

/// The keys of a set that can check signatures of this algorithm. Others, such as for encryption, are left out.
fn set(file: &[u8], algorithm: Algorithm) -> Result<Keys, String> {
    let set: JwkSet = serde_json::from_slice(file).map_err(|_| "it is not a JWKS: { \"keys\": [...] }".to_owned())?;
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
    if keys.is_empty() { Err(format!("it has no public key for {algorithm:?}")) } else { Ok(Keys::Set(keys)) }
}

/// The highest role that the claim names, as a text or in a list; AUDITOR if it names none.
fn role(claims: &Map<String, Json>, claim: &str) -> Role {
    let named = |value: &Json| match value.as_str()?.to_ascii_uppercase().as_str() {
        "ADMIN" => Some(Role::Admin),
        "OPERATOR" => Some(Role::Operator),
        "AUDITOR" => Some(Role::Auditor),
        _ => None,
    };
    let found = match claims.get(claim) {
        Some(Json::Array(values)) => values.iter().filter_map(named).max(),
        Some(value) => named(value),
        None => None,
    };
    found.unwrap_or(Role::Auditor)
}
