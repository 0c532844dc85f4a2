//! The settings of single sign-on, which are read together: it is off unless there is a key file.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;

use super::choices::NoRole;
use super::values::{Value, choice, duration, list, optional, public_url, text};
use super::{Named, Settings, Wrong};
use domain::role::Role;
use service::access::sso::{Issuer, Trust};

const KEY_FILE: &str = "HERALD_SSO_KEY_FILE";
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

/// Who is believed, and where people sign in.
pub(super) fn read(settings: &Settings) -> Result<(Option<Arc<Issuer>>, Option<String>), Wrong> {
    let given = |name| settings.read(name, optional(text));
    let (algorithm, login) = (given(ALGORITHM)?, given("HERALD_SSO_LOGIN_URL")?);
    let (issuer, audience) = (given("HERALD_SSO_ISSUER")?, given("HERALD_SSO_AUDIENCE")?);
    let file = settings.read(KEY_FILE, |file: &OsStr| Ok(file))?;
    if file.is_empty() {
        let is_wanted = [&algorithm, &issuer, &audience, &login].iter().any(|setting| setting.is_some());
        let missing = || Err("the other settings of single sign-on need it".to_owned());
        return if is_wanted { missing().of(KEY_FILE) } else { Ok((None, None)) };
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
    let issuer = Issuer::of_file(Path::new(file), algorithm, trust).of(KEY_FILE)?;
    Ok((Some(Arc::new(issuer)), settings.read("HERALD_SSO_LOGIN_URL", optional(public_url))?))
}
