//! Numbers for each of many points of time, in one statement.

use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use super::{By, NUMBERS, Only, SPANS, Sum, Summed, place, sum, summed};
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::series::Point;

#[derive(Serialize)]
struct Row {
    since: i64,
    until: i64,
}

/// The numbers of each point, by channel, status and currency or reason: with the index of the point. Points follow each other and
/// begin with a quarter of an hour.
pub async fn series(
    db: &impl ConnectionTrait,
    what: Summed,
    points: &[Point],
    only: Option<Only>,
) -> Result<Vec<(usize, Sum<String>)>> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(Vec::new()) };
    let dialect = Dialect(db.get_database_backend());
    let bounds: Vec<Row> =
        points.iter().map(|point| Row { since: point.from.timestamp(), until: point.to.timestamp() }).collect();
    // The longest spans of which each point has whole ones.
    let is_whole = |span: i64| bounds.iter().all(|row| row.since % span == 0 && row.until % span == 0);
    let span = SPANS.into_iter().rev().find(|span| is_whole(*span)).unwrap_or(SPANS[0]);
    let mut values: Vec<Value> = only.map(Only::value).into_iter().collect();
    let mut value = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let condition = only.map(|only| only.condition("s.owner", "s.step")).unwrap_or_default();
    let (table, span) = (value(rows(&bounds)), value(span.into()));
    let (from, to) = (value(first.from.timestamp().into()), value(last.to.timestamp().into()));
    let columns = format!("{} AS place, s.status, s.detail, {}", place(dialect, By::Channel), NUMBERS.join(", "));
    let sql = format!(
        "WITH d(at, place, status, detail, {numbers}) AS (
             SELECT r.since, {columns} FROM {table} JOIN time_sums AS s ON s.at >= r.since AND s.at < r.until
             WHERE s.what = '{name}' AND s.span = {span} AND s.at >= {from} AND s.at < {to} {condition}
             UNION ALL
             SELECT s.at, {columns} FROM time_notes AS s
             WHERE s.what = '{name}' AND s.at >= {from} AND s.at < {to} {condition})
         SELECT at, place, status, detail, {} FROM d GROUP BY at, place, status, detail",
        summed(),
        numbers = NUMBERS.join(", "),
        table = dialect.table(&table, &[("since", "bigint"), ("until", "bigint")]),
        name = what.name(),
    );
    let found = db.query_all_raw(dialect.statement(&sql, values)).await?;
    let mut all = Vec::new();
    for row in found {
        let at: i64 = row.try_get("", "at")?;
        // What was noted lies somewhere within a point.
        let index = points.partition_point(|point| point.from.timestamp() <= at).saturating_sub(1);
        all.push((index, sum(&row)?));
    }
    Ok(all)
}
