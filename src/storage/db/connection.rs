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

/// How long a transaction may stand still, in PostgreSQL's words. Herald's go from statement to statement at once, but to the server
/// a statement that is on its way on a slow line is none yet.
const IDLE: &str = "10s";

/// When PostgreSQL itself ends a statement, in its words: a little after the client has given it up.
const STATEMENT: &str = "35s";

/// Where connections lead.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Postgres(Arc<PgConnectOptions>),
    /// A PostgreSQL whose connections a pooler hands out for a transaction each.
    Pooler(Arc<PgConnectOptions>),
    Sqlite(Arc<SqliteConnectOptions>),
}

/// An open connection.
pub(super) enum Connection {
    Postgres {
        raw: PgConnection,
        /// The server's process, by which another connection asks what has become of this one. Behind a pooler it is another one with
        /// each transaction.
        pid: Option<i32>,
    },
    Sqlite {
        raw: SqliteConnection,
        /// Ends the statement that runs, from outside.
        is_cut: Arc<AtomicBool>,
    },
}

/// By what a server knows a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// By the process that works for nobody else.
    Process(i32),
    /// By how its text begins, where the process is another one each time.
    Mark(String),
}

impl Sign {
    /// A mark that no other question has. What is prepared under a name would be left with a server that another one gets next, so
    /// each text is asked once anyway.
    fn new_mark() -> Self {
        Self::Mark(format!("/*{:016x}*/", rand::random::<u64>()))
    }

    /// What a text begins with.
    pub(super) fn mark(&self) -> &str {
        match self {
            Self::Process(_) => "",
            Self::Mark(mark) => mark,
        }
    }

    /// A condition on `pg_stat_activity`.
    pub(super) fn condition(&self) -> String {
        match self {
            Self::Process(pid) => format!("pid = {pid}"),
            // Where the server does not tell what it does, it is taken to be at work.
            Self::Mark(mark) => {
                format!("(left(query, {}) = '{mark}' OR current_setting('track_activities') = 'off')", mark.len())
            }
        }
    }
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
    ($raw:expr, $ask:expr, $mark:expr) => {
        match $ask {
            Ask::Execute(statement) => {
                query!(statement, $mark).execute($raw).await.map(|done| Told::Done(done.into())).map_err(executing)
            }
            Ask::Unprepared(sql) => {
                let sql = AssertSqlSafe(format!("{}{sql}", $mark));
                $raw.execute(sql).await.map(|done| Told::Done(done.into())).map_err(executing)
            }
            Ask::One(statement) => {
                let row = query!(statement, $mark).fetch_optional($raw).await;
                row.map(|row| Told::Rows(row.into_iter().map(QueryResult::from).collect())).map_err(querying)
            }
            Ask::Batch(sql) => {
                let rows = $raw.fetch_all(AssertSqlSafe(format!("{}{sql}", $mark))).await;
                rows.map(|rows| Told::Rows(rows.into_iter().map(QueryResult::from).collect())).map_err(querying)
            }
            Ask::All(statement) => {
                let rows = query!(statement, $mark).fetch_all($raw).await;
                rows.map(|rows| Told::Rows(rows.into_iter().map(QueryResult::from).collect())).map_err(querying)
            }
        }
    };
}

// What has a mark is asked once, and not kept under a name.
macro_rules! query {
    ($statement:expr, $mark:expr) => {{
        let values = $statement.values.clone().unwrap_or(Values(Vec::new()));
        let mark: &str = $mark;
        let marked = (!mark.is_empty()).then(|| format!("{mark}{}", $statement.sql));
        let sql = marked.as_deref().unwrap_or(&$statement.sql);
        sqlx::query_with(AssertSqlSafe(sql), SqlxValues(values)).persistent(marked.is_none())
    }};
}

impl Connection {
    /// Opens one.
    pub(super) async fn open(target: &Target) -> Result<Self, DbErr> {
        match target {
            Target::Postgres(options) => {
                let mut raw = options.connect().await.map_err(connecting)?;
                let sql = session(raw.server_version_num());
                let row = raw.fetch_one(AssertSqlSafe(sql)).await.map_err(connecting)?;
                let pid = Some(row.try_get(0).map_err(connecting)?);
                Ok(Self::Postgres { raw, pid })
            }
            Target::Pooler(options) => {
                let raw = options.connect().await.map_err(connecting)?;
                Ok(Self::Postgres { raw, pid: None })
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

    /// Asks, and waits for the answer as long as it takes. The text begins with the mark, which is empty or a comment.
    pub(super) async fn ask(&mut self, ask: Ask<'_>, mark: &str) -> Result<Told, DbErr> {
        match self {
            Self::Postgres { raw, .. } => ask!(&mut *raw, ask, mark),
            Self::Sqlite { raw, .. } => ask!(&mut *raw, ask, mark),
        }
    }

    /// Whether it still answers.
    pub(super) async fn ping(&mut self) -> bool {
        match self {
            Self::Postgres { raw, .. } => raw.ping().await.is_ok(),
            Self::Sqlite { raw, .. } => raw.ping().await.is_ok(),
        }
    }

    /// By what the server knows the next question; None if there is no server.
    pub(super) fn sign(&self) -> Option<Sign> {
        match self {
            Self::Postgres { pid, .. } => Some(pid.map_or_else(Sign::new_mark, Sign::Process)),
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

/// What a session of its own begins with: limits of the server for what nobody waits for any more. Not among the parameters of the
/// connection, which poolers refuse.
fn session(version: Option<u32>) -> String {
    let mut settings = vec![
        // A process that is frozen inside a transaction holds its locks, and a pause would wait for it: the server ends it.
        ("idle_in_transaction_session_timeout", IDLE),
        ("statement_timeout", STATEMENT),
        // A list is asked for what many rows are and for what few are by the same statement: one plan for both would read a whole table
        // for the few. Behind a pooler each statement is new anyway.
        ("plan_cache_mode", "force_custom_plan"),
        // So the server finds out that a client is gone. For this end sqlx has no such thing: see the pool.
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ];
    if version.is_some_and(|version| version >= LOOKS_AFTER_CLIENTS) {
        // A client that is cut off ends its statement with it.
        settings.push(("client_connection_check_interval", "1s"));
    }
    let set = settings.iter().map(|(name, value)| format!(", set_config('{name}', '{value}', false)"));
    format!("SELECT pg_backend_pid(){}", set.collect::<String>())
}

/// What each transaction begins with behind a pooler, where a session keeps nothing.
pub(crate) fn limits() -> String {
    format!("SET LOCAL idle_in_transaction_session_timeout = '{IDLE}'; SET LOCAL statement_timeout = '{STATEMENT}'")
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
