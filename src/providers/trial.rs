//! Whether an integration works: what its provider says when it is asked.

use super::http::{Answer, Fault};

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Whether the credentials hold.
    pub is_ok: bool,
    /// What the provider said, for operators; no secret is in it.
    pub message: String,
}

impl Trial {
    /// They hold.
    pub fn passed(message: impl Into<String>) -> Self {
        Self { is_ok: true, message: message.into() }
    }

    /// They don't hold, or nobody can say now.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { is_ok: false, message: message.into() }
    }

    /// What an answer to a harmless request says.
    pub(super) fn of(answer: Result<Answer, Fault>) -> Self {
        match answer {
            Ok(answer) if answer.status.is_success() => Self::passed("the provider accepts the credentials"),
            Ok(answer) => Self::failed(format!("{}: {}", answer.status.as_u16(), answer.text())),
            Err(fault) => Self::failed(fault.to_string()),
        }
    }
}
