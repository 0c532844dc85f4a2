//! What statements run on: [`Pooled`] where each stands for itself, [`Tx`] in a transaction. All that waits here has a limit.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx::PgConnection;
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::connection::{Ask, Told, limits};
use super::pool::{Borrowed, Pool};
use super::pooler;
use crate::violation;

/// How long a statement that stands for itself may take: as long as a query by default.
pub(super) const ALONE: Duration = Duration::from_secs(15);
/// How long a statement of a transaction may take: as long as a mutation by default.
const IN_TRANSACTION: Duration = Duration::from_secs(30);
/// How long what is known to take long may take.
const LONG: Duration = Duration::from_hours(1);

const ROLLBACK: &str = "ROLLBACK";

tokio::task_local! {
    static IS_PATIENT: ();
}

/// Runs work whose statements are known to take long, such as a migration: their limit is an hour, and the server has none. A
/// connection that is lost is found out all the same.
pub async fn patiently<T>(work: impl Future<Output = T>) -> T {
    IS_PATIENT.scope((), work).await
}

pub(super) fn is_patient() -> bool {
    IS_PATIENT.try_with(|()| ()).is_ok()
}

type Seen = Arc<dyn Fn(&str) + Send + Sync>;

/// Connections of which each statement takes one.
#[derive(Clone)]
pub struct Pooled {
    pub(super) pool: Arc<Pool>,
    backend: DatabaseBackend,
    /// How many of its statements run at once at most, among those who share it.
    share: Option<Arc<Semaphore>>,
    seen: Option<Seen>,
}

/// A transaction.
pub struct Tx {
    connection: Mutex<Open>,
    backend: DatabaseBackend,
    seen: Option<Seen>,
    _place: Option<OwnedSemaphorePermit>,
}

/// The connection of a transaction, and what is to be said before its first statement.
struct Open {
    connection: Borrowed,
    begin: Option<String>,
}

impl Open {
    /// Asks; the first time with the BEGIN before it.
    async fn ask(&mut self, ask: Ask<'_>, limit: Duration) -> Result<Told, DbErr> {
        let begin = self.begin.take();
        if begin.is_none() && !self.connection.is_behind_a_pooler() {
            return self.connection.ask(ask, limit).await;
        }
        let Some((text, has_rows)) = pooler::text(ask) else {
            if let Some(begin) = begin {
                self.connection.ask(Ask::Unprepared(&begin), IN_TRANSACTION).await?;
            }
            return self.connection.ask(ask, limit).await;
        };
        let text = match begin {
            Some(begin) => format!("{begin}; {text}"),
            None => text,
        };
        self.connection.ask(if has_rows { Ask::Batch(&text) } else { Ask::Unprepared(&text) }, limit).await
    }
}

impl std::fmt::Debug for Pooled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pooled").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Pooled {
    pub(super) const fn new(pool: Arc<Pool>, backend: DatabaseBackend) -> Self {
        Self { pool, backend, share: None, seen: None }
    }

    pub(super) fn watched(&mut self, seen: Seen) {
        self.seen = Some(seen);
    }

    /// The same for who has a place already.
    pub(super) fn unshared(&self) -> Self {
        Self { share: None, ..self.clone() }
    }

    pub(super) fn shared(&self, share: Arc<Semaphore>) -> Self {
        Self { share: Some(share), ..self.clone() }
    }

    /// A place among those who share this, if anybody does.
    pub(super) async fn place(&self) -> Result<Option<OwnedSemaphorePermit>, DbErr> {
        let Some(share) = &self.share else { return Ok(None) };
        let place = share.clone().acquire_owned().await;
        place.map(Some).map_err(|_| DbErr::Custom("the share was closed".into()))
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Told, DbErr> {
        see(self.seen.as_ref(), ask);
        let _place = self.place().await?;
        if is_patient() {
            return self.ask_in_a_transaction(ask, LONG).await;
        }
        if self.pool.is_behind_a_pooler() {
            return self.ask_a_pooler(ask).await;
        }
        let told = self.pool.take().await?.ask(ask, ALONE).await;
        match told {
            // It has done nothing yet, and every connection that knows the old plan has been closed.
            Err(error) if violation::is_stale(&error) => self.pool.take().await?.ask(ask, ALONE).await,
            told => told,
        }
    }

    async fn ask_in_a_transaction(&self, ask: Ask<'_>, limit: Duration) -> Result<Told, DbErr> {
        let tx = self.begun("BEGIN").await?;
        let told = tx.connection.lock().await.ask(ask, limit).await?;
        tx.commit().await?;
        Ok(told)
    }

    /// A statement that stands for itself, with its limits before it: the server takes the text as one transaction.
    async fn ask_a_pooler(&self, ask: Ask<'_>) -> Result<Told, DbErr> {
        let (text, has_rows) = match (ask, pooler::text(ask)) {
            // Some of what is written by hand can't stand in a transaction.
            (Ask::Unprepared(_) | Ask::Batch(_), Some(text)) => text,
            (_, Some((text, has_rows))) => (format!("{}; {text}", limits()), has_rows),
            (_, None) => return self.ask_in_a_transaction(ask, ALONE).await,
        };
        self.pool.take().await?.ask(if has_rows { Ask::Batch(&text) } else { Ask::Unprepared(&text) }, ALONE).await
    }

    /// What a transaction begins with: on PostgreSQL its limits, where they are not the session's.
    fn beginning(&self, begin: &str) -> String {
        let mut sql = begin.to_owned();
        if self.pool.is_behind_a_pooler() {
            sql.push_str("; ");
            sql.push_str(&limits());
        }
        if is_patient() && self.backend == DatabaseBackend::Postgres {
            sql.push_str("; SET LOCAL statement_timeout = 0");
        }
        sql
    }

    /// Takes a connection and asks it for nothing.
    ///
    /// # Errors
    /// There is none, or it does not answer.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.ask(Ask::Unprepared("SELECT 1")).await.map(drop)
    }

    /// Begins a transaction; on PostgreSQL with its first statement.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn begin(&self) -> Result<Tx, DbErr> {
        self.begun("BEGIN").await
    }

    /// Begins a transaction that writes, at a place of [`Self::place`]. One of SQLite that reads first would fail at its first write
    /// when another one wrote meanwhile.
    pub(super) async fn begin_writing(&self, place: Option<OwnedSemaphorePermit>) -> Result<Tx, DbErr> {
        let begin = if self.backend == DatabaseBackend::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        Ok(Tx { _place: place, ..self.begun(begin).await? })
    }

    async fn begun(&self, begin: &str) -> Result<Tx, DbErr> {
        let mut connection = self.pool.take().await?;
        connection.in_transaction = true;
        let sql = self.beginning(begin);
        let begin = if self.backend == DatabaseBackend::Postgres {
            Some(sql)
        } else {
            connection.ask(Ask::Unprepared(&sql), IN_TRANSACTION).await?;
            None
        };
        let connection = Mutex::new(Open { connection, begin });
        Ok(Tx { connection, backend: self.backend, seen: self.seen.clone(), _place: None })
    }

    /// Begins a transaction by its first statements, whose rows are returned: all of it in one way to PostgreSQL and back. Their values
    /// are numbers, ids and instants.
    pub(super) async fn begin_by(
        &self,
        place: Option<OwnedSemaphorePermit>,
        first: &[Statement],
    ) -> Result<(Tx, Vec<QueryResult>), DbErr> {
        let mut connection = self.pool.take().await?;
        connection.in_transaction = true;
        let mut sql = self.beginning("BEGIN");
        for statement in first {
            see(self.seen.as_ref(), Ask::All(statement));
            sql.push_str("; ");
            sql.push_str(&statement.to_string());
        }
        let rows = connection.ask(Ask::Batch(&sql), IN_TRANSACTION).await?.rows();
        let connection = Mutex::new(Open { connection, begin: None });
        Ok((Tx { connection, backend: self.backend, seen: self.seen.clone(), _place: place }, rows))
    }

    /// A connection for what only PostgreSQL's driver can do.
    pub(super) async fn driven(&self) -> Result<Driven, DbErr> {
        Ok(Driven(self.pool.take().await?))
    }
}

