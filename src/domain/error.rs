//! The one error that leaves a service, and the closed list of codes that clients see.

use std::fmt::Display;
use std::sync::Arc;

use parking_lot::Mutex;

/// A failure in the terms of those who called.
///
/// `Display` is what the caller reads. The causes of [`Error::Unavailable`] and [`Error::Internal`] stay inside:
/// they are logged once, where the error leaves the process.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the session has ended.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Who wants to sign in is not who he says.
    #[error("wrong username or password")]
    WrongCredentials,
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
    /// The idempotency key came before with another input.
    #[error("this idempotencyKey came before with another input; use a new key for a new request")]
    IdempotencyConflict,
    /// The state does not allow it.
    #[error("{0}")]
    Precondition(String),
    /// The state machine has no such transition, or is just between two states: perhaps somebody else was first.
    #[error("{0}")]
    Transition(String),
    /// Too many attempts; may be repeated after the given number of milliseconds.
    #[error("too many attempts, try again later")]
    RateLimited {
        /// Milliseconds until a repetition can succeed.
        retry_after_ms: u64,
    },
    /// More points than the caller has left; may be repeated after the given number of milliseconds.
    #[error("too many points: this operation costs {cost}, {left} are left to you; try again later, or ask for less")]
    TooManyPoints {
        /// What it costs.
        cost: u32,
        /// What the caller has.
        left: u32,
        /// Milliseconds until a repetition can succeed.
        retry_after_ms: u64,
    },
    /// More bytes than the limit.
    #[error("{0}")]
    PayloadTooLarge(String),
    /// The work took longer than it may.
    #[error("the operation took too long")]
    Timeout,
    /// The database or the disk is away or full; the same request may succeed later.
    #[error("the service is temporarily unavailable, try again later")]
    Unavailable(#[source] anyhow::Error),
    /// What decides is not known yet; the same request may succeed soon.
    #[error("{0}")]
    NotYet(&'static str),
    /// A defect of Herald's.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
    /// One failure that several were waiting for.
    #[error("{0}")]
    Shared(Arc<Error>),
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
    /// A violation of the field `field` of the `input` argument. One that lies deeper is written with points, such as
    /// `steps.1.scriptId`.
    pub fn of(field: &str, message: impl Into<String>) -> Self {
        Self { path: steps("input", field), message: message.into() }
    }
}

/// The way from the arguments' root to what lies below `argument`: each step of it on its own.
pub fn steps(argument: &str, below: &str) -> Vec<String> {
    std::iter::once(argument).chain(below.split('.')).map(Into::into).collect()
}

/// What `extensions.code` of an error says. Clients must bear with codes that are added later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "ErrorCode")]
pub enum Code {
    /// Nobody is signed in, or the session has ended: get a new token by `refreshSession`, or sign in again.
    Unauthenticated,
    /// The username or the password is wrong: ask for them once more. A new token does not help.
    WrongCredentials,
    /// The viewer's role does not allow it.
    Forbidden,
    /// A mutation named something that is not there. Root look-ups answer null instead.
    NotFound,
    /// The input is wrong: `violations` has every mistake, with the path to it.
    BadUserInput,
    /// Somebody else changed it first, or it exists already.
    Conflict,
    /// The same idempotency key came before with another input.
    IdempotencyConflict,
    /// The state does not allow it; the message says from where to where.
    PreconditionFailed,
    /// Too many attempts, or too many points: `retryAfterMs` says when a repetition can succeed.
    RateLimited,
    /// The document asks for too much at once.
    QueryTooComplex,
    /// The document is nested too deeply.
    QueryTooDeep,
    /// The document has too many aliases.
    TooManyAliases,
    /// The document is too long.
    DocumentTooLarge,
    /// Several operations came in one request.
    BatchNotAllowed,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document or its variables do not fit the schema.
    GraphqlValidationFailed,
    /// The document has no operation of the given name, or several and no name was given.
    OperationResolutionFailure,
    /// No document is stored under this id.
    PersistedQueryNotFound,
    /// Documents are not stored here.
    PersistedQueryNotAllowed,
    /// A request with a cookie lacks the header that a foreign page could not send.
    CsrfBlocked,
    /// More bytes than the limit.
    PayloadTooLarge,
    /// It took longer than it may.
    Timeout,
    /// The database or the disk is away or full. The same request may succeed later.
    Unavailable,
    /// A defect of Herald. The `requestId` leads to its cause in the log.
    InternalServerError,
}

impl Code {
    /// All codes.
    pub fn all() -> Vec<Self> {
        use async_graphql::resolver_utils::EnumType;
        Self::items().iter().map(|item| item.value).collect()
    }

    /// Where the manual has it, as a path of this server: `extensions.documentation`.
    pub fn documentation(self) -> String {
        format!("/manual/errors#{}", self.as_str().to_ascii_lowercase())
    }

    /// The code as it is written in `extensions.code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::WrongCredentials => "WRONG_CREDENTIALS",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Conflict => "CONFLICT",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::RateLimited => "RATE_LIMITED",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::QueryTooDeep => "QUERY_TOO_DEEP",
            Self::TooManyAliases => "TOO_MANY_ALIASES",
            Self::DocumentTooLarge => "DOCUMENT_TOO_LARGE",
            Self::BatchNotAllowed => "BATCH_NOT_ALLOWED",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotAllowed => "PERSISTED_QUERY_NOT_ALLOWED",
            Self::CsrfBlocked => "CSRF_BLOCKED",
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
        Self::Transition(format!("the {what} cannot go from {from} to {to}"))
    }

    /// A defect: the cause is for the log, not for the caller.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }

    /// The code that goes with this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::WrongCredentials => Code::WrongCredentials,
            Self::Forbidden => Code::Forbidden,
            Self::NotFound(_) => Code::NotFound,
            Self::Invalid(_) => Code::BadUserInput,
            Self::Conflict(_) => Code::Conflict,
            Self::IdempotencyConflict => Code::IdempotencyConflict,
            Self::Precondition(_) | Self::Transition(_) => Code::PreconditionFailed,
            Self::RateLimited { .. } | Self::TooManyPoints { .. } => Code::RateLimited,
            Self::PayloadTooLarge(_) => Code::PayloadTooLarge,
            Self::Timeout => Code::Timeout,
            Self::Unavailable(_) | Self::NotYet(_) => Code::Unavailable,
            Self::Internal(_) => Code::InternalServerError,
            Self::Shared(error) => error.code(),
        }
    }
}

