//! By what a mailbox is read: bounces and answers come there.

use serde::{Deserialize, Serialize};

use super::smtp::{is_host, is_near};
use super::{OAuth, Secret};

/// How the way to an IMAP server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
#[graphql(name = "ImapSecurity")]
pub enum ImapSecurity {
    /// TLS from the first byte. Mostly port 993.
    #[default]
    Tls,
    /// The connection becomes TLS before anything is told; a server that can't is refused. Mostly port 143.
    Starttls,
    /// In plain text, to a server on this machine only.
    None,
}

/// A folder of a mailbox, and the IMAP server that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imap {
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the way to it is kept private.
    pub security: ImapSecurity,
    /// By which name it knows us.
    pub username: String,
    /// The password that goes with the name; None where a token lets us in.
    #[serde(default)]
    pub password: Option<Secret>,
    /// How a token is got that lets us in; None where the password does.
    #[serde(default)]
    pub oauth: Option<OAuth>,
    /// The folder that is read.
    pub folder: String,
}

impl Imap {
    /// Which mailbox it is: the numbers of its emails mean nothing in another one.
    pub fn place(&self) -> String {
        [&self.host, &self.username, &self.folder].map(String::as_str).join("\n")
    }

    /// The hints that may be shown, by name.
    pub(super) fn hints(&self) -> Vec<(&'static str, String)> {
        let mut hints = vec![
            ("imap.host", format!("{}:{}", self.host, self.port)),
            ("imap.username", self.username.clone()),
            ("imap.folder", self.folder.clone()),
        ];
        hints.extend(self.password.as_ref().map(|password| ("imap.password", password.hint())));
        hints.extend(self.oauth.iter().flat_map(OAuth::hints));
        hints
    }

    /// Notes all that can't be right.
    pub(super) fn check(&self, require: &mut impl FnMut(bool, &str, &str)) {
        let is_text = |text: &str, most: usize| (1..=most).contains(&text.len()) && !text.contains(char::is_control);
        require(is_host(&self.host), "imap.host", "must be the name or address of an IMAP server");
        require(self.port != 0, "imap.port", "must be 1 to 65535");
        let is_private = self.security != ImapSecurity::None || is_near(&self.host);
        require(is_private, "imap.security", "plain text is for an IMAP server on this machine only");
        require(is_text(&self.username, 320), "imap.username", "must have 1 to 320 bytes, and no control characters");
        let is_password = self.password.as_ref().is_none_or(|password| is_text(password.expose(), 512));
        require(is_password, "imap.password", "must have 1 to 512 bytes, and no control characters");
        require(
            self.password.is_some() != self.oauth.is_some(),
            "imap.password",
            "either a password or oauth is wanted",
        );
        if let Some(oauth) = &self.oauth {
            oauth.check(require);
        }
        require(is_text(&self.folder, 255), "imap.folder", "must be the name of a folder, of 1 to 255 bytes");
    }
}
