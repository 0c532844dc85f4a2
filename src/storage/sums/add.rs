//! How what statements have noted is added to the sums.

use sea_orm::ConnectionTrait;
use serde::Serialize;

use super::{KEYS, NUMBERS, SPANS};
use crate::Db;
use crate::sql::{Dialect, rows};
use domain::error::Result;

/// Notes that may stand beside the sums: each reader reads them all.
const BESIDE: i64 = 1_000;
/// Notes that are added to the sums in one transaction.
const TOGETHER: i64 = 10_000;
/// By which processes take turns at adding notes to the sums.
pub(super) const ADDING: i64 = 0x0073_756d_7321;

#[derive(Serialize)]
struct Empty {
    what: String,
    span: i32,
    at: i64,
}

/// Adds what statements have noted to the sums, if it is much. Several processes may do it at once: they take turns.
pub async fn add_up(db: &Db) -> Result<()> {
    let dialect = Dialect(db.backend());
    let some = dialect.statement("SELECT COUNT(*) AS n FROM (SELECT 1 FROM time_notes LIMIT $1) AS d", [BESIDE.into()]);
    loop {
        let noted = db.reader().query_one_raw(some.clone()).await?;
        let noted: i64 = noted.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
        if noted < BESIDE || !add_some(db).await? {
            return Ok(());
        }
    }
}

/// Adds some notes to the sums, and takes away the sums that nothing is left of; false if another process is at it.
///
/// # Errors
/// The database can't do it now.
pub async fn add_some(db: &Db) -> Result<bool> {
    let dialect = Dialect(db.backend());
    db.write(|tx| async move {
        if dialect.is_postgres() {
            let turn = dialect.statement("SELECT pg_try_advisory_xact_lock($1) AS mine", [ADDING.into()]);
            let mine = tx.query_one_raw(turn).await?.map(|row| row.try_get("", "mine")).transpose()?;
            if mine != Some(true) {
                return Ok(false);
            }
        }
        let changed = tx.query_all_raw(dialect.statement(&adding(dialect), [TOGETHER.into()])).await?;
        if !dialect.is_postgres() {
            let gone = "DELETE FROM time_notes WHERE id <= (SELECT MAX(id) FROM (SELECT id FROM time_notes ORDER BY id LIMIT $1))";
            tx.execute_raw(dialect.statement(gone, [TOGETHER.into()])).await?;
        }
        let mut empty = Vec::new();
        for row in changed {
            if row.try_get::<i64>("", "n")? == 0 {
                let (what, span) = (row.try_get("", "what")?, row.try_get("", "span")?);
                empty.push(Empty { what, span, at: row.try_get("", "at")? });
            }
        }
        if !empty.is_empty() {
            let sql = format!(
                "DELETE FROM time_sums WHERE n = 0 AND (what, span, at) IN (SELECT r.what, r.span, r.at FROM {})",
                dialect.table("$1", &[("what", "text"), ("span", "integer"), ("at", "bigint")])
            );
            tx.execute_raw(dialect.statement(&sql, [rows(&empty)])).await?;
        }
        Ok(true)
    })
    .await
}

/// The statement that adds notes to the sums. On PostgreSQL it takes them away too.
fn adding(dialect: Dialect) -> String {
    let (taken, from) = if dialect.is_postgres() {
        let which = "SELECT ctid FROM time_notes LIMIT $1 FOR UPDATE SKIP LOCKED";
        (format!("WITH taken AS (DELETE FROM time_notes WHERE ctid IN ({which}) RETURNING *)"), "taken AS t")
    } else {
        (String::new(), "(SELECT * FROM time_notes ORDER BY id LIMIT $1) AS t")
    };
    let spans: Vec<String> = SPANS.iter().map(|span| format!("SELECT {span} AS span")).collect();
    let numbers = NUMBERS.join(", ");
    format!(
        "{taken} INSERT INTO time_sums (what, span, at, {KEYS}, {numbers})
         SELECT t.what, l.span, t.at - t.at % l.span, {KEYS}, {}
         FROM {from} CROSS JOIN ({}) AS l
         GROUP BY t.what, l.span, t.at - t.at % l.span, {KEYS} HAVING {}
         ON CONFLICT (what, span, at, {KEYS}) DO UPDATE SET {}
         RETURNING what, span, at, n",
        NUMBERS.map(|number| format!("SUM({number})")).join(", "),
        spans.join(" UNION ALL "),
        NUMBERS.map(|number| format!("SUM({number}) <> 0")).join(" OR "),
        NUMBERS.map(|number| format!("{number} = time_sums.{number} + excluded.{number}")).join(", "),
    )
}
