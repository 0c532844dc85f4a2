//! The settings of single sign-on: off unless there is a key file.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Named, Wrong, values};
use service::access::sso::{Issuer, Trust};

/// The settings of single sign-on: whose word is taken, and for what.
#[derive(Args, Clone)]
#[expect(clippy::struct_field_names, reason = "the flags have their names from them")]
pub(super) struct Sso {
    /// Single sign-on: a PEM or JWKS file with the public key of who signs the tokens
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_SSO_KEY_FILE", value_name = "FILE")]
    sso_key_file: Option<PathBuf>,
    /// Single sign-on: the one algorithm of the tokens, such as RS256
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_SSO_ALG", value_name = "ALG")]
    sso_alg: Option<String>,
    /// Single sign-on: what the tokens' iss must be
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_SSO_ISSUER", value_name = "ISSUER")]
    sso_issuer: Option<String>,
    /// Single sign-on: what the tokens' aud must be or have
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_SSO_AUDIENCE", value_name = "AUDIENCE")]
    sso_audience: Option<String>,
    /// Single sign-on: the tokens' claim that has the role, as a text or in a list
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_SSO_ROLE_CLAIM",
        value_name = "CLAIM",
        default_value = "role"
    )]
    sso_role_claim: String,
    /// Single sign-on: the page where it begins; /sso leads there
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_SSO_LOGIN_URL", value_name = "URL")]
    sso_login_url: Option<String>,
}

impl Sso {
    /// The issuer who is believed, and where people sign in.
    pub(super) fn check(self) -> Result<(Option<Arc<Issuer>>, Option<String>), Wrong> {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (algorithm, issuer, audience) = (text(self.sso_alg), text(self.sso_issuer), text(self.sso_audience));
        let login = text(self.sso_login_url);
        let Some(file) = self.sso_key_file.filter(|file| !file.as_os_str().is_empty()) else {
            let is_wanted = [&algorithm, &issuer, &audience, &login].iter().any(|setting| setting.is_some());
            let missing = || Err("the other settings of single sign-on need it".to_owned());
            return if is_wanted { missing().of("HERALD_SSO_KEY_FILE") } else { Ok((None, None)) };
        };
        let algorithm =
            algorithm.ok_or_else(|| "it must be set: the one algorithm of the tokens, such as RS256".to_owned());
        let algorithm = algorithm.and_then(|name| Issuer::algorithm(&name)).of("HERALD_SSO_ALG")?;
        let keys = std::fs::read(&file).map_err(|error| format!("{} can't be read: {error}", file.display()));
        let trust = Trust { issuer, audience, role_claim: self.sso_role_claim };
        let issuer = keys.and_then(|keys| Issuer::new(&keys, algorithm, trust)).of("HERALD_SSO_KEY_FILE")?;
        let login = login.map(|url| values::public_url(&url)).transpose().of("HERALD_SSO_LOGIN_URL")?;
        Ok((Some(Arc::new(issuer)), login))
    }
}
