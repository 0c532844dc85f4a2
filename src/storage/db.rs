//! The database: one way to read, one way to write.
//!
//! A write is a whole transaction that may be run again: after a deadlock, a serialisation failure or a busy SQLite it is
//! (R25). On SQLite the writers stand in one fair queue, because its busy handler lets some of them starve (R23).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, DatabaseTransaction,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::Mutex;

use super::violation;
use domain::error::{Error, Result};
use domain::meters::Connections;

/// A transaction.
pub type Tx = DatabaseTransaction;

/// How often a transaction is run again before its error is told.
const REPETITIONS: u32 = 8;

/// How long a connection is waited for. An API that answers UNAVAILABLE soon is better than one that hangs.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The lock that the processes of a fleet take while one of them migrates: `herald` in ASCII.
const MIGRATION: i64 = 0x6865_7261_6c64;

/// How long a transaction may stand still, in PostgreSQL's words. Herald's go from statement to statement at once.
const IDLE: &str = "3s";

/// The database, shared by all who use it.
#[derive(Debug, Clone)]
pub struct Db {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    /// Of SQLite: fair, first come first served. PostgreSQL does not use it.
    turn: Arc<Mutex<()>>,
}

impl Db {
    /// Opens `url`, which is `postgres://...`, with at most `connections` connections.
    pub async fn postgres(url: &str, connections: u32) -> Result<Self> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .test_before_acquire_if_idle_for(Duration::from_secs(1))
            // A process that is frozen inside a transaction holds its locks, and a pause would wait for it: the server ends it.
            .map_sqlx_postgres_opts(|options| options.options([("idle_in_transaction_session_timeout", IDLE)]));
        let connection = Database::connect(options).await?;
        let db = Self { reader: connection.clone(), writer: connection, turn: Arc::default() };
        db.refuse_fleeting_commits().await?;
        Ok(db)
    }

    /// Opens the SQLite file `path`, made if it is not there.
    pub async fn sqlite(path: &Path) -> Result<Self> {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let open = async |connections: u32| {
            let mut options = ConnectOptions::new(&url);
            options
                .max_connections(connections)
                .min_connections(1)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .sqlx_logging(false)
                .map_sqlx_sqlite_pool_opts(|pool| {
                    // A full disk makes SQLite end the transaction by itself, which sqlx does not notice: it would refuse to
                    // begin another on this connection for ever. So one that seems to be in a transaction is closed.
                    pool.after_release(|connection, _| {
                        let is_clean = !connection.is_in_transaction();
                        Box::pin(async move { Ok(is_clean) })
                    })
                })
                .map_sqlx_sqlite_opts(|options| {
                    options
                        .journal_mode(SqliteJournalMode::Wal)
                        // A lease that a power cut forgets is a message sent twice.
                        .synchronous(SqliteSynchronous::Full)
                        .busy_timeout(Duration::from_secs(5))
                        .foreign_keys(true)
                        .pragma("cache_size", "-16000")
                        .pragma("temp_store", "memory")
                });
            Database::connect(options).await
        };
        let writer = open(1).await?;
        let reader = open(4).await?;
        Ok(Self { reader, writer, turn: Arc::default() })
    }

    /// For reads outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// This database, with `seen` called with the text of each statement of this handle: tests count them.
    #[must_use]
    pub fn watched(mut self, seen: impl Fn(&str) + Clone + Send + Sync + 'static) -> Self {
        for connection in [&mut self.reader, &mut self.writer] {
            let seen = seen.clone();
            connection.set_metric_callback(move |info| seen(&info.statement.sql));
        }
        self
    }

    /// How many connections there are for reading: on PostgreSQL these are all.
    pub fn connections(&self) -> Connections {
        let connections = |open: u32, idle: usize, options: u32| Connections {
            open,
            idle: i64::try_from(idle).unwrap_or(i64::MAX),
            most: options,
        };
        if self.is_postgres() {
            let pool = self.reader.get_postgres_connection_pool();
            connections(pool.size(), pool.num_idle(), pool.options().get_max_connections())
        } else {
            let pool = self.reader.get_sqlite_connection_pool();
            connections(pool.size(), pool.num_idle(), pool.options().get_max_connections())
        }
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
        let turn = if self.is_postgres() { None } else { Some(self.turn.lock().await) };
        let options = TransactionOptions {
            // A deferred transaction that reads first fails at its first write when another one wrote meanwhile.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = Arc::new(self.writer.begin_with_options(options).await?);
        let outcome = transaction(tx.clone()).await;
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
        result
    }

    /// One statement that commits by itself.
    pub async fn write_alone(&self, statement: Statement) -> Result<Vec<sea_orm::QueryResult>> {
        let _turn = if self.is_postgres() { None } else { Some(self.turn.lock().await) };
        Ok(self.writer.query_all_raw(statement).await?)
    }

    /// Fresh statistics of a table that has just grown by much: until then its queries are planned for one that is empty.
    pub async fn analyze(&self, table: &'static str) -> Result<()> {
        let analyze = Statement::from_string(self.backend(), format!("ANALYZE {table}"));
        self.write_alone(analyze).await.map(drop)
    }

    /// Nanoseconds by which the database's time of day is ahead of `now`, which is asked before and after.
    pub async fn ahead_of(&self, now: impl Fn() -> i64) -> Result<i64> {
        let before = now();
        let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS micros";
        let row = self.reader.query_one_raw(Statement::from_string(self.backend(), sql)).await?;
        let after = now();
        let micros: i64 = row.ok_or_else(|| Error::internal(anyhow::anyhow!("no time")))?.try_get("", "micros")?;
        Ok(micros * 1_000 - (before + (after - before) / 2))
    }

    /// The names of the migrations that have not been applied.
    pub async fn missing_migrations(&self) -> Result<Vec<String>> {
        use migration::MigratorTrait;
        let missing = migration::Migrator::get_pending_migrations(&self.writer).await?;
        Ok(missing.iter().map(|migration| migration.name().to_owned()).collect())
    }

    /// Whether the database can be reached and all migrations have been applied.
    pub async fn is_ready(&self) -> Result<bool> {
        use migration::MigratorTrait;
        let pending = migration::Migrator::get_pending_migrations(&self.reader).await?;
        Ok(pending.is_empty())
    }

    /// Applies the migrations that are missing and returns how many these were. Of several processes that start at once on
    /// one PostgreSQL, one does it and the others wait.
    pub async fn migrate(&self) -> Result<usize> {
        use migration::MigratorTrait;
        let turn = if self.is_postgres() {
            let turn = self.writer.begin().await?;
            // It stands still while the migrations run on another connection, which may take long.
            turn.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
            turn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION})")).await?;
            Some(turn)
        } else {
            None
        };
        let pending = migration::Migrator::get_pending_migrations(&self.writer).await?.len();
        migration::Migrator::up(&self.writer, None).await?;
        if let Some(turn) = turn {
            turn.commit().await?;
        }
        Ok(pending)
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
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await?;
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
