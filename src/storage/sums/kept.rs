//! Sums of rows that are taken away: they stay as they were.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::{KEYS, NUMBERS, Range, SHORTEST, Summed, nobody};
use crate::sql::Dialect;
use domain::error::Result;

/// Notes what these rows come to once more, in the transaction that takes them away: what their removal takes from the sums is there
/// again.
pub async fn keep(tx: &impl ConnectionTrait, what: Summed, ids: &[Uuid]) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let rows = noted(dialect, what, &format!("id IN ({})", listed(dialect)));
    let sql = format!(
        "{} SELECT '{}', at, {KEYS}, {} FROM ({rows}) AS d WHERE 1 = 1 GROUP BY at, {KEYS} {}",
        into_notes(),
        what.name(),
        NUMBERS.map(|number| format!("SUM({number})")).join(", "),
        merged(dialect),
    );
    tx.execute_raw(dialect.statement(&sql, [list(ids)])).await?;
    Ok(())
}

/// The rows for which `condition` holds, each as it is noted.
pub(super) fn noted(dialect: Dialect, what: Summed, condition: &str) -> String {
    let table = what.table();
    let nobody = nobody(dialect);
    let id = |column: &str| {
        if column == "NULL" { nobody.to_owned() } else { format!("COALESCE({column}, {nobody})") }
    };
    // As the migration has it: SQLite's own function rounds to milliseconds.
    let at = if dialect.is_postgres() {
        format!("CAST(FLOOR(EXTRACT(EPOCH FROM {}) / {SHORTEST}) AS bigint) * {SHORTEST}", table.at)
    } else {
        format!("CAST(strftime('%s', substr({}, 1, 19)) AS integer) / {SHORTEST} * {SHORTEST}", table.at)
    };
    let channel = if table.channel == "NULL" { "''".to_owned() } else { format!("COALESCE({}, '')", table.channel) };
    format!(
        "SELECT {at} AS at, {owner} AS owner, {step} AS step, {channel} AS channel, {status} AS status, {detail} AS detail, {one}
         FROM {name} WHERE {when} IS NOT NULL AND {condition}",
        owner = id(table.owner),
        step = id(table.step),
        status = table.status,
        detail = table.detail,
        one = table.numbers(),
        name = table.name,
        when = table.at,
    )
}

/// Into what is noted.
pub(super) fn into_notes() -> String {
    format!("INSERT INTO time_notes (what, at, {KEYS}, {})", NUMBERS.join(", "))
}

/// How a note is added to one that is there. PostgreSQL has as many as there are.
pub(super) fn merged(dialect: Dialect) -> String {
    if dialect.is_postgres() {
        return String::new();
    }
    let added = NUMBERS.map(|number| format!("{number} = time_notes.{number} + excluded.{number}"));
    format!("ON CONFLICT (what, at, {KEYS}) DO UPDATE SET {}", added.join(", "))
}

/// The ids of a parameter that [`list`] makes.
pub(crate) fn listed(dialect: Dialect) -> &'static str {
    if dialect.is_postgres() {
        "SELECT value::uuid FROM json_array_elements_text($1::json)"
    } else {
        "SELECT unhex(replace(value, '-', '')) FROM json_each($1)"
    }
}

/// The parameter of many ids.
pub(crate) fn list(ids: &[Uuid]) -> Value {
    serde_json::to_string(ids).expect("ids are plain data").into()
}

/// Notes that rows which happened before `until` were taken away.
pub async fn pruned(tx: &impl ConnectionTrait, what: Summed, until: DateTime<Utc>) -> Result<()> {
    let sql = "INSERT INTO pruned_rows (what, until) VALUES ($1, $2)
               ON CONFLICT (what) DO UPDATE SET until = excluded.until WHERE excluded.until > pruned_rows.until";
    let values = [Value::from(what.table().name), until.into()];
    tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
    Ok(())
}

/// Until when rows were taken away; None if none were.
pub async fn pruned_until(db: &impl ConnectionTrait, what: Summed) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT until FROM pruned_rows WHERE what = $1";
    let values = [Value::from(what.table().name)];
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "until")).transpose()?)
}

/// The range that can be answered: where rows were taken away it begins and ends with whole quarters of an hour.
pub async fn whole(db: &impl ConnectionTrait, range: Range) -> Result<Range> {
    let mut until = None;
    for what in [Summed::Contacts, Summed::Executions] {
        until = pruned_until(db, what).await?.max(until);
    }
    let Some(until) = until else { return Ok(range) };
    let span = TimeDelta::seconds(SHORTEST);
    let below =
        |at: DateTime<Utc>| DateTime::from_timestamp(at.timestamp().div_euclid(SHORTEST) * SHORTEST, 0).unwrap_or(at);
    let from = if range.from < until { below(range.from) } else { range.from };
    let to = if range.to < until && below(range.to) != range.to { below(range.to) + span } else { range.to };
    Ok(Range { from, to })
}
