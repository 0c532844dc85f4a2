//! The settings of single sign-on, which are read together: it is off unless it is said where the keys are.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use url::{Host, Url};

use super::choices::NoRole;
use super::values::{Value, choice, duration, list, optional, public_url, text};
use super::{Named, Settings, Wrong};
use domain::role::Role;
use service::access::sso::{Issuer, Trust};

const KEY_FILE: &str = "HERALD_SSO_KEY_FILE";
const ADDRESS: &str = "HERALD_SSO_JWKS_URL";
const ALGORITHM: &str = "HERALD_SSO_ALG";

/// The most by which an issuer's clock may be ahead.
const LEEWAY: TimeDelta = TimeDelta::minutes(10);

/// A role of the issuer and which one it is here: `herald-admin=ADMIN`.
fn role(text: &str) -> Value<(String, Role)> {
    let wrong = || {
        format!("{text:?} is not a role of the issuer and one of ADMIN, OPERATOR, AUDITOR, such as herald-admin=ADMIN")
    };
    let (theirs, ours) = text.rsplit_once('=').ok_or_else(wrong)?;
    let ours = match ours.trim().to_ascii_uppercase().as_str() {
        "ADMIN" => Role::Admin,
        "OPERATOR" => Role::Operator,
        "AUDITOR" => Role::Auditor,
        _ => return Err(wrong()),
    };
    let theirs = theirs.trim().to_lowercase();
    if theirs.is_empty() { Err(wrong()) } else { Ok((theirs, ours)) }
}

fn leeway(text: &str) -> Value<TimeDelta> {
    let leeway = TimeDelta::from_std(duration(text)?).ok().filter(|leeway| *leeway <= LEEWAY);
    leeway.ok_or_else(|| format!("{text:?} is more than 10m: set the clock right, of the issuer or here"))
}

/// An address from which keys are believed: nobody on the way can put others in their place.
fn jwks_url(text: &str) -> Value<String> {
    let url = Url::parse(text).ok().filter(Url::has_host);
    let url = url.ok_or_else(|| format!("{text:?} is not an address such as https://id.example/keys"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it is an address without user and password: the keys are public".to_owned());
    }
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if is_here => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not https: whoever is on the way could put keys of his own in their place")),
    }
}

/// Who is believed, and where people sign in.
pub(super) fn read(settings: &Settings) -> Result<(Option<Arc<Issuer>>, Option<String>), Wrong> {
    let given = |name| settings.read(name, optional(text));
    let (algorithm, login) = (given(ALGORITHM)?, given("HERALD_SSO_LOGIN_URL")?);
    let (issuer, audience) = (given("HERALD_SSO_ISSUER")?, given("HERALD_SSO_AUDIENCE")?);
    let file = settings.read(KEY_FILE, |file: &OsStr| Ok(file))?;
    let address = settings.read(ADDRESS, optional(jwks_url))?;
    if file.is_empty() && address.is_none() {
        let is_wanted = [&algorithm, &issuer, &audience, &login].iter().any(|setting| setting.is_some());
        let missing = || Err(format!("the other settings of single sign-on need it, or {ADDRESS}"));
        return if is_wanted { missing().of(KEY_FILE) } else { Ok((None, None)) };
    }
    if !file.is_empty() && address.is_some() {
        return Err(format!("{KEY_FILE} is set too: the keys come from one of them")).of(ADDRESS);
    }
    let algorithm =
        algorithm.ok_or_else(|| "it must be set: the one algorithm of the tokens, such as RS256".to_owned());
    let algorithm = algorithm.and_then(|name| Issuer::algorithm(&name)).of(ALGORITHM)?;
    let trust = Trust {
        issuer,
        audience,
        role_claim: settings.read("HERALD_SSO_ROLE_CLAIM", text)?,
        roles: settings.read("HERALD_SSO_ROLE_MAP", list(role))?.into_iter().collect(),
        needs_role: settings.read("HERALD_SSO_NO_ROLE", choice::<NoRole>)? == NoRole::Refuse,
        leeway: settings.read("HERALD_SSO_LEEWAY", leeway)?,
    };
    let issuer = match address {
        Some(url) => Issuer::of_address(&url, algorithm, trust),
        None => Issuer::of_file(Path::new(file), algorithm, trust).of(KEY_FILE)?,
    };
    Ok((Some(Arc::new(issuer)), settings.read("HERALD_SSO_LOGIN_URL", optional(public_url))?))
}
