//! A pooler before PostgreSQL that hands out its connections for a transaction each, as `PgBouncer` does with `pool_mode = transaction`.
//!
//! What a session remembers (settings, statements that are prepared under a name, the process' number) is somebody else's with the next
//! transaction. So each transaction brings its settings along, and a statement goes as a text with its values, in one way there and back.

use std::sync::Arc;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Statement};

use super::connection::{Ask, Target};
use super::opening;
use super::pool::{Borrowed, Pool};

/// How often the two connections are asked in turn.
const ROUNDS: usize = 3;

/// Whether connections share the server's processes. Each of two that are open keeps a process of its own, unless there is a pooler.
///
/// # Errors
/// The database can't be reached.
pub(super) async fn is_before(options: &Arc<PgConnectOptions>) -> Result<bool, DbErr> {
    let pool = Pool::new(Target::Pooler(options.clone()), 2);
    let (mut one, mut other) = (pool.take().await?, pool.take().await?);
    let first = (process(&mut one).await?, process(&mut other).await?);
    let mut is_shared = first.0 == first.1;
    for _ in 1..ROUNDS {
        is_shared |= (process(&mut one).await?, process(&mut other).await?) != first;
    }
    drop((one, other));
    pool.close().await;
    if is_shared {
        tracing::info!(
            "a pooler before PostgreSQL hands out its connections by transactions: Herald keeps nothing in a session"
        );
    }
    Ok(is_shared)
}

/// The server's process that answers.
async fn process(connection: &mut Borrowed) -> Result<i32, DbErr> {
    let asked = connection.ask(Ask::Batch("SELECT pg_backend_pid() AS pid"), super::pooled::ALONE).await?;
    let row = asked.rows().into_iter().next();
    row.ok_or_else(|| DbErr::Custom("PostgreSQL did not say by which process it answers".into()))?.try_get("", "pid")
}

/// What is asked, as a text without parameters, and whether rows are wanted; None if it can't be written so.
pub(super) fn text(ask: Ask<'_>) -> Option<(String, bool)> {
    let written = |statement: &Statement| opening::in_one(statement);
    Some(match ask {
        Ask::Unprepared(sql) => (sql.to_owned(), false),
        Ask::Batch(sql) => (sql.to_owned(), true),
        Ask::Execute(statement) => (written(statement)?, false),
        Ask::One(statement) | Ask::All(statement) => (written(statement)?, true),
    })
}
