//! The database's schema: which migrations it has, and their application.

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::Executor;
use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, SqlxPostgresConnector,
    SqlxSqliteConnector, Statement, TransactionTrait,
};

use super::connection::Target;
use super::{Db, opening, patiently};
use domain::error::{Error, Result};

/// The lock that the processes of a fleet take while one of them migrates: `herald` in ASCII.
const MIGRATION: i64 = 0x6865_7261_6c64;

/// How the database's schema goes with this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It is the one that this version knows.
    Ready,
    /// Migrations are missing.
    Older,
    /// A newer version has applied this migration, the last of those that this one does not know.
    Newer(String),
}

impl Db {
    /// The names of the migrations that have not been applied.
    ///
    /// # Errors
    /// As of [`Self::migrate`].
    pub async fn missing_migrations(&self) -> Result<Vec<String>> {
        let road = self.road().await?;
        let missing = pending(&road.to_the_database()).await;
        road.end(missing).await
    }

    /// Whether the database has just the migrations of this version.
    ///
    /// # Errors
    /// It can't be reached.
    pub async fn readiness(&self) -> Result<Readiness> {
        let sql = Statement::from_string(self.backend(), "SELECT version FROM seaql_migrations");
        let rows = self.sessions.query_all_raw(sql).await?;
        let applied: Vec<String> = rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, DbErr>>()?;
        let known = Migrator::migrations();
        if let Some(unknown) = applied.iter().filter(|name| known.iter().all(|one| one.name() != *name)).max() {
            return Ok(Readiness::Newer(unknown.clone()));
        }
        let has_all = known.iter().all(|one| applied.iter().any(|name| name == one.name()));
        Ok(if has_all { Readiness::Ready } else { Readiness::Older })
    }

    /// Applies the migrations that are missing and returns how many these were. Of several processes that start at once on
    /// one PostgreSQL, one does it and the others wait.
    ///
    /// # Errors
    /// [`Error::Precondition`]: a newer Herald has used the database.
    pub async fn migrate(&self) -> Result<usize> {
        Box::pin(patiently(self.migrate_in_turn())).await
    }

    async fn migrate_in_turn(&self) -> Result<usize> {
        let is_pooled = self.writer.pool.is_behind_a_pooler();
        let turn = if self.is_postgres() && !is_pooled {
            let turn = self.writer.begin().await?;
            // It stands still while the migrations run on another connection, which may take long.
            turn.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
            turn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION})")).await?;
            Some(turn)
        } else {
            None
        };
        let road = self.road().await?;
        let applied = apply(&road).await;
        let applied = road.end(applied).await?;
        if let Some(turn) = turn {
            turn.commit().await?;
        }
        Ok(applied)
    }

    /// The road that the migrations take.
    async fn road(&self) -> Result<Road> {
        let plain = self.plain().await?;
        let pinned = if self.writer.pool.is_behind_a_pooler() { Some(pinned(&plain).await?) } else { None };
        Ok(Road { plain, pinned })
    }

    /// A connection of sea-orm's own, which its migrations need: without limits.
    async fn plain(&self) -> Result<DatabaseConnection> {
        Ok(match &self.target {
            Target::Postgres(options) | Target::Pooler(options) => {
                let mut one = PgPoolOptions::new().max_connections(1);
                if !self.writer.pool.is_behind_a_pooler() {
                    one = one.after_connect(|connection, _| {
                        Box::pin(async move { connection.execute("SET statement_timeout = 0").await.map(drop) })
                    });
                }
                let pool = one.connect_with(options.as_ref().clone()).await.map_err(opening)?;
                SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
            }
            Target::Sqlite(options) => {
                let options = options.as_ref().clone();
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(opening)?;
                SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
            }
        })
    }
}

/// By what migrations are applied: a connection, or a transaction on it, for which a pooler leaves one server.
struct Road {
    plain: DatabaseConnection,
    pinned: Option<DatabaseTransaction>,
}

impl Road {
    fn to_the_database(&self) -> DatabaseExecutor<'_> {
        self.pinned.as_ref().map_or_else(|| (&self.plain).into(), Into::into)
    }

    /// Commits what was done, or undoes it, and leaves nothing that was prepared to whom the server serves next.
    async fn end<T>(self, done: Result<T>) -> Result<T> {
        if let Some(tx) = self.pinned {
            if done.is_ok() {
                tx.execute_unprepared(FORGET).await?;
                tx.commit().await?;
            } else if let Err(error) = undone(tx).await {
                tracing::debug!(%error, "the connection was lost before the rollback: the server rolls back");
            }
        }
        self.plain.close().await?;
        done
    }
}

/// What the server forgets: statements that are prepared by names, which another client may have left, or would find.
const FORGET: &str = "DEALLOCATE ALL";

async fn pinned(plain: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let tx = plain.begin().await?;
    // By itself, so that a pooler which keeps account of what is prepared sees it.
    tx.execute_unprepared(FORGET).await?;
    tx.execute_unprepared("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    tx.execute_unprepared("SAVEPOINT before").await?;
    Ok(tx)
}

/// After an error the server takes nothing but the way back.
async fn undone(tx: DatabaseTransaction) -> Result<(), DbErr> {
    tx.execute_unprepared("ROLLBACK TO SAVEPOINT before").await?;
    tx.execute_unprepared(FORGET).await?;
    tx.rollback().await
}

/// Applies what is missing, and returns how many these were.
async fn apply(road: &Road) -> Result<usize> {
    let connection = road.to_the_database();
    if road.pinned.is_some() {
        // In the one transaction that there is: a second server may not be to be had.
        connection.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION})")).await?;
    }
    let missing = pending(&connection).await?.len();
    Migrator::up(connection, None).await?;
    Ok(missing)
}

/// The names of the migrations that have not been applied. Whatever a newer version has made of the database, this one could only spoil.
async fn pending(plain: &impl ConnectionTrait) -> Result<Vec<String>> {
    let known = Migrator::migrations();
    let applied = Migrator::get_migration_models(plain).await?;
    let unknown = applied.into_iter().map(|row| row.version).filter(|name| known.iter().all(|one| one.name() != name));
    let unknown: Vec<String> = unknown.collect();
    if let Some(last) = unknown.last() {
        let refusal = format!(
            "a newer Herald has used this database: it has {} migrations that this version does not know, the last is {last}; \
             start that version or a later one, or restore the database as it was before",
            unknown.len()
        );
        return Err(Error::Precondition(refusal));
    }
    let pending = Migrator::get_pending_migrations(plain).await?;
    Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
}
