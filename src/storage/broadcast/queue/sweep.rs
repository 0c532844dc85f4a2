//! Cancelling what is queued (R6): in chunks, each with its counters, so that any worker can go on after a crash.

use sea_orm::{ConnectionTrait, Value};

use super::{Change, Delta, Streak, new_key, record};
use crate::domain::broadcast::JobStatus;
use crate::domain::error::Result;
use crate::domain::id::BroadcastCampaignId;
use crate::storage::Tx;
use crate::storage::sql::{Dialect, rows};

/// The largest chunk: 259 ms on PostgreSQL.
pub const CHUNK: i32 = 10_000;

/// Ends up to `limit` queued jobs of a cancelled campaign after the position `after`: those that may have been sent are
/// UNKNOWN, all others CANCELLED. Returns the last position seen, or None if no queued job was left.
pub async fn cancel_queued(tx: &Tx, campaign: BroadcastCampaignId, after: i32, limit: i32) -> Result<Option<i32>> {
    let dialect = Dialect(tx.get_database_backend());
    let find = format!(
        "SELECT position, ambiguous_since IS NOT NULL AS is_ambiguous FROM jobs
         WHERE campaign_id = $1 AND status = 'QUEUED' AND position > $2 ORDER BY position LIMIT $3 {}",
        dialect.for_update(),
    );
    let values: [Value; 3] = [campaign.into(), after.into(), i64::from(limit).into()];
    let mut positions = Vec::new();
    let mut delta = Delta::default();
    let mut moves = Vec::new();
    for row in tx.query_all_raw(dialect.statement(&find, values)).await? {
        let position: i32 = row.try_get("", "position")?;
        let status = if row.try_get("", "is_ambiguous")? { JobStatus::Unknown } else { JobStatus::Cancelled };
        delta.moved(JobStatus::Queued, status, 1);
        positions.push(position);
        moves.push(Move { position, status });
    }
    let Some(last) = positions.last().copied() else { return Ok(None) };
    let key = new_key();
    let sql = format!(
        "UPDATE jobs AS j SET status = r.status, change = $2, not_before = NULL
         FROM {} WHERE j.campaign_id = $1 AND j.position = r.position",
        dialect.table("$3", &[("position", "integer"), ("status", "text")]),
    );
    tx.execute_raw(dialect.statement(&sql, [campaign.into(), key.into(), rows(&moves)])).await?;
    let streak = (0, Streak::Untouched);
    let change = Change { campaign, key, positions: &positions, sender: None, delta, streak, not_before: 0 };
    record(tx, &change, false).await?;
    Ok(Some(last))
}

#[derive(serde::Serialize)]
struct Move {
    position: i32,
    status: JobStatus,
}
