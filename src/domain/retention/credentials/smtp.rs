//! What a mail server may be given.

use std::str::FromStr;

use super::{Security, Smtp, TAG, TOKEN, is_token};

/// Letters before the `@` of an address at most (RFC 5321).
const LOCAL: usize = 64;

/// What is said of a sender that no mail server would take.
const MAILBOX: &str = "must be an email address, alone or as in: \"Herald, Inc.\" <hello@example.com>";

/// Whether it can stand in the From of an email.
fn is_mailbox(written: &str) -> bool {
    let mailbox = lettre::message::Mailbox::from_str(written);
    written.len() <= 320
        && mailbox.is_ok_and(|mailbox| mailbox.email.domain().contains('.') || mailbox.email.domain() == "localhost")
}

impl Smtp {
    /// Notes all that can't be right.
    pub(super) fn check(&self, require: &mut impl FnMut(bool, &str, &str)) {
        require(is_host(&self.host), "host", "must be the name or address of a mail server");
        require(self.port != 0, "port", "must be 1 to 65535");
        let is_private = self.security != Security::None || is_near(&self.host);
        require(is_private, "security", "plain text is for a mail server on this machine only");
        let is_whole = self.username.is_some() == self.password.is_some();
        require(is_whole, "password", "a username and a password go together");
        require(is_mailbox(&self.from), "from", MAILBOX);
        require(self.reply_to.as_deref().is_none_or(is_mailbox), "replyTo", MAILBOX);
        require((1..=1_000).contains(&self.per_second), "perSecond", "must be 1 to 1,000");
        require(self.inbox.as_deref().is_none_or(is_inbox), "inbox", INBOX);
        require(self.webhook_token.as_ref().is_none_or(is_token), "webhookToken", TOKEN);
        let is_heard = self.inbox.is_none() || self.webhook_token.is_some() || self.imap.is_some();
        require(is_heard, "webhookToken", UNHEARD);
        if let Some(imap) = &self.imap {
            imap.check(require);
        }
    }
}

pub(super) fn is_host(name: &str) -> bool {
    (1..=253).contains(&name.len()) && !name.contains(char::is_whitespace)
}

/// Whether a host is this machine.
pub(super) fn is_near(host: &str) -> bool {
    host.parse().map_or(host == "localhost", |ip: std::net::IpAddr| ip.is_loopback())
}

/// What is said of an inbox that can't be.
const INBOX: &str = "must be an address alone, such as inbox@example.com, of ASCII and with at most 21 letters before the @, of a \
    mailbox that also gets what is written to inbox+anything@example.com";

/// What is said of an inbox of which nothing would be heard.
const UNHEARD: &str = "or imap is wanted with an inbox: else nobody tells Herald what comes there";

/// Whether a sign can be added to the name before the `@`.
fn is_inbox(written: &str) -> bool {
    let Ok(address) = lettre::Address::from_str(written) else { return false };
    let is_host = address.domain().contains('.') || address.domain() == "localhost";
    is_host && written.is_ascii() && !address.user().contains('"') && address.user().len() < LOCAL - TAG
}
