//! Taking jobs away from an account that goes, or that becomes another Telegram user (R15).

use sea_orm::{ConnectionTrait, Value};

use super::{Change, Delta, Streak, new_key, record};
use crate::Tx;
use crate::sql::{Dialect, rows};
use domain::broadcast::JobStatus;
use domain::error::Result;
use domain::id::{BroadcastCampaignId, TelegramAccountId};

/// The result of detaching one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detached {
    /// Jobs that were let go.
    pub jobs: i32,
}

/// Campaigns with jobs that wait for this account.
pub async fn campaigns_of(db: &impl ConnectionTrait, account: TelegramAccountId) -> Result<Vec<BroadcastCampaignId>> {
    let sql = "SELECT DISTINCT campaign_id FROM jobs WHERE account_id = $1 AND status IN ('QUEUED', 'SENDING')";
    let found = db.query_all_raw(Dialect(db.get_database_backend()).statement(sql, [account.into()])).await?;
    found.iter().map(|row| Ok(row.try_get("", "campaign_id")?)).collect()
}

/// Lets up to `limit` jobs of a campaign go that wait for an account which nobody holds: those that may have been sent are
/// UNKNOWN, the others are free for another account. What is still SENDING was being sent when its holder died.
pub async fn detach(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    account: TelegramAccountId,
    limit: i32,
) -> Result<Detached> {
    let dialect = Dialect(tx.get_database_backend());
    let find = format!(
        "SELECT position, status = 'SENDING' AS is_sending,
             (ambiguous_since IS NOT NULL OR (sought_since IS NOT NULL AND random_id IS NOT NULL)) AS is_ambiguous
         FROM jobs
         WHERE account_id = $1 AND campaign_id = $2 AND status IN ('QUEUED', 'SENDING')
         ORDER BY position LIMIT $3 {}",
        dialect.for_update(),
    );
    let values: [Value; 3] = [account.into(), campaign.into(), i64::from(limit).into()];
    let (mut positions, mut delta, mut moves) = (Vec::new(), Delta::default(), Vec::new());
    for row in tx.query_all_raw(dialect.statement(&find, values)).await? {
        let position: i32 = row.try_get("", "position")?;
        let is_sending: bool = row.try_get("", "is_sending")?;
        let is_lost = is_sending || row.try_get("", "is_ambiguous")?;
        let from = if is_sending { JobStatus::Sending } else { JobStatus::Queued };
        let status = if is_lost { JobStatus::Unknown } else { JobStatus::Queued };
        delta.moved(from, status, 1);
        positions.push(position);
        moves.push(Move { position, status });
    }
    let Ok(jobs) = i32::try_from(positions.len()) else { return Ok(Detached { jobs: i32::MAX }) };
    if jobs == 0 {
        return Ok(Detached { jobs });
    }
    let key = new_key();
    // An untouched job is given its random id anew with its next account: the old one was never used.
    let sql = format!(
        "UPDATE jobs AS j SET status = r.status, change = $2,
             account_id = CASE WHEN r.status = 'QUEUED' THEN NULL ELSE j.account_id END,
             random_id = CASE WHEN r.status = 'QUEUED' THEN NULL ELSE j.random_id END,
             not_before = NULL
         FROM {} WHERE j.campaign_id = $1 AND j.position = r.position",
        dialect.table("$3", &[("position", "integer"), ("status", "text")]),
    );
    tx.execute_raw(dialect.statement(&sql, [campaign.into(), key.into(), rows(&moves)])).await?;
    let streak = (0, Streak::Untouched);
    let change = Change { campaign, key, positions: &positions, sender: None, delta, streak, not_before: 0 };
    record(tx, &change, false).await?;
    Ok(Detached { jobs })
}

#[derive(serde::Serialize)]
struct Move {
    position: i32,
    status: JobStatus,
}

/// Whether a worker holds an account.
pub async fn is_held(db: &impl ConnectionTrait, account: TelegramAccountId) -> Result<bool> {
    let sql = "SELECT 1 FROM account_leases WHERE account_id = $1 AND holder_id IS NOT NULL";
    let found = db.query_one_raw(Dialect(db.get_database_backend()).statement(sql, [account.into()])).await?;
    Ok(found.is_some())
}

/// Forgets what an account knew of channels, and what it has uploaded: access hashes and file references are one user's.
pub async fn forget_peers(tx: &Tx, account: TelegramAccountId) -> Result<()> {
    for sql in ["DELETE FROM account_peers WHERE account_id = $1", "DELETE FROM account_media WHERE account_id = $1"] {
        tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, [account.into()])).await?;
    }
    Ok(())
}
