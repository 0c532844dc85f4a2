//! A pooler before PostgreSQL that hands out its connections for a transaction each, as `PgBouncer` does with `pool_mode = transaction`.
//!
//! What a session remembers (settings, statements that are prepared under a name, the process' number) is somebody else's with the next
//! transaction. So each transaction brings its settings along, and a statement goes as a text with its values, in one way there and back.

use std::collections::HashSet;
use std::sync::Arc;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{DbErr, Statement};

use super::connection::{Ask, Target};
use super::opening;
use super::pool::{Borrowed, Pool};

/// How often the connections are asked in turn.
const ROUNDS: usize = 3;

/// Whether connections share the server's processes. Each that is open keeps a process of its own, unless there is a pooler; four are
/// asked, since there may be several poolers behind one address.
///
/// # Errors
/// The database can't be reached.
pub(super) async fn is_before(options: &Arc<PgConnectOptions>) -> Result<bool, DbErr> {
    let pool = Pool::new(Target::Pooler(options.clone()), 4);
    let (a, b, c, d) = tokio::try_join!(pool.take(), pool.take(), pool.take(), pool.take())?;
    let (mut all, mut before, mut is_shared) = ([a, b, c, d], Vec::new(), false);
    for _ in 0..ROUNDS {
        let mut now = Vec::new();
        for one in &mut all {
            now.push(process(one).await?);
        }
        let are_own = now.iter().collect::<HashSet<_>>().len() == now.len();
        is_shared |= !are_own || (!before.is_empty() && now != before);
        before = now;
    }
    drop(all);
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
