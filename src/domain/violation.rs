//! What the databases' errors mean. The only file that knows how each spells them.

use sea_orm::sqlx::Error as Sqlx;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

use crate::error::{Error, Result, Violation};

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_unwritable(&error) {
            let message = "the character NUL can't be stored in a text".to_owned();
            return Self::Invalid(vec![Violation { path: Vec::new(), message }]);
        }
        match blame(&error) {
            Blame::Moment => Self::Unavailable(error.into()),
            Blame::Row | Blame::Statement => Self::Internal(error.into()),
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

/// What a failed statement is to be blamed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// What was to be stored: the same fails again, whenever it comes.
    Row,
    /// The statement itself. It may be right again when a migration or a grant has come to its end.
    Statement,
    /// The moment: the same succeeds later. This is the rule.
    Moment,
}

/// Whether the whole transaction should be run again: a deadlock, a serialisation failure, a stale plan, a busy SQLite.
pub fn is_repeatable(error: &Error) -> bool {
    let Some(error) = database_error(error) else { return false };
    let is_crossed = |code: String| matches!(code.as_str(), "40P01" | "40001" | "5" | "517");
    is_stale(error) || sqlx(error).and_then(code).is_some_and(is_crossed)
}

/// What an error says of the connection that it came by, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoilt {
    /// Nothing: it can be used again.
    Nothing,
    /// It is to be closed.
    This,
    /// All that were opened before are to be closed.
    All,
}

/// What `error` says of the connection that it came by.
pub fn spoilt(error: &DbErr) -> Spoilt {
    match sqlx(error) {
        Some(Sqlx::Io(_) | Sqlx::Tls(_) | Sqlx::Protocol(_)) => Spoilt::All,
        Some(Sqlx::WorkerCrashed) => Spoilt::This,
        Some(Sqlx::Database(_)) if is_stale(error) => Spoilt::All,
        Some(error @ Sqlx::Database(_)) => match code(error) {
            // An error of input or output, a full disk, by which SQLite ends a transaction without a word: see there.
            Some(code) if code.len() < 5 => match code.parse::<u32>().map(|code| code & 0xff) {
                Ok(9..=11 | 13 | 14 | 26) => Spoilt::This,
                _ => Spoilt::Nothing,
            },
            // The server ends its sessions.
            Some(code) if code.starts_with("57P") || code.starts_with("08") => Spoilt::All,
            // A session that may not write, or whose transaction was ended: where it leads may be the primary no more.
            Some(code) if ["25", "58", "XX"].iter().any(|class| code.starts_with(class)) => Spoilt::This,
            _ => Spoilt::Nothing,
        },
        _ => Spoilt::Nothing,
    }
}

/// Whether `error` says that the database is damaged: a page is not what was written.
pub fn is_damage(error: &DbErr) -> bool {
    match sqlx(error).and_then(code) {
        // SQLITE_CORRUPT and SQLITE_NOTADB; the higher bytes say where.
        Some(code) if code.len() < 5 => matches!(code.parse::<u32>().map(|code| code & 0xff), Ok(11 | 26)),
        // data_corrupted and index_corrupted.
        Some(code) => ["XX001", "XX002"].contains(&code.as_str()),
        None => false,
    }
}

/// Whether a statement that was prepared on its connection is no good any more, because the tables have changed since: it has done
/// nothing, and is right again on a new connection.
pub fn is_stale(error: &DbErr) -> bool {
    let Some(Sqlx::Database(error)) = sqlx(error) else { return false };
    match error.code().as_deref() {
        // "cached plan must not change result type", in whatever language.
        Some("0A000") => {
            let error = error.try_downcast_ref::<PgDatabaseError>();
            error.is_some_and(|error| error.routine() == Some("RevalidateCachedQuery"))
        }
        Some("26000") => true,
        _ => false,
    }
}

/// Whether a connection that could not be opened may be had a moment later: the server starts, or has no place.
pub fn may_connect_later(error: &DbErr) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    match sqlx(error) {
        Some(Sqlx::Io(error)) => matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset),
        Some(error @ Sqlx::Database(_)) => code(error).is_some_and(|code| code == "53300" || code.starts_with("57P")),
        _ => false,
    }
}

