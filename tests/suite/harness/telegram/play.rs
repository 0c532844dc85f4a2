//! What the server does wrong on command.

use std::time::Duration;

/// What is done with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Play {
    /// Refuses it: `FLOOD_WAIT_3`, `CHAT_WRITE_FORBIDDEN`, ...
    Error(&'static str),
    /// Closes the connection instead of carrying it out.
    DropBefore,
    /// Carries it out, and closes the connection instead of answering.
    DropAfter,
    /// Carries it out and never answers; other requests are served.
    NoAnswer,
    /// Does not carry it out, and says nothing any more on this connection, to anything.
    Silence,
    /// Carries it out, and says nothing any more on this connection, to anything.
    SilenceAfter,
    /// Carries it out, but later.
    Late(Duration),
    /// Answers with a message of negative length: the client's library panics.
    NegativeLength,
    /// Answers with a lone `future_salt`: the client's library panics.
    BadFutureSalt,
    /// Answers with a message copy: the client's library panics.
    MessageCopy,
    /// Answers with an error of the transport, such as 404 or 429.
    Transport(i32),
    /// Answers with what no client understands.
    Nonsense,
}

/// For which requests.
#[derive(Debug, Clone, Default)]
pub struct On {
    pub method: Option<&'static str>,
    pub account: Option<usize>,
    pub username: Option<String>,
}

impl On {
    /// Requests of this method, as the schema spells it: `messages.sendMessage`.
    pub fn method(method: &'static str) -> Self {
        Self { method: Some(method), ..Self::default() }
    }

    /// Sends to this username.
    pub fn send_to(username: &str) -> Self {
        Self { method: Some("messages.sendMessage"), username: Some(username.to_owned()), ..Self::default() }
    }

    /// Requests that resolve this username.
    pub fn resolve(username: &str) -> Self {
        Self { method: Some("contacts.resolveUsername"), username: Some(username.to_owned()), ..Self::default() }
    }

    /// Only by this account.
    pub fn by(self, account: usize) -> Self {
        Self { account: Some(account), ..self }
    }

    pub fn fits(&self, method: &str, account: usize, username: Option<&str>) -> bool {
        self.method.is_none_or(|wanted| wanted == method)
            && self.account.is_none_or(|wanted| wanted == account)
            && self.username.as_deref().is_none_or(|wanted| Some(wanted) == username)
    }
}

/// The code that goes with an error.
pub fn code(error: &str) -> i32 {
    match error {
        "AUTH_KEY_UNREGISTERED" | "SESSION_PASSWORD_NEEDED" => 401,
        _ if error.starts_with("FLOOD_") || error.starts_with("SLOWMODE_WAIT") || error.starts_with("FROZEN_") => 420,
        _ if error.starts_with("SESSION_") || error.starts_with("USER_DEACTIVATED") => 401,
        "AUTH_KEY_DUPLICATED" => 406,
        "RANDOM_ID_DUPLICATE" | "TIMEOUT" | "RPC_CALL_FAIL" | "WORKER_BUSY_TOO_LONG_RETRY" | "INTERDC_2_CALL_ERROR" => {
            500
        }
        "CHAT_ADMIN_REQUIRED" => 400,
        "MESSAGE_DELETE_FORBIDDEN" | "USER_RESTRICTED" => 403,
        _ if error.starts_with("CHAT_") || error.starts_with("ALLOW_PAYMENT_REQUIRED") => 403,
        _ if error.contains("_MIGRATE_") => 303,
        _ => 400,
    }
}
