//! Who vouches for users: his keys, the one algorithm that he signs with, and how his tokens are read.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, AlgorithmFamily, Header, Validation};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::keys::Keys;
use domain::error::{Error, Result};
use domain::role::Role;

/// By so much the issuer's clock may be ahead unless a setting says otherwise.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// The longest name by which an issuer knows somebody, in bytes.
const SUBJECT: usize = 255;
/// The longest token, in bytes: cookies are no longer either.
const TOKEN: usize = 8 << 10;
/// Refusals are logged at most so often: anybody can cause one.
const LOG: TimeDelta = TimeDelta::seconds(1);

const REFUSED: Error = Error::Unauthenticated("the access token is wrong or has expired");
const NOT_YET: Error = Error::NotYet(
    "the keys of single sign-on could not be read yet, so nobody can say whether the token holds: try again later",
);
const NO_ROLE: Error =
    Error::Unauthenticated("single sign-on gives you no role in Herald: ask whoever administers it for one");

/// The claims that tokens of an issuer must have, besides being signed.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The value that `iss` must have.
    pub issuer: Option<String>,
    /// The value that `aud` must have, or have among others.
    pub audience: Option<String>,
    /// Which claim has the role; with dots the way to it through objects.
    pub role_claim: String,
    /// Which roles of the issuer, in small letters, are which of Herald; empty: those of the same names.
    pub roles: BTreeMap<String, Role>,
    /// Whether a token without a role is refused; its user is an AUDITOR otherwise.
    pub needs_role: bool,
    /// By so much the issuer's clock may be ahead.
    pub leeway: TimeDelta,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            role_claim: String::new(),
            roles: BTreeMap::new(),
            needs_role: false,
            leeway: LEEWAY,
        }
    }
}

/// Somebody who is believed.
pub struct Issuer {
    keys: Keys,
    algorithm: Algorithm,
    validation: Validation,
    trust: Trust,
    /// When a refusal was logged last.
    logged: Mutex<Option<DateTime<Utc>>>,
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
    /// Whether the token names the role; it is AUDITOR otherwise.
    pub has_role: bool,
    /// The issuer's name of the session that the token belongs to, if it has one.
    pub session: Option<String>,
    /// When the token was issued (`iat`), or else since when it holds (`nbf`), if it says.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is none of an issuer, such as a token of Herald's own that has ended.
    Foreign(String),
    /// It is wrong.
    Wrong(String),
    /// It is right, and names no role.
    NoRole(String),
    /// It may be right: no key is known yet.
    NotYet(String),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    sid: Option<String>,
    preferred_username: Option<String>,
    #[serde(flatten)]
    others: Map<String, Json>,
}

