//! The database: one way to read, one way to write.
//!
//! A write is a whole transaction that may be run again: after a deadlock, a serialisation failure or a busy SQLite it is
//! (R25). On SQLite the writers stand in one fair queue, because its busy handler lets some of them starve (R23).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, RuntimeErr, Statement};
use tokio::sync::{Mutex, Notify, Semaphore};

use super::violation;
use domain::clock::Sample;
use domain::error::{Error, Result};
use domain::meters::Connections;

mod connection;
mod migrations;
mod opening;
mod pool;
mod pooled;
mod pooler;
pub mod slow;
mod upkeep;

use connection::Target;
pub(crate) use connection::limits;
pub use migrations::Readiness;
use pool::Pool;
pub use pooled::{Driven, Pooled, Tx, patiently};

/// How often a transaction is run again before its error is told.
const REPETITIONS: u32 = 8;

/// How long a transaction may take, unless it is known to take long.
const TRANSACTION: Duration = Duration::from_mins(1);

/// How long SQLite's log stays at most, in bytes, once it was folded into the file.
const LOG: &str = "67108864";

/// Connections by which is looked up who a caller is, so that no query keeps others from signing in.
const SESSIONS: u32 = 2;

/// The database, shared by all who use it.
#[derive(Debug, Clone)]
pub struct Db {
    reader: Pooled,
    writer: Pooled,
    sessions: Pooled,
    target: Target,
    /// Of SQLite: fair, first come first served. PostgreSQL does not use it.
    turn: Arc<Mutex<()>>,
    /// Where this process' clock is held to the database's: told when a statement finds that the two disagree.
    doubts: Option<Arc<Notify>>,
    /// How many writes there were, by which is seen that there was one.
    writes: Arc<AtomicU64>,
}

impl Db {
    /// Opens `url`, which is `postgres://...`, with at most `connections` connections, and two more for sessions if they are used.
    pub async fn postgres(url: &str, connections: u32) -> Result<Self> {
        let options: PgConnectOptions = url.parse().map_err(opening)?;
        // PostgreSQL writes numbers in full by itself since version 12, and poolers refuse the parameter.
        let options = Arc::new(options.disable_statement_logging().extra_float_digits(None));
        // Boxed: four connections that are being opened lie in it.
        let is_pooled = Box::pin(pooler::is_before(&options)).await?;
        let target = if is_pooled { Target::Pooler(options) } else { Target::Postgres(options) };
        let pooled = |most| Pooled::new(Pool::new(target.clone(), most), DatabaseBackend::Postgres);
        let (reader, sessions) = (pooled(connections), pooled(SESSIONS));
        let db = Self {
            writer: reader.clone(),
            reader,
            sessions,
            turn: Arc::default(),
            doubts: None,
            target,
            writes: Arc::default(),
        };
        db.refuse_fleeting_commits().await?;
        Ok(db)
    }

