//! The index of letters, which triggers of SQLite keep: see the migration `letters`.

use sea_orm::ConnectionTrait;

use crate::Tx;
use crate::letters::{anew, holds};
use crate::sql::Dialect;
use domain::error::Result;

/// How many rows of a table its index lacks that it should know, or has though they are gone, and one if it knows rows by other numbers.
/// PostgreSQL keeps its indexes itself.
pub async fn wrong(db: &impl ConnectionTrait, table: &str) -> Result<i64> {
    let dialect = Dialect(db.get_database_backend());
    if dialect.is_postgres() {
        return Ok(0);
    }
    let sql = format!(
        "WITH known AS (SELECT number FROM letters WHERE name = '{table}')
         SELECT (SELECT COUNT(*) FROM {table} AS t WHERE t.rowid <= (SELECT number FROM known)
                     AND NOT EXISTS (SELECT 1 FROM {table}_search_docsize AS d WHERE d.id = t.rowid))
              + (SELECT COUNT(*) FROM {table}_search_docsize AS d WHERE d.id > (SELECT number FROM known)
                     OR NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.rowid = d.id))
              + NOT {} AS n",
        holds(table)
    );
    let row = db.query_one_raw(dialect.statement(&sql, [])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// Makes the index of a table anew.
pub async fn mend(tx: &Tx, table: &str) -> Result<()> {
    for sql in anew(table) {
        tx.execute_unprepared(&sql).await?;
    }
    Ok(())
}
