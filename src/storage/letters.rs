//! SQLite's index of groups of three letters, by which a part of a word is found: see the migration `letters`. PostgreSQL's planner
//! uses its own by itself.
//!
//! What the index finds is looked at once more by the condition of the list, so it answers nothing that the condition would not. Of a part
//! of one or two letters it knows nothing.

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, Select, Value};

use crate::page::MOST_COUNTED;
use crate::sql::Dialect;
use domain::error::Result;

/// The tables that have one.
pub const TABLES: [&str; 2] = ["leads", "channels"];
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
    let found = format!("SELECT rowid FROM {table}_search WHERE {table}_search MATCH");
    let sql = format!("SELECT COUNT(*) AS n FROM ({found} $1 LIMIT {MOST_COUNTED})");
    let row = db.query_one_raw(dialect.statement(&sql, [Value::from(words.clone())])).await?;
    let few: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    if u64::try_from(few).unwrap_or_default() >= MOST_COUNTED {
        return Ok(select);
    }
    Ok(select.filter(Expr::cust_with_values(format!("{table}.rowid IN ({found} ?)"), [words])))
}