/// Whether only what was to be stored can be blamed, so that the same would fail for ever: it may be tried in parts, and the part
/// that fails alone may be given up. All else is to be kept until it can be stored.
pub fn is_of_the_row(error: &Error) -> bool {
    match (error, database_error(error)) {
        (Error::Unavailable(_), _) => false,
        (_, Some(error)) => blame(error) == Blame::Row,
        (Error::Shared(error), None) => is_of_the_row(error),
        (_, None) => true,
    }
}

/// Whether a smaller part may get through where the whole did not: a limit of time has ended it, of a statement or of a transaction that
/// stood still while it was on its way, or the connection was lost meanwhile.
pub fn may_pass_in_parts(error: &Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    match database_error(error).and_then(sqlx) {
        Some(Sqlx::Io(error)) => {
            matches!(error.kind(), TimedOut | BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        }
        Some(error @ Sqlx::Database(_)) => {
            code(error).is_some_and(|code| matches!(code.as_str(), "25P03" | "25P04" | "57014"))
        }
        _ => false,
    }
}

fn database_error(error: &Error) -> Option<&DbErr> {
    match error {
        Error::Unavailable(cause) | Error::Internal(cause) => cause.downcast_ref(),
        Error::Shared(error) => database_error(error),
        _ => None,
    }
}

fn blame(error: &DbErr) -> Blame {
    match sqlx(error) {
        Some(error @ Sqlx::Database(_)) => code(error).map_or(Blame::Moment, |code| blame_code(&code)),
        Some(
            Sqlx::Io(_)
            | Sqlx::Tls(_)
            | Sqlx::PoolTimedOut
            | Sqlx::PoolClosed
            | Sqlx::WorkerCrashed
            | Sqlx::Protocol(_),
        ) => Blame::Moment,
        None if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => Blame::Moment,
        // What can't be read or written in the types that it has.
        _ => Blame::Row,
    }
}

/// The list is of what is *not* temporary: a code that nobody thought of must not cost what is known of a message.
fn blame_code(code: &str) -> Blame {
    if code.len() < 5 {
        // SQLite's extended codes carry the primary one in their lowest byte. Its general error is that of a value (malformed JSON,
        // an overflow): no other process migrates its file.
        return match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(1 | 18 | 19 | 20 | 25) => Blame::Row,
            _ => Blame::Moment,
        };
    }
    match code.get(..2) {
        // Data and constraints; one row twice in one statement, what is too long for an index, and what a trigger raises of a row.
        Some("21" | "22" | "23" | "54" | "P0") => Blame::Row,
        // A table, a column, a function or a right that is not there: another process migrates, or an operator grants.
        Some("42") if matches!(code, "42501" | "42703" | "42704" | "42883" | "42P01") => Blame::Moment,
        // No row makes a statement wrong.
        Some("42") => Blame::Statement,
        _ => Blame::Moment,
    }
}

/// PostgreSQL takes no NUL, neither in a text nor in JSON.
fn is_unwritable(error: &DbErr) -> bool {
    sqlx(error).and_then(code).is_some_and(|code| matches!(code.as_str(), "22021" | "22P05"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_row_can_be_blamed_for_is_not_temporary() {
        // A unique index, a number out of range, too long for an index; SQLite's constraints, with and without their extension.
        for code in ["23505", "22003", "23514", "54000", "21000", "P0001", "19", "2067", "20", "18"] {
            assert_eq!(blame_code(code), Blame::Row, "{code}");
        }
        for code in ["42601", "42P18"] {
            assert_eq!(blame_code(code), Blame::Statement, "{code}");
        }
        let temporary =
            "25006 57014 55P03 58030 58P01 0A000 25P02 25P03 26000 40001 40P01 53100 53300 57P01 57P03 08006 XX000
                         28P01 3D000 72000 F0000 42703 42P01 42501 99999 5 6 8 10 13 14 17 26 261 522 778 3850 9";
        for code in temporary.split_whitespace() {
            assert_eq!(blame_code(code), Blame::Moment, "{code}");
        }
    }

    #[test]
    fn an_error_that_waits_is_not_of_the_row() {
        let timed_out = || DbErr::Query(RuntimeErr::SqlxError(Sqlx::PoolTimedOut.into()));
        assert!(!is_of_the_row(&Error::from(timed_out())));
        assert!(!is_of_the_row(&Error::Internal(timed_out().into())));
        assert!(!is_of_the_row(&Error::Shared(std::sync::Arc::new(Error::from(timed_out())))));
        assert!(is_of_the_row(&Error::invalid("name", "is wrong")));
    }
}
