//! Cancelling what is queued (R6): in chunks, each with its counters, so that any worker can go on after a crash.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};

use super::{Change, Delta, Streak, new_key, record};
use crate::Tx;
use crate::sql::{Dialect, rows};
use domain::broadcast::JobStatus;
use domain::error::Result;
use domain::id::BroadcastCampaignId;

/// The largest chunk: 259 ms on PostgreSQL.
pub const CHUNK: i32 = 10_000;

/// The end of a campaign, which says what its queued jobs become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The campaign was cancelled: they are CANCELLED.
    Cancelled,
    /// None of its accounts can ever send: they are FAILED, at this instant, and can be tried again by others.
    Failed(DateTime<Utc>),
}

/// What a chunk has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Nothing was queued any more.
    Nothing,
    /// These were the last.
    Last,
    /// There may be more behind this position.
    UpTo(i32),
}

/// Ends up to `limit` queued jobs of an ended campaign after the position `after`: those that may have been sent are UNKNOWN,
/// all others what `end` says.
pub async fn end_queued(tx: &Tx, campaign: BroadcastCampaignId, end: End, after: i32, limit: i32) -> Result<Swept> {
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
        let status = match end {
            _ if row.try_get("", "is_ambiguous")? => JobStatus::Unknown,
            End::Cancelled => JobStatus::Cancelled,
            End::Failed(_) => JobStatus::Failed,
        };
        delta.moved(JobStatus::Queued, status, 1);
        positions.push(position);
        moves.push(Move { position, status });
    }
    let Some(last) = positions.last().copied() else { return Ok(Swept::Nothing) };
    let key = new_key();
    let (failed, at) = match end {
        End::Cancelled => ("", None),
        End::Failed(at) => (
            ", error_message = CASE WHEN r.status = 'FAILED' THEN 'ACCOUNT_GONE' ELSE j.error_message END,
               reason = CASE WHEN r.status = 'FAILED' THEN 'ACCOUNT_GONE' END,
               failed_at = CASE WHEN r.status = 'FAILED' THEN $4 ELSE NULL END",
            Some(Value::from(at)),
        ),
    };
    let sql = format!(
        "UPDATE jobs AS j SET status = r.status, change = $2, not_before = NULL {failed}
         FROM {} WHERE j.campaign_id = $1 AND j.position = r.position",
        dialect.table("$3", &[("position", "integer"), ("status", "text")]),
    );
    let values: [Value; 3] = [campaign.into(), key.into(), rows(&moves)];
    tx.execute_raw(dialect.statement(&sql, values.into_iter().chain(at))).await?;
    let streak = (0, Streak::Untouched);
    let change = Change { campaign, key, positions: &positions, sender: None, delta, streak, not_before: 0 };
    record(tx, &change, false).await?;
    // A chunk that is not full is the last: nobody queues jobs of a campaign that has ended, and locked rows are waited for.
    let is_full = i32::try_from(positions.len()).is_ok_and(|found| found >= limit);
    Ok(if is_full { Swept::UpTo(last) } else { Swept::Last })
}

#[derive(serde::Serialize)]
struct Move {
    position: i32,
    status: JobStatus,
}