/// Why a token's claims can't be read.
enum Unread {
    /// No key that is known fits: the file may have others by now.
    Unknown(String),
    Refused(Refusal),
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
        Ok(Self::with(Keys::new(file, algorithm)?, algorithm, trust))
    }

    /// An issuer whose public keys are in this PEM or JWKS file, which is read again when it has changed.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    pub fn of_file(path: &Path, algorithm: Algorithm, trust: Trust) -> Result<Self, String> {
        Ok(Self::with(Keys::of_file(path, algorithm)?, algorithm, trust))
    }

    /// An issuer whose public keys are in the JWKS that this address answers: see [`Issuer::ask`].
    pub fn of_address(url: &str, algorithm: Algorithm, trust: Trust) -> Self {
        Self::with(Keys::of_address(url, algorithm), algorithm, trust)
    }

    fn with(keys: Keys, algorithm: Algorithm, trust: Trust) -> Self {
        let mut validation = Validation::new(algorithm);
        // Instants are compared with the Clock's time below, not with the system's.
        validation.validate_exp = false;
        validation.validate_aud = trust.audience.is_some();
        validation.required_spec_claims.clear();
        if let Some(issuer) = &trust.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".into());
        }
        if let Some(audience) = &trust.audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".into());
        }
        Self { keys, algorithm, validation, trust, logged: Mutex::default() }
    }

    /// By so much the issuer's clock may be ahead.
    pub fn leeway(&self) -> TimeDelta {
        self.trust.leeway
    }

    /// Whether an address tells the keys, which is to be asked from time to time.
    pub fn is_remote(&self) -> bool {
        self.keys.is_remote()
    }

    /// Reads the keys anew. Returns how many there are, and the setting that says where.
    ///
    /// # Errors
    /// The setting, and why they can't be read; those that were known before go on counting.
    pub async fn ask(&self, now: DateTime<Utc>) -> Result<(&'static str, usize), String> {
        let setting = self.keys.setting();
        self.keys.look_now(now).await.map_err(|why| format!("{setting}: {why}"))?;
        Ok((setting, self.keys.count().unwrap_or_default()))
    }

    /// Whether tokens that the issuer made for others are believed too.
    pub fn is_credulous(&self) -> bool {
        !self.validation.validate_aud
    }

    /// Whom a token speaks of.
    ///
    /// # Errors
    /// UNAUTHENTICATED; it does not say why, because only a forger would want to know. The log says it. UNAVAILABLE while no key is
    /// known.
    pub async fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Identity> {
        self.examine(token, now).await.map_err(|refusal| match refusal {
            Refusal::Foreign(_) => REFUSED,
            Refusal::Wrong(why) => {
                self.log(&why, now);
                REFUSED
            }
            Refusal::NoRole(why) => {
                self.log(&why, now);
                NO_ROLE
            }
            Refusal::NotYet(why) => {
                self.log(&why, now);
                NOT_YET
            }
        })
    }

    fn log(&self, why: &str, now: DateTime<Utc>) {
        let mut logged = self.logged.lock();
        if logged.is_none_or(|at| (now - at).abs() >= LOG) {
            *logged = Some(now);
            tracing::warn!("single sign-on refuses a token: {why}; herald sso check TOKEN says more");
        }
    }

    /// Whom a token speaks of, or why it is not believed.
    ///
    /// # Errors
    /// The reason, for whoever runs Herald.
    pub async fn examine(&self, token: &str, now: DateTime<Utc>) -> Result<Identity, Refusal> {
        let claims = self.claims(token, now).await?;
        let wrong = |why: String| Err(Refusal::Wrong(why));
        let Some(expires_at) = instant(claims.exp) else { return wrong("its exp is no instant".into()) };
        if expires_at <= now {
            return wrong(format!("it ended at {expires_at} (exp), and it is {now} here"));
        }
        let latest = now + self.trust.leeway;
        let past = |name: &str, seconds: f64| match instant(seconds) {
            Some(at) if at <= latest => Ok(at),
            Some(at) => Err(Refusal::Wrong(format!(
                "its {name} is {at}, and it is {now} here: the issuer's clock is ahead by more than HERALD_SSO_LEEWAY ({} s)",
                self.trust.leeway.num_seconds()
            ))),
            None => Err(Refusal::Wrong(format!("its {name} is no instant"))),
        };
        let issued_at = claims.iat.map(|at| past("iat", at)).transpose()?;
        let valid_from = claims.nbf.map(|at| past("nbf", at)).transpose()?;
        if !(1..=SUBJECT).contains(&claims.sub.len()) || claims.sub.contains(char::is_control) {
            return wrong(format!("its sub is empty, has more than {SUBJECT} bytes, or control characters"));
        }
        let role = self.role(&claims.others);
        if role.is_none() && self.trust.needs_role {
            return Err(Refusal::NoRole(self.without_role(&claims.sub)));
        }
        let name = claims.preferred_username.filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or_else(|| claims.sub.clone());
        let session = claims.sid.filter(|session| !session.is_empty());
        let (has_role, role) = (role.is_some(), role.unwrap_or(Role::Auditor));
        // Hardly any is issued before it holds.
        let issued_at = issued_at.or(valid_from);
        Ok(Identity { subject: claims.sub, name, role, has_role, session, issued_at, expires_at })
    }

    /// What is said of somebody whose token names no role.
    pub fn without_role(&self, subject: &str) -> String {
        let known: Vec<&str> = self.trust.roles.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "ADMIN, OPERATOR, AUDITOR".to_owned() } else { known.join(", ") };
        format!("the claim {:?} of {subject:?} names none of the roles that are known: {known}", self.trust.role_claim)
    }

    async fn claims(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, Refusal> {
        let foreign = |why: &str| Err(Refusal::Foreign(why.to_owned()));
        if token.len() > TOKEN {
            return Err(Refusal::Wrong(format!("it has more than {TOKEN} bytes")));
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else { return foreign("it is no JWT") };
        // Before a key is looked at: what the token says of itself chooses neither the algorithm nor, unless it is known, the key.
        if header.alg.family() == AlgorithmFamily::Hmac {
            return foreign("it is signed with a shared secret, as Herald's own are");
        }
        if header.alg != self.algorithm {
            let why = format!("its alg is {:?}, and HERALD_SSO_ALG is {:?}", header.alg, self.algorithm);
            return Err(Refusal::Wrong(why));
        }
        self.keys.look(now).await;
        let mut read = self.decode(token, &header);
        if matches!(read, Err(Unread::Unknown(_))) && self.keys.look_soon(now).await {
            read = self.decode(token, &header);
        }
        read.map_err(|unread| match unread {
            Unread::Unknown(why) if self.keys.count().is_none() => Refusal::NotYet(why),
            Unread::Unknown(why) => Refusal::Wrong(why),
            Unread::Refused(refusal) => refusal,
        })
    }

    fn decode(&self, token: &str, header: &Header) -> Result<Claims, Unread> {
        let kid = header.kid.as_deref();
        let read = self.keys.with(kid, |key| jsonwebtoken::decode::<Claims>(token, key, &self.validation));
        let setting = self.keys.setting();
        let Some(read) = read else {
            return Err(Unread::Unknown(match kid {
                _ if self.keys.count().is_none() => format!("{setting} could not be read yet, so that no key is known"),
                Some(kid) => format!("{setting} has no key with its kid {kid:?}"),
                None => format!("it names no kid, and {setting} has several keys"),
            }));
        };
        let refused = |why: &str| Unread::Refused(Refusal::Wrong(why.to_owned()));
        read.map(|token| token.claims).map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => {
                Unread::Unknown(format!("its signature is not that of the key in {setting}"))
            }
            ErrorKind::InvalidIssuer => refused("its iss is not HERALD_SSO_ISSUER"),
            ErrorKind::InvalidAudience => refused("its aud is not HERALD_SSO_AUDIENCE, nor has it among others"),
            ErrorKind::MissingRequiredClaim(claim) => refused(&format!("it has no {claim}")),
            ErrorKind::ImmatureSignature => refused("its nbf has not come"),
            _ => refused("sub and exp, or another claim, are missing or of another kind than JWTs have them"),
        })
    }

    /// The highest role that the claim names, as a text or in a list; None if it names none.
    fn role(&self, claims: &Map<String, Json>) -> Option<Role> {
        let named = |name: &str| {
            let name = name.to_lowercase();
            if !self.trust.roles.is_empty() {
                return self.trust.roles.get(&name).copied();
            }
            match name.as_str() {
                "admin" => Some(Role::Admin),
                "operator" => Some(Role::Operator),
                "auditor" => Some(Role::Auditor),
                _ => None,
            }
        };
        // A name with a blank in it is tried as a whole first.
        let of_text = |text: &str| {
            let parts = text.split([' ', ',', '\t', '\n']).filter_map(named);
            named(text.trim()).into_iter().chain(parts).max()
        };
        match found(claims, &self.trust.role_claim)? {
            Json::String(text) => of_text(text),
            // In a list a name with a blank in it is one name: a "Backup Operator" is no OPERATOR.
            Json::Array(values) => values.iter().filter_map(Json::as_str).map(str::trim).filter_map(named).max(),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The claim of this name, or else the value at the end of this way through objects; names of claims may have dots themselves.
fn found<'a>(claims: &'a Map<String, Json>, way: &str) -> Option<&'a Json> {
    if let Some(value) = claims.get(way) {
        return Some(value);
    }
    way.match_indices('.').find_map(|(at, _)| found(claims.get(&way[..at])?.as_object()?, &way[at + 1..]))
}

/// An instant as tokens write it: seconds since 1970.
fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    let since = TimeDelta::from_std(Duration::try_from_secs_f64(seconds).ok()?).ok()?;
    DateTime::UNIX_EPOCH.checked_add_signed(since).map(|at| at.trunc_subsecs(3))
}
