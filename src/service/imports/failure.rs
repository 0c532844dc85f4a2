//! Why an import does not go on.

use std::fmt::Display;
use std::io;

use super::GONE;
use domain::error::{Error, Result};
use storage::files::AWAY;

/// Why an import does not go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// Its file can't be read.
    File(String),
    /// Anything else.
    Other(Error),
}

impl Failure {
    /// What its user is told: the import is given up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database or the disk went away: it only waits.
    pub(super) fn verdict(self, import: impl Display) -> Result<String> {
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
            AWAY => Self::Other(Error::Unavailable(error.into())),
            // What the reader itself says of the file.
            io::ErrorKind::Other => Self::File(error.to_string()),
            _ => Self::File(format!("the file can't be read: {error}")),
        }
    }
}
