//! How a token is got that lets us in where a password does not (RFC 6749).

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{Secret, smtp::is_near};

/// Where a token is asked for, and with what. With a refresh token it is one for a person's mailbox, else one for the program itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuth {
    /// The address of the token endpoint.
    pub token_url: String,
    /// By which id the service knows the program.
    pub client_id: String,
    /// The secret that goes with the id.
    pub client_secret: Option<Secret>,
    /// What the owner of the mailbox has agreed to.
    pub refresh_token: Option<Secret>,
    /// What the token is to be good for.
    pub scope: Option<String>,
}

/// What is said of an address to which secrets would go in plain text.
const PRIVATE: &str =
    "must be an https:// address of at most 500 characters, such as https://oauth2.googleapis.com/token";

impl OAuth {
    /// The hints that may be shown, by name.
    pub(super) fn hints(&self) -> Vec<(&'static str, String)> {
        let hint = |name, secret: &Option<Secret>| secret.as_ref().map(|secret| (name, secret.hint()));
        [
            Some(("imap.oauth.tokenUrl", self.token_url.clone())),
            Some(("imap.oauth.clientId", self.client_id.clone())),
            hint("imap.oauth.clientSecret", &self.client_secret),
            hint("imap.oauth.refreshToken", &self.refresh_token),
            self.scope.clone().map(|scope| ("imap.oauth.scope", scope)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Notes all that can't be right.
    pub(super) fn check(&self, require: &mut impl FnMut(bool, &str, &str)) {
        let is_text = |text: &str, most: usize| (1..=most).contains(&text.len()) && !text.contains(char::is_control);
        let is_secret = |secret: &Option<Secret>| secret.as_ref().is_none_or(|secret| is_text(secret.expose(), 4_096));
        require(is_private(&self.token_url), "imap.oauth.tokenUrl", PRIVATE);
        require(is_text(&self.client_id, 512), "imap.oauth.clientId", "must have 1 to 512 bytes");
        require(is_secret(&self.client_secret), "imap.oauth.clientSecret", "must have 1 to 4,096 bytes");
        require(is_secret(&self.refresh_token), "imap.oauth.refreshToken", "must have 1 to 4,096 bytes");
        let is_known = self.client_secret.is_some() || self.refresh_token.is_some();
        require(is_known, "imap.oauth.refreshToken", "or a clientSecret is wanted: else anybody could ask for a token");
        let is_scope = self.scope.as_deref().is_none_or(|scope| is_text(scope, 1_000));
        require(is_scope, "imap.oauth.scope", "must have 1 to 1,000 bytes");
    }
}

/// Whether what goes there is private: by TLS, or on this machine.
fn is_private(written: &str) -> bool {
    let Ok(url) = Url::parse(written) else { return false };
    let is_here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => is_near(name),
        None => return false,
    };
    written.len() <= 500 && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
}
