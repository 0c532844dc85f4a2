//! Whether an integration works: what its provider says when it is asked.

use super::http::{Answer, Fault};

/// The result of trying credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Whether the credentials hold.
    pub is_ok: bool,
    /// The provider's words, for operators; no secret is in it.
    pub message: String,
}

impl Trial {
    /// The credentials hold.
    pub fn passed(message: impl Into<String>) -> Self {
        Self { is_ok: true, message: message.into() }
    }

    /// The credentials don't hold, or nobody can say now.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { is_ok: false, message: message.into() }
    }

    /// Both, as one: it works if both do.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self { is_ok: self.is_ok && other.is_ok, message: format!("{}; {}", self.message, other.message) }
    }

    /// The result that an answer to a harmless request gives.
    pub(super) fn of(answer: Result<Answer, Fault>) -> Self {
        match answer {
            Ok(answer) if answer.status.is_success() => Self::passed("the provider accepts the credentials"),
            Ok(answer) => Self::failed(format!("{}: {}", answer.status.as_u16(), answer.text())),
            Err(fault) => Self::failed(fault.to_string()),
        }
    }
}
