//! The index of letters, which triggers of SQLite keep: see the migration `letters`.

use sea_orm::ConnectionTrait;

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;

/// How many rows of a table its index lacks, or has though they are gone. PostgreSQL keeps its indexes itself.
pub async fn wrong(db: &impl ConnectionTrait, table: &str) -> Result<i64> {
    let dialect = Dialect(db.get_database_backend());
    if dialect.is_postgres() {
        return Ok(0);
    }
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM {table} AS t
                 WHERE NOT EXISTS (SELECT 1 FROM {table}_search_docsize AS d WHERE d.id = t.rowid))
              + (SELECT COUNT(*) FROM {table}_search_docsize AS d
                 WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.rowid = d.id)) AS n"
    );
    let row = db.query_one_raw(dialect.statement(&sql, [])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// Makes the index of a table anew.
pub async fn mend(tx: &Tx, table: &str) -> Result<()> {
    let sql = format!("INSERT INTO {table}_search ({table}_search) VALUES ('rebuild')");
    tx.execute_raw(Dialect(tx.get_database_backend()).statement(&sql, [])).await?;
    Ok(())
}
