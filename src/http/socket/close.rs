//! How a socket ends: the codes of `graphql-transport-ws`, and why.

use axum::extract::ws::{CloseFrame, Message};

/// Why a socket is closed. Clients act on the code; the reason is for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Close {
    /// See the constants.
    pub code: u16,
    /// A sentence, cut to what a close frame has room for.
    reason: String,
}

/// The server goes away: clients connect again, to another process or later.
const GOING_AWAY: u16 = 1001;
/// A text that is not UTF-8.
const NO_TEXT: u16 = 1007;
/// A message of too many bytes.
const TOO_LARGE: u16 = 1009;
/// The database is away.
const TRY_AGAIN: u16 = 1013;
/// A message that is none of the protocol.
const BAD_REQUEST: u16 = 4400;
/// An operation before the introduction, or a session that has ended: clients do not come again by themselves.
const UNAUTHORIZED: u16 = 4401;
/// The introduction is refused, or holds no longer: clients come again, with a new token if they have one.
const FORBIDDEN: u16 = 4403;
/// The introduction, or any sign of life, did not come in time.
const TIMEOUT: u16 = 4408;
/// An id that runs already.
const ALREADY_THERE: u16 = 4409;
/// Too much of anything.
const TOO_MANY: u16 = 4429;

/// A close frame has 125 bytes, two of them the code's.
const ROOM: usize = 123;

impl Close {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(ROOM));
        Self { code, reason }
    }

    pub(super) fn going_away() -> Self {
        Self::new(GOING_AWAY, "the server is going away")
    }

    pub(super) fn no_text() -> Self {
        Self::new(NO_TEXT, "the message is not UTF-8")
    }

    pub(super) fn too_large(most: usize) -> Self {
        Self::new(TOO_LARGE, format!("a message has at most {most} bytes"))
    }

    pub(super) fn try_again() -> Self {
        Self::new(TRY_AGAIN, "the service is temporarily unavailable, try again later")
    }

    pub(super) fn bad_request(why: impl Into<String>) -> Self {
        Self::new(BAD_REQUEST, why)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(UNAUTHORIZED, "Unauthorized")
    }

    pub(super) fn token_expired() -> Self {
        Self::forbidden("token expired, connect again with a new one")
    }

    pub(super) fn session_ended() -> Self {
        Self::new(UNAUTHORIZED, "the session has ended, sign in again")
    }

    pub(super) fn stray_token() -> Self {
        Self::forbidden(r#"the payload of connection_init wants the token as {"Authorization": "Bearer ..."}"#)
    }

    pub(super) fn forbidden(why: &str) -> Self {
        Self::new(FORBIDDEN, format!("Forbidden: {why}"))
    }

    pub(super) fn init_timeout() -> Self {
        Self::new(TIMEOUT, "Connection initialisation timeout")
    }

    pub(super) fn silent() -> Self {
        Self::new(TIMEOUT, "no sign of life")
    }

    pub(super) fn already_there(id: &str) -> Self {
        Self::new(ALREADY_THERE, format!("Subscriber for {id} already exists"))
    }

    pub(super) fn too_many(what: &str) -> Self {
        Self::new(TOO_MANY, format!("Too many {what}"))
    }

    /// The last message of the socket.
    pub(super) fn message(&self) -> Message {
        Message::Close(Some(CloseFrame { code: self.code, reason: self.reason.as_str().into() }))
    }
}

impl std::fmt::Display for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_letters() {
        assert_eq!(Close::bad_request("x".repeat(123)).reason.len(), 123);
        assert_eq!(Close::bad_request("x".repeat(124)).reason.len(), 123);
        assert_eq!(Close::bad_request("ж".repeat(100)).reason, "ж".repeat(61));
    }
}
