//! What the databases' errors mean. The only file that knows how each spells them.

use sea_orm::sqlx::Error as Sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

use crate::error::{Error, Result, Violation};

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_away(&error) {
            Self::Unavailable(error.into())
        } else if is_unwritable(&error) {
            let message = "the character NUL can't be stored in a text".to_owned();
            Self::Invalid(vec![Violation { path: Vec::new(), message }])
        } else {
            Self::Internal(error.into())
        }
    }
}

/// Turns a violated unique index into a sentence.
pub trait OnUnique<T> {
    /// If the unique index over `table`.`column` is violated, the error is `sentence`'s.
    fn on_unique(self, table: &str, column: &str, sentence: impl FnOnce() -> Error) -> Result<T>;

    /// If any unique index is violated, the error is `sentence`'s.
    fn on_any_unique(self, sentence: impl FnOnce() -> Error) -> Result<T>;
}

impl<T, E: Into<Error>> OnUnique<T> for Result<T, E> {
    fn on_unique(self, table: &str, column: &str, sentence: impl FnOnce() -> Error) -> Result<T> {
        // SQLite names the column, PostgreSQL the index.
        let names = [format!("{table}.{column}"), format!("{table}_{column}_key")];
        self.map_err(Into::<Error>::into).map_err(|error| match violated(&error) {
            Some(text) if names.iter().any(|name| text.contains(name)) => sentence(),
            _ => error,
        })
    }

    fn on_any_unique(self, sentence: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(Into::<Error>::into).map_err(|error| if violated(&error).is_some() { sentence() } else { error })
    }
}

/// What the database says of the unique index that was violated, if one was.
fn violated(error: &Error) -> Option<String> {
    let Error::Internal(cause) = error else { return None };
    match cause.downcast_ref::<DbErr>()?.sql_err()? {
        SqlErr::UniqueConstraintViolation(text) => Some(text),
        _ => None,
    }
}

/// Whether the whole transaction should be run again: a deadlock, a serialisation failure, a busy SQLite.
pub fn is_repeatable(error: &Error) -> bool {
    let (Error::Unavailable(cause) | Error::Internal(cause)) = error else { return false };
    let Some(error) = cause.downcast_ref::<DbErr>() else { return false };
    sqlx(error).and_then(code).is_some_and(|code| matches!(code.as_str(), "40P01" | "40001" | "5" | "517"))
}

/// Whether the database can't be reached or has no room: the same may succeed later.
fn is_away(error: &DbErr) -> bool {
    match sqlx(error) {
        Some(Sqlx::Io(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::WorkerCrashed | Sqlx::Protocol(_)) => true,
        Some(error @ Sqlx::Database(_)) => code(error).is_some_and(|code| is_temporary(&code)),
        Some(_) => false,
        None => matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)),
    }
}

/// PostgreSQL takes no NUL, neither in a text nor in JSON.
fn is_unwritable(error: &DbErr) -> bool {
    sqlx(error).and_then(code).is_some_and(|code| matches!(code.as_str(), "22021" | "22P05"))
}

/// PostgreSQL: no room, too many connections, shutting down or starting. SQLite: busy, I/O error, full, can't open.
fn is_temporary(code: &str) -> bool {
    let postgres = code.len() == 5 && ["08", "53", "57P", "40", "25P03"].iter().any(|class| code.starts_with(class));
    // SQLite's extended codes carry the primary one in their lowest byte.
    let sqlite = code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14));
    postgres || sqlite
}

fn sqlx(error: &DbErr) -> Option<&Sqlx> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

fn code(error: &Sqlx) -> Option<String> {
    match error {
        Sqlx::Database(error) => error.code().map(Into::into),
        _ => None,
    }
}