/// A connection in the hands of PostgreSQL's driver, such as for `COPY`. Unless it is given back, it is closed.
pub struct Driven(Borrowed);

impl Driven {
    /// The driver's connection.
    ///
    /// # Errors
    /// This is no PostgreSQL.
    pub fn connection(&mut self) -> Result<&mut PgConnection, DbErr> {
        self.0.driver().ok_or_else(|| DbErr::Custom("this is no PostgreSQL".into()))
    }

    /// Gives it back: all has succeeded, and no transaction is open.
    pub fn give_back(mut self) {
        self.0.is_done();
    }
}

impl Tx {
    /// Commits. After an error it is not known whether it was committed.
    ///
    /// # Errors
    /// The database refuses, or did not answer in time.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.end("COMMIT").await
    }

    /// Runs the last statement and commits, in one way to PostgreSQL and back. Its values are numbers and ids, or texts of digits.
    ///
    /// # Errors
    /// As of [`Self::commit`]; if the statement itself failed, nothing was committed.
    pub async fn commit_by(self, last: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        see(self.seen.as_ref(), Ask::All(last));
        let Open { mut connection, begin } = self.connection.into_inner();
        let begin = begin.map_or_else(String::new, |begin| format!("{begin}; "));
        let rows = connection.ask(Ask::Batch(&format!("{begin}{last}; COMMIT")), IN_TRANSACTION).await?.rows();
        connection.in_transaction = false;
        Ok(rows)
    }

    /// Undoes all of it.
    ///
    /// # Errors
    /// The database did not answer in time: the connection is closed, and the server undoes it.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.end(ROLLBACK).await
    }

    async fn end(self, sql: &str) -> Result<(), DbErr> {
        let Open { mut connection, begin } = self.connection.into_inner();
        if begin.is_some() {
            // It was never asked for anything.
            connection.in_transaction = false;
            return Ok(());
        }
        if sql == ROLLBACK && !connection.is_usable() {
            // It is closed, by which the database undoes all.
            return Ok(());
        }
        connection.ask(Ask::Unprepared(sql), IN_TRANSACTION).await?;
        connection.in_transaction = false;
        Ok(())
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Told, DbErr> {
        see(self.seen.as_ref(), ask);
        let limit = if is_patient() { LONG } else { IN_TRANSACTION };
        self.connection.lock().await.ask(ask, limit).await
    }
}

fn see(seen: Option<&Seen>, ask: Ask<'_>) {
    if let (Some(seen), Ask::Execute(statement) | Ask::One(statement) | Ask::All(statement)) = (seen, ask) {
        seen(&statement.sql);
    }
}

macro_rules! asks {
    ($on:ty) => {
        #[async_trait]
        impl ConnectionTrait for $on {
            fn get_database_backend(&self) -> DatabaseBackend {
                self.backend
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                self.ask(Ask::Execute(&statement)).await?.done()
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                self.ask(Ask::Unprepared(sql)).await?.done()
            }

            async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
                Ok(self.ask(Ask::One(&statement)).await?.rows().into_iter().next())
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                Ok(self.ask(Ask::All(&statement)).await?.rows())
            }
        }
    };
}

asks!(Pooled);
asks!(Tx);
