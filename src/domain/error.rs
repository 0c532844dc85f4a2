//! The one error that leaves a service, and the closed list of codes that clients see.

use std::fmt::Display;

/// What went wrong, in the terms of those who called.
///
/// `Display` is what the caller reads. The causes of [`Error::Unavailable`] and [`Error::Internal`] stay inside:
/// they are logged once, where the error leaves the process.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the credentials are wrong or expired.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The role of the viewer does not allow it.
    #[error("your role does not allow this")]
    Forbidden,
    /// A mutation named something that is not there.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Every mistake of the input at once.
    #[error("{}", summary(.0))]
    Invalid(Vec<Violation>),
    /// Somebody else was first.
    #[error("{0}")]
    Conflict(String),
    /// The state machine has no such transition.
    #[error("{0}")]
    Precondition(String),
    /// Too many attempts; may be repeated after the given number of milliseconds.
    #[error("too many attempts, try again later")]
    RateLimited {
        /// Milliseconds until a repetition can succeed.
        retry_after_ms: u64,
    },
    /// More bytes than the limit.
    #[error("{0}")]
    PayloadTooLarge(String),
    /// It took longer than it may.
    #[error("the operation took too long")]
    Timeout,
    /// The database or the disk is away or full; the same request may succeed later.
    #[error("the service is temporarily unavailable, try again later")]
    Unavailable(#[source] anyhow::Error),
    /// A defect of Herald's.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// One mistake in the input: where, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The way to the field from the arguments' root, such as `["input", "name"]`.
    pub path: Vec<String>,
    /// A sentence for a person.
    pub message: String,
}

impl Violation {
    /// A violation of the field `field` of the `input` argument.
    pub fn of(field: &str, message: impl Into<String>) -> Self {
        Self { path: vec!["input".into(), field.into()], message: message.into() }
    }
}

/// The closed list of `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Nobody is signed in.
    Unauthenticated,
    /// The role does not allow it.
    Forbidden,
    /// Named by a mutation, but not there.
    NotFound,
    /// The input is wrong; see the violations.
    BadUserInput,
    /// Somebody else changed it first, or it exists already.
    Conflict,
    /// The same idempotency key came with another input.
    IdempotencyConflict,
    /// The state does not allow this transition.
    PreconditionFailed,
    /// Too many attempts.
    RateLimited,
    /// Larger than the limit.
    PayloadTooLarge,
    /// Took too long.
    Timeout,
    /// Away for the moment.
    Unavailable,
    /// A defect of the server's.
    InternalServerError,
}

impl Code {
    /// The code as it is written in `extensions.code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Conflict => "CONFLICT",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::RateLimited => "RATE_LIMITED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }
}

impl Error {
    /// One mistake in the field `field` of the `input` argument.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::of(field, message)])
    }

    /// The refusal of a transition that the state machine does not have.
    pub fn transition(what: &str, from: impl Display, to: impl Display) -> Self {
        Self::Precondition(format!("the {what} cannot go from {from} to {to}"))
    }

    /// A defect: the cause is for the log, not for the caller.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }

    /// The code that goes with this error.
    pub const fn code(&self) -> Code {
        match self {
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden => Code::Forbidden,
            Self::NotFound(_) => Code::NotFound,
            Self::Invalid(_) => Code::BadUserInput,
            Self::Conflict(_) => Code::Conflict,
            Self::Precondition(_) => Code::PreconditionFailed,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::PayloadTooLarge(_) => Code::PayloadTooLarge,
            Self::Timeout => Code::Timeout,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Internal(_) => Code::InternalServerError,
        }
    }
}

/// What services return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Gathers mistakes, so that the caller hears of all of them at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes a mistake in `field` unless `holds`.
    pub fn require(&mut self, holds: bool, field: &str, message: impl Into<String>) {
        if !holds {
            self.0.push(Violation::of(field, message));
        }
    }

    /// Notes a mistake.
    pub fn push(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// How many mistakes were noted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// [`Error::Invalid`] with all that was noted, if anything was.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

fn summary(violations: &[Violation]) -> String {
    match violations {
        [] => "invalid input".into(),
        [one] => one.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    }
}
