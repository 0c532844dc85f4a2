//! Settling in one statement of PostgreSQL that commits by itself: one way to it and back, and the campaign's row is locked for no
//! longer than it takes to commit.

use sea_orm::{FromQueryResult, Value};

use super::settle::{ASSIGNMENTS, Batch, COLUMNS, Row, leases};
use super::{Streak, progress};
use crate::Db;
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::positions;

/// A batch that was settled.
#[derive(Debug)]
pub struct Soon {
    /// The jobs that were changed, in rising order.
    pub positions: Vec<i32>,
    /// The campaign's hot row after it.
    pub progress: progress::Model,
}

impl Soon {
    /// Whether the job at `position` was changed.
    pub fn has(&self, position: i32) -> bool {
        self.positions.binary_search(&position).is_ok()
    }
}

/// Writes results on the jobs, closes the leases that are done with, counts and logs. None if nothing was changed: no job is this
/// holder's any more, or what the campaign has left may be no more than this batch. Its end has more to be written, in a transaction.
///
/// Its parts wait for each other in the order of R7: jobs, leases, the campaign's row.
///
/// For results after which the campaign goes on as it is: nobody waits, nothing is paused, no failure is counted in a row. What others
/// settle at the same time may be the rest all the same: then the row says so.
pub async fn settle(db: &Db, batch: &Batch<'_>) -> Result<Option<Soon>> {
    let dialect = Dialect(db.backend());
    let sql = format!(
        "WITH moved AS (
             UPDATE jobs AS j SET {ASSIGNMENTS} FROM {table}
             WHERE j.campaign_id = $1 AND j.position = r.position AND j.change = r.key AND j.status = 'SENDING'
               AND (SELECT p.queued + p.sending FROM broadcast_campaign_progress p WHERE p.campaign_id = $1) > $4
             RETURNING j.position, j.status),
         n AS (
             SELECT CAST(COUNT(*) AS integer) AS moved, {counts} FROM moved),
         span AS (
             SELECT STRING_AGG(CASE WHEN a = b THEN a::text ELSE a || '-' || b END, ',' ORDER BY a) AS positions FROM (
                 SELECT MIN(position) AS a, MAX(position) AS b FROM (
                     SELECT position, position - ROW_NUMBER() OVER (ORDER BY position) AS run FROM moved) AS numbered
                 GROUP BY run) AS spans),
         closed AS (
             UPDATE job_changes AS l SET sender_id = NULL FROM n, {leases}
             WHERE l.campaign_id = $1 AND l.seq = r.seq AND n.moved > 0 RETURNING l.seq),
         hot AS (
             UPDATE broadcast_campaign_progress AS p SET
                 queued = p.queued + n.queued, sending = p.sending - n.moved, sent = p.sent + n.sent,
                 failed = p.failed + n.failed, cancelled = p.cancelled + n.cancelled, unknown = p.unknown + n.unknown,
                 failures_in_a_row = CASE WHEN p.run = $5 AND $6 THEN 0 ELSE p.failures_in_a_row END,
                 seq = p.seq + 1, version = p.version + 1
             FROM n WHERE p.campaign_id = $1 AND n.moved > 0 AND (SELECT COUNT(*) FROM closed) >= 0 RETURNING p.*),
         entry AS (
             INSERT INTO job_changes (campaign_id, seq, key, positions)
             SELECT hot.campaign_id, hot.seq, $2, span.positions FROM hot, span)
         SELECT hot.*, span.positions FROM hot, span",
        table = dialect.table("$3", &COLUMNS),
        leases = dialect.table("$7", &[("seq", "bigint")]),
        counts = ["queued", "sent", "failed", "cancelled", "unknown"]
            .map(|name| {
                let status = name.to_uppercase();
                format!("CAST(COUNT(*) FILTER (WHERE status = '{status}') AS integer) AS {name}")
            })
            .join(", "),
    );
    let results: Vec<Row> = batch.results.iter().map(Row::from).collect();
    let values: [Value; 7] = [
        batch.campaign.into(),
        batch.key.into(),
        rows(&results),
        i32::try_from(results.len()).unwrap_or(i32::MAX).into(),
        batch.run.into(),
        (batch.streak == Streak::Anew(0)).into(),
        leases(batch.finished_leases),
    ];
    let found = db.write_alone(dialect.statement(&sql, values)).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let written: String = row.try_get("", "positions")?;
    let positions = positions::read(&written).flat_map(|(from, to)| from..=to).collect();
    Ok(Some(Soon { positions, progress: progress::Model::from_query_result(row, "")? }))
}
