//! One connection to the database: how it is opened, what it is asked, and how it is cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection as _, Executor, Row};
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;

/// The version of PostgreSQL from which on the server looks whether its client is still there while a statement runs.
const LOOKS_AFTER_CLIENTS: u32 = 140_000;

/// Steps of SQLite's machine between two looks whether a statement is still wanted: some tens of microseconds.
const STEPS: i32 = 10_000;

/// Where connections lead.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Postgres(Arc<PgConnectOptions>),
    Sqlite(Arc<SqliteConnectOptions>),
}

/// An open connection.
pub(super) enum Connection {
    Postgres {
        raw: PgConnection,
        /// The server's process, by which another connection asks what has become of this one.
        pid: i32,
    },
    Sqlite {
        raw: SqliteConnection,
        /// Ends the statement that runs, from outside.
        is_cut: Arc<AtomicBool>,
    },
}

/// What a connection is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask<'a> {
    Execute(&'a Statement),
    /// Without values, and perhaps several statements.
    Unprepared(&'a str),
    One(&'a Statement),
    All(&'a Statement),
    /// Several statements without values, of which all rows are wanted: one way to the server and back.
    Batch(&'a str),
}

/// What it answers.
#[derive(Debug)]
pub(super) enum Told {
    Done(ExecResult),
    Rows(Vec<QueryResult>),
}

impl Told {
    pub(super) fn rows(self) -> Vec<QueryResult> {
        match self {
            Self::Rows(rows) => rows,
            Self::Done(_) => Vec::new(),
        }
    }

    pub(super) fn done(self) -> Result<ExecResult, DbErr> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Rows(_) => Err(DbErr::Custom("rows came where none were asked for".into())),
        }
    }
}

macro_rules! ask {
    ($raw:expr, $ask:expr) => {
        match $ask {
            Ask::Execute(statement) => {
                query!(statement).execute($raw).await.map(|done| Told::Done(done.into())).map_err(executing)
            }
            Ask::Unprepared(sql) => {
                let sql = AssertSqlSafe(sql.to_owned());
                $raw.execute(sql).await.map(|done| Told::Done(done.into())).map_err(executing)
            }
            Ask::One(statement) => {
                let row = query!(statement).fetch_optional($raw).await;
                row.map(|row| Told::Rows(row.into_iter().map(QueryResult::from).collect())).map_err(querying)
            }
            Ask::Batch(sql) => {
                let rows = $raw.fetch_all(AssertSqlSafe(sql.to_owned())).await;
                rows.map(|rows| Told::Rows(rows.into_iter().map(QueryResult::from).collect())).map_err(querying)
            }
            Ask::All(statement) => {
                let rows = query!(statement).fetch_all($raw).await;
                rows.map(|rows| Told::Rows(rows.into_iter().map(QueryResult::from).collect())).map_err(querying)
            }
        }
    };
}

macro_rules! query {
    ($statement:expr) => {{
        let values = $statement.values.clone().unwrap_or(Values(Vec::new()));
        sqlx::query_with(AssertSqlSafe($statement.sql.as_str()), SqlxValues(values))
    }};
}

impl Connection {
    /// Opens one.
    pub(super) async fn open(target: &Target) -> Result<Self, DbErr> {
        match target {
            Target::Postgres(options) => {
                let mut raw = options.connect().await.map_err(connecting)?;
                // A client that is cut off ends its statement with it.
                let sql = match raw.server_version_num() {
                    Some(LOOKS_AFTER_CLIENTS..) => {
                        "SELECT pg_backend_pid(), set_config('client_connection_check_interval', '1s', false)"
                    }
                    _ => "SELECT pg_backend_pid()",
                };
                let row = raw.fetch_one(sql).await.map_err(connecting)?;
                let pid = row.try_get(0).map_err(connecting)?;
                Ok(Self::Postgres { raw, pid })
            }
            Target::Sqlite(options) => {
                let mut raw = options.connect().await.map_err(connecting)?;
                let is_cut: Arc<AtomicBool> = Arc::default();
                let watched = is_cut.clone();
                let mut handle = raw.lock_handle().await.map_err(connecting)?;
                handle.set_progress_handler(STEPS, move || !watched.load(Ordering::Relaxed));
                drop(handle);
                Ok(Self::Sqlite { raw, is_cut })
            }
        }
    }

    /// Asks, and waits for the answer as long as it takes.
    pub(super) async fn ask(&mut self, ask: Ask<'_>) -> Result<Told, DbErr> {
        match self {
            Self::Postgres { raw, .. } => ask!(&mut *raw, ask),
            Self::Sqlite { raw, .. } => ask!(&mut *raw, ask),
        }
    }

    /// Whether it still answers.
    pub(super) async fn ping(&mut self) -> bool {
        match self {
            Self::Postgres { raw, .. } => raw.ping().await.is_ok(),
            Self::Sqlite { raw, .. } => raw.ping().await.is_ok(),
        }
    }

    /// The server's process; None if there is no server.
    pub(super) const fn pid(&self) -> Option<i32> {
        match self {
            Self::Postgres { pid, .. } => Some(*pid),
            Self::Sqlite { .. } => None,
        }
    }

    /// Closes it at once, whatever it is doing: the server rolls back.
    pub(super) fn cut(self) {
        match self {
            // The socket is closed, and no answer is waited for.
            Self::Postgres { raw, .. } => drop(raw),
            Self::Sqlite { raw, is_cut } => {
                is_cut.store(true, Ordering::Relaxed);
                drop(raw);
            }
        }
    }

    /// Closes it in order.
    pub(super) async fn close(self) {
        let closed = match self {
            Self::Postgres { raw, .. } => raw.close().await,
            Self::Sqlite { raw, .. } => raw.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a connection was gone before it was closed");
        }
    }
}

fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

fn executing(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn querying(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
