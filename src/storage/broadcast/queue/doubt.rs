//! Doubts about whole campaigns: what a restored database does not know of, any of their messages may have been sent since.

use chrono::{DateTime, Utc};
use sea_orm::Value;

use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use sea_orm::ConnectionTrait;

/// Doubts the jobs of a campaign whose positions lie after `after` and up to `until`, but those that are SENT: each is looked for before
/// it is sent. What was being sent then may be repeated under its identity for no longer than is reckoned from `since`.
pub async fn jobs(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    (after, until): (i32, i32),
    since: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE jobs SET sought_since = $2, ambiguous_since = CASE
                   WHEN status = 'SENDING' AND ambiguous_since IS NULL THEN $2 ELSE ambiguous_since END
               WHERE campaign_id = $1 AND position > $3 AND position <= $4 AND status <> 'SENT'";
    let values: [Value; 4] = [campaign.into(), since.into(), after.into(), until.into()];
    tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
    Ok(())
}

/// Whether a doubt of a campaign since `since` is still open: it has not begun, or some message has not been looked for yet.
pub async fn is_open(tx: &Tx, campaign: BroadcastCampaignId, since: DateTime<Utc>) -> Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM jobs WHERE campaign_id = $1)
                   OR EXISTS (SELECT 1 FROM jobs WHERE campaign_id = $1 AND sought_since = $2 AND status <> 'SENT') AS is_open";
    let values: [Value; 2] = [campaign.into(), since.into()];
    let row = tx.query_one_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "is_open")).transpose()?.unwrap_or_default())
}

/// Gives a queued job that no account has touched its identity, under which it is found to be sent, or UNKNOWN.
pub async fn identify(db: &Db, campaign: BroadcastCampaignId, position: i32, random_id: i64) -> Result<()> {
    let sql = "UPDATE jobs SET random_id = $3 WHERE campaign_id = $1 AND position = $2 AND status = 'QUEUED'
               AND random_id IS NULL RETURNING position";
    let values: [Value; 3] = [campaign.into(), position.into(), random_id.into()];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}

/// Nobody can tell whether a queued job was sent: the next lease ends it UNKNOWN, if `since` is so long ago that it may not be repeated.
pub async fn unknowable(db: &Db, campaign: BroadcastCampaignId, position: i32, since: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE jobs SET ambiguous_since = $3 WHERE campaign_id = $1 AND position = $2 AND status = 'QUEUED'
               RETURNING position";
    let values: [Value; 3] = [campaign.into(), position.into(), since.into()];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}