/// Refuses a change that is meant for another version of the row than the one that is there.
pub fn require_version(what: &str, actual: i32, expected: Option<i32>) -> Result<()> {
    match expected {
        Some(expected) if expected != actual => {
            Err(Error::Conflict(format!("the {what} has been changed: its version is {actual}, not {expected}")))
        }
        _ => Ok(()),
    }
}

/// What services return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Gathers mistakes, so that the caller hears of all of them at once.
#[derive(Debug, Clone, Default)]
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

    /// All that was noted of what lies below `step`, as of an input that has it without that step.
    pub fn without_step(self, step: &str) -> impl Iterator<Item = Violation> {
        self.0.into_iter().map(move |mut violation| {
            if violation.path.get(1).is_some_and(|known| known == step) {
                violation.path.remove(1);
            }
            violation
        })
    }

    /// What is wrong with a change whatever the row has that it is meant for: in each of these outcomes, which are those of rows of
    /// every kind, the same place is wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] with it, as the first outcome tells it.
    pub fn of_any<T>(outcomes: impl IntoIterator<Item = Result<T>>) -> Result<()> {
        let mut certain: Option<Vec<Violation>> = None;
        for outcome in outcomes {
            let Err(Error::Invalid(wrong)) = outcome else { return Ok(()) };
            certain = Some(match certain {
                None => wrong,
                Some(mut certain) => {
                    certain.retain(|one| wrong.iter().any(|other| other.path == one.path));
                    certain
                }
            });
        }
        Self(certain.unwrap_or_default()).into_result()
    }

    /// [`Error::Invalid`] with all that was noted, if anything was.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// What is wrong with an input, noted while the rest of it is still being read: so all of it is told at once. Who reads on puts
/// something in its place that leads to nothing.
#[derive(Debug, Default)]
pub struct Mistakes(Mutex<Vec<Violation>>);

impl Mistakes {
    /// Notes what is wrong.
    pub fn note(&self, violations: Vec<Violation>) {
        self.0.lock().extend(violations);
    }

    /// Refuses to go on if anything was noted.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all of it.
    pub fn refuse(&self) -> Result<()> {
        let noted = self.0.lock().clone();
        if noted.is_empty() { Ok(()) } else { Err(Error::Invalid(noted)) }
    }

    /// All that is wrong: what was noted, and what was found later.
    pub fn with(&self, later: &[Violation]) -> Vec<Violation> {
        let mut all = self.0.lock().clone();
        // What refuses to go on tells what was noted.
        all.extend(later.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
        all
    }
}

fn summary(violations: &[Violation]) -> String {
    match violations {
        [] => "invalid input".into(),
        [one] => one.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    }
}
