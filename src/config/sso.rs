//! The settings of single sign-on, which are read together: it is off unless there is a key file.

use std::ffi::OsStr;
use std::sync::Arc;

use super::values::{optional, public_url, text};
use super::{Named, Settings, Wrong};
use service::access::sso::{Issuer, Trust};

const KEY_FILE: &str = "HERALD_SSO_KEY_FILE";
const ALGORITHM: &str = "HERALD_SSO_ALG";

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
    let keys = std::fs::read(file).map_err(|error| format!("{} can't be read: {error}", file.display()));
    let trust = Trust { issuer, audience, role_claim: settings.read("HERALD_SSO_ROLE_CLAIM", text)? };
    let issuer = keys.and_then(|keys| Issuer::new(&keys, algorithm, trust)).of(KEY_FILE)?;
    Ok((Some(Arc::new(issuer)), settings.read("HERALD_SSO_LOGIN_URL", optional(public_url))?))
}