    /// Opens the SQLite file `path`, made if it is not there.
    pub async fn sqlite(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .disable_statement_logging()
            .journal_mode(SqliteJournalMode::Wal)
            // A lease that a power cut forgets is a message sent twice.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true)
            .pragma("journal_size_limit", LOG)
            .pragma("cache_size", "-16000")
            .pragma("temp_store", "memory");
        if std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
            // Of a new file only: where one is, this would write with each connection that is opened. It becomes so when it is compacted.
            let first = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental).connect().await.map_err(opening)?;
            sqlx::Connection::close(first).await.map_err(opening)?;
        }
        let target = Target::Sqlite(Arc::new(options));
        let pooled = |most| Pooled::new(Pool::new(target.clone(), most), DatabaseBackend::Sqlite);
        let (writer, reader, sessions) = (pooled(1), pooled(4), pooled(1));
        // Whoever is first makes the file.
        writer.execute_unprepared("SELECT 1").await?;
        Ok(Self { reader, writer, sessions, turn: Arc::default(), doubts: None, target, writes: Arc::default() })
    }

    /// For reads outside a transaction.
    pub const fn reader(&self) -> &Pooled {
        &self.reader
    }

    /// For finding out who a caller is: on connections of its own, so that no query keeps anybody from being known.
    pub const fn sessions(&self) -> &Pooled {
        &self.sessions
    }

    /// This database for somebody of whom it runs no more statements at once than `reads` has places, and no more transactions than
    /// `writes` has.
    #[must_use]
    pub fn shared(&self, reads: Arc<Semaphore>, writes: Arc<Semaphore>) -> Self {
        Self { reader: self.reader.shared(reads), writer: self.writer.shared(writes), ..self.clone() }
    }

    /// This database, with `seen` called with the text of each statement of this handle: tests count them.
    #[must_use]
    pub fn watched(mut self, seen: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let seen: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(seen);
        for connection in [&mut self.reader, &mut self.writer, &mut self.sessions] {
            connection.watched(seen.clone());
        }
        self
    }

    /// How many connections there are for reading: on PostgreSQL these are all but those of [`Self::sessions`].
    pub fn connections(&self) -> Connections {
        self.reader.pool.connections()
    }

    /// Whether a connection is to be had, and answers.
    pub async fn answers(&self) -> bool {
        self.reader.ping().await.is_ok()
    }

    /// Whether a new connection can be opened and answers, beside those that are open.
    pub async fn can_connect(&self) -> bool {
        self.reader.pool.can_connect().await
    }

    /// How often this handle, and those that were made of it, have written: a number that has changed says that something was.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// This database for writes that say nothing of what is done with it, such as signs of life: [`Self::writes`] doesn't count them.
    #[must_use]
    pub fn unnoticed(&self) -> Self {
        Self { writes: Arc::default(), ..self.clone() }
    }

    /// The file of SQLite; None with PostgreSQL.
    pub fn file(&self) -> Option<&Path> {
        match &self.target {
            Target::Sqlite(options) => Some(options.get_filename()),
            Target::Postgres(_) | Target::Pooler(_) => None,
        }
    }

    fn has_written(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether this is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.backend() == DatabaseBackend::Postgres
    }

    /// The kind of database.
    pub fn backend(&self) -> DatabaseBackend {
        self.writer.get_database_backend()
    }

    /// Runs one transaction and commits it if it returns `Ok`. It may be run several times: it must not do anything that
    /// can't be undone.
    ///
    /// It takes `|tx| async move { .. }` and not an async closure: futures of those cannot be shown to be `Send` where they
    /// borrow (Rust 1.95, "implementation of `Send` is not general enough").
    ///
    /// # Errors
    /// What the transaction returned, or why it could not be committed. After an error of the commit itself it is not known
    /// whether it was committed.
    pub async fn write<T, F, W>(&self, transaction: F) -> Result<T>
    where
        F: Fn(Arc<Tx>) -> W,
        W: Future<Output = Result<T>>,
    {
        for repetition in 0.. {
            match self.write_once(&transaction).await {
                Err(error) if repetition < REPETITIONS && violation::is_repeatable(&error) => {
                    let pause = Duration::from_millis(u64::from(rand::random_range(1..=1u32 << repetition.min(7))));
                    tokio::time::sleep(pause).await;
                }
                result => return result,
            }
        }
        unreachable!("the last repetition returns")
    }

    async fn write_once<T, F, W>(&self, transaction: &F) -> Result<T>
    where
        F: Fn(Arc<Tx>) -> W,
        W: Future<Output = Result<T>>,
    {
        // Before the turn, so that one who writes much stands in the queue with few at once.
        let place = self.writer.place().await?;
        let turn = if self.is_postgres() { None } else { Some(self.turn.lock().await) };
        let tx = Arc::new(self.writer.begin_writing(place).await?);
        let working = transaction(tx.clone());
        let outcome = if pooled::is_patient() {
            working.await
        } else {
            // Its connection is closed with it: nothing of it is kept.
            let late = || Error::from(pool::cut_off("the transaction took too long and was undone"));
            tokio::time::timeout(TRANSACTION, working).await.unwrap_or_else(|_| Err(late()))
        };
        let tx = Arc::into_inner(tx).expect("a transaction's future keeps no handle beyond its end");
        let result = match outcome {
            Ok(value) => tx.commit().await.map(|()| value).map_err(Error::from),
            Err(error) => {
                if let Err(rollback) = tx.rollback().await {
                    tracing::debug!(%rollback, "the connection was lost before the rollback: the server rolls back");
                }
                Err(error)
            }
        };
        drop(turn);
        self.has_written();
        result
    }

    /// One statement that commits by itself.
    pub async fn write_alone(&self, statement: Statement) -> Result<Vec<sea_orm::QueryResult>> {
        // In this order everywhere: two who wait for each other's would wait for ever.
        let _place = self.writer.place().await?;
        let _turn = if self.is_postgres() { None } else { Some(self.turn.lock().await) };
        self.has_written();
        Ok(self.writer.unshared().query_all_raw(statement).await?)
    }

    /// Begins a transaction of PostgreSQL by its first statements, in one way there and back; [`Tx::commit_by`] ends it.
    pub async fn begin_by(&self, first: &[Statement]) -> Result<(Tx, Vec<sea_orm::QueryResult>)> {
        let place = self.writer.place().await?;
        self.has_written();
        Ok(self.writer.begin_by(place, first).await?)
    }

    /// A connection for what only PostgreSQL's driver can do, such as `COPY`. It has no limits but the caller's.
    ///
    /// # Errors
    /// There is none to be had.
    pub async fn driven(&self) -> Result<Driven> {
        Ok(self.writer.driven().await?)
    }

    /// Fresh statistics of a table that has just grown by much: until then its queries are planned for one that is empty.
    pub async fn analyze(&self, table: &'static str) -> Result<()> {
        let analyze = Statement::from_string(self.backend(), format!("ANALYZE {table}"));
        patiently(self.write_alone(analyze)).await.map(drop)
    }

    /// Compares the database's time of day with `now`, in nanoseconds since 1970: three times at most, until an answer is quick.
    pub async fn compare(&self, now: impl Fn() -> i64) -> Result<Sample> {
        const QUICK: i64 = 1_000_000;
        let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS micros";
        let mut best: Option<Sample> = None;
        for _ in 0..3 {
            let before = now();
            let row = self.sessions.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
            let after = now();
            let micros: i64 = row.ok_or_else(|| Error::internal(anyhow::anyhow!("no time")))?.try_get("", "micros")?;
            let sample = Sample::new(before, micros * 1_000, after);
            best = best.filter(|best| best.error <= sample.error).or(Some(sample));
            if sample.error <= QUICK {
                break;
            }
        }
        best.ok_or_else(|| Error::internal(anyhow::anyhow!("no time was asked for")))
    }

    /// This database for a process whose clock is held to its time: claims of slots are refused from now on while the two disagree.
    #[must_use]
    pub fn clocked(mut self) -> Self {
        self.doubts = Some(Arc::default());
        self
    }

    /// Whether this process' clock is held to the database's.
    pub const fn is_clocked(&self) -> bool {
        self.doubts.is_some()
    }

    /// A statement has found that this process' clock and the database's disagree.
    pub fn doubt(&self) {
        if let Some(doubts) = &self.doubts {
            doubts.notify_one();
        }
    }

    /// Waits for [`Self::doubt`]; for ever where no clock is held to this database's.
    pub async fn doubted(&self) {
        match &self.doubts {
            Some(doubts) => doubts.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Writes a row and takes it away again: an error says that the database takes no writes, because it is full or read-only.
    ///
    /// # Errors
    /// As of any write.
    pub async fn try_write(&self) -> Result<()> {
        // A row that is written as it is would be no write to SQLite.
        let row = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('a write is tried', 0)";
        let unnoticed = self.unnoticed();
        let written = unnoticed.write(|tx| async move {
            tx.execute_unprepared(row).await?;
            tx.execute_unprepared("DELETE FROM seaql_migrations WHERE version = 'a write is tried'").await?;
            Ok(())
        });
        written.await
    }

    /// A name that this database has among those that the same Redis serves.
    pub async fn name(&self) -> Result<String> {
        if !self.is_postgres() {
            return Ok(String::new());
        }
        let sql = "SELECT datname || '-' || oid AS name FROM pg_database WHERE datname = current_database()";
        let row = self.reader.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        Ok(row.ok_or_else(|| Error::internal(anyhow::anyhow!("no database")))?.try_get("", "name")?)
    }

    /// Closes all connections.
    pub async fn close(self) -> Result<()> {
        // Of SQLite the writer comes last: it folds the log into the file.
        for connections in [&self.reader, &self.sessions, &self.writer] {
            connections.pool.close().await;
        }
        Ok(())
    }

    /// R25: a lease whose commit a crash forgets is a message sent twice.
    async fn refuse_fleeting_commits(&self) -> Result<()> {
        for setting in ["fsync", "synchronous_commit"] {
            let sql = format!("SELECT current_setting('{setting}') AS value");
            let row = self.reader.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
            let value: String =
                row.ok_or_else(|| Error::internal(anyhow::anyhow!("no setting")))?.try_get("", "value")?;
            if value == "off" {
                let refusal = format!("PostgreSQL runs with {setting} = off: a crash could send messages twice");
                return Err(Error::Precondition(refusal));
            }
        }
        Ok(())
    }
}

fn opening(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
