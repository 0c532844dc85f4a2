//! SQLite's index of groups of three letters, by which a part of a word is found: see the migrations `letters` and `known_letters`.
//! PostgreSQL's planner uses its own by itself.
//!
//! What the index finds is looked at once more by the condition of the list, so it answers nothing that the condition would not; so are
//! the rows that it does not know yet. Of a part of one or two letters it knows nothing.

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, Select, Value};

use crate::page::MOST_COUNTED;
use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::error::Result;

/// The tables that have one.
pub const TABLES: [&str; 2] = ["leads", "channels"];
/// Rows that it may be behind: each search reads them all.
pub const BEHIND: i64 = 500;
/// Rows that it learns of in one transaction: meanwhile nobody else writes.
const TOGETHER: i64 = 2_000;
/// Letters of a group.
const GROUP: usize = 3;

/// Which rows of a table the index is asked for; the condition finds none beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The table.
    pub table: &'static str,
    /// In the words of the index: see [`part`].
    pub words: String,
}

/// That `column` has this part; None if it is too short for the index to know.
pub(crate) fn part(column: &str, part: &str) -> Option<String> {
    // A zero ends what the index reads.
    let is_known = part.chars().count() >= GROUP && !part.contains('\0');
    is_known.then(|| format!("{column} : \"{}\"", part.replace('"', "\"\"")))
}

/// That one of `all` holds; None if one of them is not known.
pub(crate) fn any(all: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let all: Option<Vec<String>> = all.into_iter().collect();
    all.filter(|all| !all.is_empty()).map(|all| format!("({})", all.join(" OR ")))
}

/// That each of `all` holds of which anything is known; None if that is none.
pub(crate) fn each(all: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let all: Vec<String> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("({})", all.join(" AND ")))
}

/// `select`, which has the condition already, with its rows taken from the index if that has few of them. Of many some are soon met in
/// the order of the list, as without it.
pub(crate) async fn narrowed<E: EntityTrait>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    asked: Option<Asked>,
) -> Result<Select<E>> {
    let dialect = Dialect(db.get_database_backend());
    let Some(Asked { table, words }) = asked.filter(|_| !dialect.is_postgres()) else { return Ok(select) };
    let (found, unknown) = (format!("SELECT rowid FROM {table}_search WHERE {table}_search MATCH"), unknown(table));
    let sql = format!(
        "SELECT {} AS holds, (SELECT COUNT(*) FROM ({unknown} LIMIT {MOST_COUNTED}))
             + (SELECT COUNT(*) FROM ({found} $1 LIMIT {MOST_COUNTED})) AS n",
        holds(table)
    );
    let Some(row) = db.query_one_raw(dialect.statement(&sql, [Value::from(words.clone())])).await? else {
        return Ok(select);
    };
    let few: i64 = row.try_get("", "n")?;
    if !row.try_get::<bool>("", "holds")? || u64::try_from(few).unwrap_or_default() >= MOST_COUNTED {
        return Ok(select);
    }
    Ok(select.filter(Expr::cust_with_values(format!("{table}.rowid IN ({found} ? UNION ALL {unknown})"), [words])))
}

/// The numbers of the rows that the index of a table does not know yet.
fn unknown(table: &str) -> String {
    format!("SELECT rowid FROM {table} WHERE rowid > (SELECT number FROM letters WHERE name = '{table}')")
}

/// Whether the rows of a table still have the numbers by which its index knows them.
pub(crate) fn holds(table: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM letters AS l WHERE l.name = '{table}'
             AND (l.number = 0 OR EXISTS (SELECT 1 FROM {table} AS t WHERE t.rowid = l.number AND t.id = l.id)))"
    )
}

/// The statements that make the index of a table anew.
pub(crate) fn anew(table: &str) -> [String; 2] {
    [format!("INSERT INTO {table}_search ({table}_search) VALUES ('rebuild')"), known_to(table, "")]
}

/// The statement that notes that the index knows the rows up to the last one of which `condition` holds.
fn known_to(table: &str, condition: &str) -> String {
    let last = format!("FROM {table} {condition} ORDER BY rowid DESC LIMIT 1");
    format!(
        "UPDATE letters SET number = COALESCE((SELECT rowid {last}), 0), id = (SELECT id {last}) WHERE name = '{table}'"
    )
}

/// Has the indexes learn of new rows, where there are `least` of them; makes those anew that know rows by other numbers.
///
/// # Errors
/// As of any write.
pub async fn sort_in(db: &Db, least: i64) -> Result<()> {
    if db.is_postgres() {
        return Ok(());
    }
    for table in TABLES {
        let sql =
            format!("SELECT {} AS holds, (SELECT COUNT(*) FROM ({} LIMIT $1)) AS n", holds(table), unknown(table));
        loop {
            let row = db.reader().query_one_raw(Dialect(db.backend()).statement(&sql, [least.into()])).await?;
            let Some(row) = row else { break };
            let (holds, n): (bool, i64) = (row.try_get("", "holds")?, row.try_get("", "n")?);
            if holds && n < least.max(1) {
                break;
            }
            if !holds {
                tracing::warn!(table, "rows have other numbers than the index of their letters knows: it is made anew");
            }
            if !db.unnoticed().write(|tx| async move { learn(&tx, table).await }).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Takes some rows that it does not know into the index of a table, after it has forgotten those that have other numbers now. Whether there
/// were any.
async fn learn(tx: &Tx, table: &str) -> Result<bool> {
    let dialect = Dialect(tx.get_database_backend());
    let row = tx.query_one_raw(dialect.statement(&format!("SELECT {} AS holds", holds(table)), [])).await?;
    if row.map(|row| row.try_get::<bool>("", "holds")).transpose()? == Some(false) {
        tx.execute_unprepared(&format!("INSERT INTO {table}_search ({table}_search) VALUES ('delete-all')")).await?;
        tx.execute_unprepared(&known_to(table, "WHERE rowid <= 0")).await?;
    }
    let unknown = unknown(table);
    let last = format!("SELECT MAX(rowid) AS last FROM ({unknown} ORDER BY rowid LIMIT $1)");
    let row = tx.query_one_raw(dialect.statement(&last, [TOGETHER.into()])).await?;
    let last: Option<i64> = row.map(|row| row.try_get("", "last")).transpose()?.flatten();
    let Some(last) = last else { return Ok(false) };
    let columns = if table == "leads" { "names_fold, email, phone" } else { "username" };
    let learned = format!(
        "INSERT INTO {table}_search (rowid, {columns})
         SELECT rowid, {columns} FROM {table}
         WHERE rowid > (SELECT number FROM letters WHERE name = '{table}') AND rowid <= {last}"
    );
    tx.execute_unprepared(&learned).await?;
    tx.execute_unprepared(&known_to(table, &format!("WHERE rowid <= {last}"))).await?;
    Ok(true)
}
