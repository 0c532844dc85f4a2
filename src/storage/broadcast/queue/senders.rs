//! Leases of whole processes (R15, R16): signs of life, and the takeover of those that gave none.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;

use super::{Change, Delta, Streak, job_change, new_key, record, settle};
use crate::sql::{Dialect, rows};
use crate::{Db, Tx};
use domain::broadcast::JobStatus;
use domain::error::Result;
use domain::id::SenderId;
use domain::positions;

/// Rows of one takeover transaction.
const CHUNK: usize = 5_000;

/// A sign of life that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Its number.
    pub number: i64,
    /// Whether the process was told to claim nothing.
    pub is_drained: bool,
}

/// Gives a sign of life; with it goes when claims were found to be late, if they were. None if the epoch was
/// raised: somebody took this sender's leases over.
pub async fn beat(db: &Db, sender: SenderId, epoch: i64, late_at: Option<DateTime<Utc>>) -> Result<Option<Beat>> {
    let sql = "UPDATE senders SET beat = beat + 1, late_at = COALESCE($3, late_at)
               WHERE id = $1 AND epoch = $2 AND ended_at IS NULL RETURNING beat, drained_at IS NOT NULL AS is_drained";
    let values: [Value; 3] = [sender.into(), epoch.into(), late_at.into()];
    let rows = db.write_alone(Dialect(db.backend()).statement(sql, values)).await?;
    let beat =
        |row: &QueryResult| Ok(Beat { number: row.try_get("", "beat")?, is_drained: row.try_get("", "is_drained")? });
    rows.first().map(beat).transpose()
}

/// Lets others know of a longer lead, in milliseconds, before a claim has it. This counts as a sign of life, so that no
/// [`lower_lead`] from before it can take effect any more. None if somebody took this sender's leases over.
pub async fn raise_lead(db: &Db, sender: SenderId, epoch: i64, lead_ms: i32) -> Result<Option<i64>> {
    let sql = "UPDATE senders SET lead_ms = $3, beat = beat + 1
               WHERE id = $1 AND epoch = $2 AND ended_at IS NULL RETURNING beat";
    let values: [Value; 3] = [sender.into(), epoch.into(), lead_ms.into()];
    first_beat(&db.write_alone(Dialect(db.backend()).statement(sql, values)).await?)
}

/// Lets others know of a shorter lead, unless there was a sign of life since `beat`.
pub async fn lower_lead(db: &Db, sender: SenderId, beat: i64, lead_ms: i32) -> Result<()> {
    let sql = "UPDATE senders SET lead_ms = $3 WHERE id = $1 AND beat = $2 RETURNING beat";
    let values: [Value; 3] = [sender.into(), beat.into(), lead_ms.into()];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}

fn first_beat(rows: &[QueryResult]) -> Result<Option<i64>> {
    Ok(rows.first().map(|row| row.try_get("", "beat")).transpose()?)
}

/// Raises the epoch of a sender that still has the epoch and beat that were seen: from then on it leases nothing. A lease of
/// its that is just being committed is waited for: the update alone would pass over the lock that the lease holds.
pub async fn fence(db: &Db, sender: SenderId, epoch: i64, beat: i64) -> Result<bool> {
    let dialect = Dialect(db.backend());
    let sql = format!(
        "WITH seen AS (SELECT id FROM senders WHERE id = $1 AND epoch = $2 AND beat = $3 {})
         UPDATE senders SET epoch = epoch + 1 WHERE id IN (SELECT id FROM seen) RETURNING epoch",
        dialect.for_update()
    );
    Ok(!db.write_alone(dialect.statement(&sql, [sender.into(), epoch.into(), beat.into()])).await?.is_empty())
}

/// Notes that a sender holds nothing any more.
pub async fn end(db: &Db, sender: SenderId, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE senders SET ended_at = $2 WHERE id = $1 RETURNING id";
    db.write_alone(Dialect(db.backend()).statement(sql, [sender.into(), now.into()])).await.map(drop)
}

/// The fate of jobs whose lease is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Jobs that were never handed over go back to the queue.
    Untouched,
    /// Jobs that may have been handed over are ambiguous from now on, and a lease was lost.
    Lost,
}

#[derive(Serialize)]
struct Row {
    position: i32,
    key: i64,
}

/// Queues again what is still open of one lease, and closes the lease.
pub async fn give_back(tx: &Tx, lease: &job_change::Model, fate: Fate, now: DateTime<Utc>) -> Result<usize> {
    let dialect = Dialect(tx.get_database_backend());
    let all: Vec<i32> = positions::read(&lease.positions).flat_map(|(from, to)| from..=to).collect();
    let key = new_key();
    let effect = match fate {
        Fate::Untouched => "",
        Fate::Lost => ", ambiguous_since = COALESCE(j.ambiguous_since, $4), leases = j.leases + 1",
    };
    let sql = format!(
        "UPDATE jobs AS j SET status = 'QUEUED', change = $2, not_before = $4 {effect} FROM {}
         WHERE j.campaign_id = $1 AND j.position = r.position AND j.change = r.key AND j.status = 'SENDING'
         RETURNING {}",
        dialect.table("$3", &[("position", "integer"), ("key", "bigint")]),
        dialect.returned("j", "position"),
    );
    let mut given = Vec::new();
    for chunk in all.chunks(CHUNK) {
        let table: Vec<Row> = chunk.iter().map(|position| Row { position: *position, key: lease.key }).collect();
        let values: [Value; 4] = [lease.campaign_id.into(), key.into(), rows(&table), now.into()];
        for row in tx.query_all_raw(dialect.statement(&sql, values)).await? {
            given.push(row.try_get::<i32>("", "position")?);
        }
    }
    given.sort_unstable();
    settle::close(tx, lease.campaign_id, &[lease.seq]).await?;
    if !given.is_empty() {
        let mut delta = Delta::default();
        delta.moved(JobStatus::Sending, JobStatus::Queued, i32::try_from(given.len()).unwrap_or(i32::MAX));
        let streak = (0, Streak::Untouched);
        let change =
            Change { campaign: lease.campaign_id, key, positions: &given, sender: None, delta, streak, not_before: 0 };
        record(tx, &change, false).await?;
    }
    Ok(given.len())
}
