//! Jobs whose account can never send them, and running campaigns by how many of their accounts can.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use super::accounts::{SENDING, SERVES};
use super::{Change, Delta, Streak, new_key, record};
use crate::Tx;
use crate::sql::{Dialect, instant, rows};
use domain::broadcast::JobStatus;
use domain::error::Result;
use domain::id::BroadcastCampaignId;

/// A running campaign that sends for real.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub struct Campaign {
    /// The campaign.
    pub campaign_id: BroadcastCampaignId,
    /// The campaign's accounts that can send, waits aside.
    pub senders: i64,
    /// The campaign's accounts that are not closed for good.
    pub hopes: i64,
}

/// All running campaigns that send for real.
pub async fn campaigns(db: &impl ConnectionTrait) -> Result<Vec<Campaign>> {
    let sql = format!(
        "SELECT c.id AS campaign_id,
             (SELECT COUNT(*) FROM telegram_accounts a WHERE a.status IN {SENDING} AND {SERVES}) AS senders,
             (SELECT COUNT(*) FROM telegram_accounts a WHERE a.status <> 'BANNED' AND {SERVES}) AS hopes
         FROM broadcast_campaigns c WHERE c.status = 'RUNNING' AND NOT c.is_simulated"
    );
    let statement = Dialect(db.get_database_backend()).statement(&sql, []);
    Ok(Campaign::find_by_statement(statement).all(db).await?)
}

#[derive(Serialize)]
struct Row {
    position: i32,
    status: JobStatus,
    error: &'static str,
    failed_at: Option<String>,
}

/// Ends queued jobs whose account is gone or closed for good: UNKNOWN if they may have been sent, FAILED otherwise. Those that
/// have been ambiguous since before `forgotten` end UNKNOWN if their account can't send now: nobody may repeat them any more.
/// Returns how many these were.
pub async fn end_orphans(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    forgotten: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize> {
    let dialect = Dialect(tx.get_database_backend());
    let find = format!(
        "SELECT j.position, 
             (j.ambiguous_since IS NOT NULL OR (j.sought_since IS NOT NULL AND j.random_id IS NOT NULL)) AS is_ambiguous
         FROM jobs j
         WHERE j.campaign_id = $1 AND j.not_before IS NOT NULL AND j.status = 'QUEUED' AND j.account_id IS NOT NULL
           AND NOT EXISTS (
               SELECT 1 FROM telegram_accounts a WHERE a.id = j.account_id AND a.status <> 'BANNED'
               AND (a.status IN {SENDING} OR j.ambiguous_since IS NULL OR j.ambiguous_since > $2))
         ORDER BY j.position LIMIT $3 {}",
        dialect.for_update_of("j"),
    );
    let values: [Value; 3] = [campaign.into(), forgotten.into(), limit.into()];
    let (mut delta, mut positions, mut table) = (Delta::default(), Vec::new(), Vec::new());
    for row in tx.query_all_raw(dialect.statement(&find, values)).await? {
        let position: i32 = row.try_get("", "position")?;
        let (status, error, failed_at) = if row.try_get("", "is_ambiguous")? {
            (JobStatus::Unknown, "DEDUPE_WINDOW_OVER", None)
        } else {
            (JobStatus::Failed, "ACCOUNT_GONE", Some(instant(now)))
        };
        delta.moved(JobStatus::Queued, status, 1);
        positions.push(position);
        table.push(Row { position, status, error, failed_at });
    }
    if positions.is_empty() {
        return Ok(0);
    }
    let key = new_key();
    let columns = [("position", "integer"), ("status", "text"), ("error", "text"), ("failed_at", "timestamptz")];
    let sql = format!(
        "UPDATE jobs AS j SET status = r.status, change = $2, not_before = NULL, error_message = r.error,
             reason = CASE WHEN r.status = 'FAILED' THEN r.error END, failed_at = r.failed_at
         FROM {} WHERE j.campaign_id = $1 AND j.position = r.position",
        dialect.table("$3", &columns),
    );
    tx.execute_raw(dialect.statement(&sql, [campaign.into(), key.into(), rows(&table)])).await?;
    let streak = (0, Streak::Untouched);
    record(tx, &Change { campaign, key, positions: &positions, sender: None, delta, streak, not_before: 0 }, false)
        .await?;
    Ok(positions.len())
}
