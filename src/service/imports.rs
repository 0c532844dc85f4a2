//! What imports of channels and of leads have in common: how their turn comes, and how they are given up.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::Services;
use domain::error::{Error, Result};
use events::Event;

/// Why an import without its file can't be done.
pub const GONE: &str = "the file of this upload is no longer there; upload it again";
/// Progress is told at most so often.
pub const TELL: Duration = Duration::from_millis(100);
/// How often imports are looked for that nobody told of, and how long a database or disk that is away is left alone.
const LOOK: Duration = Duration::from_secs(2);

/// A kind of import.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The name in the log.
    pub name: &'static str,
    /// Whether an event may tell of a new one.
    pub is_told_by: fn(&Event) -> bool,
    /// Runs the imports of this node that have not ended.
    pub pending: for<'a> fn(&'a Services, &'a CancellationToken) -> BoxFuture<'a, Result<()>>,
}

impl Kind {
    /// Runs the imports of this node as they come, until `stop`.
    pub async fn run(self, on: Services, stop: CancellationToken) {
        let mut events = on.events.subscribe();
        while !stop.is_cancelled() {
            // What was told before is found by looking.
            events.forget();
            if let Err(error) = (self.pending)(&on, &stop).await {
                tracing::warn!(error = ?error, "{} have to wait", self.name);
            }
            tokio::select! {
                () = events.until(LOOK, |event| (self.is_told_by)(&event)) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// Why an import does not go on.
#[derive(Debug)]
pub enum Failure {
    /// The import's file can't be read.
    File(String),
    /// Anything else.
    Other(Error),
}

impl Failure {
    /// The text for its user: the import is given up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database or the disk went away: it only waits.
    pub fn verdict(self, import: impl Display) -> Result<String> {
        match self {
            Self::File(why) => Ok(why),
            Self::Other(error @ Error::Unavailable(_)) => Err(error),
            Self::Other(error) => {
                tracing::error!(error = ?error, %import, "an import failed");
                Ok("internal error".into())
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::File(GONE.into()),
            // What the reader itself says of the file.
            io::ErrorKind::Other => Self::File(error.to_string()),
            _ => Self::File(format!("the file can't be read: {error}")),
        }
    }
}
