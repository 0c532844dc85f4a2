//! The jobs of campaigns that ended long ago: they go, what is counted of them stays.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait, Value};
use uuid::Uuid;

use crate::Tx;
use crate::broadcast::{campaign, job_change};
use crate::sql::Dialect;
use crate::sums::{self, Summed, list, listed};
use domain::error::Result;
use domain::id::BroadcastCampaignId;

/// Rows that one transaction takes away.
const ROUND: i64 = 1_000;
/// Campaigns that are looked for at once.
const CAMPAIGNS: i64 = 100;

/// A campaign `c` with the counters `p` that has ended, of which nothing is left to be sent, to be changed at Telegram, or to be found out.
const IS_OVER: &str =
    "c.jobs_removed_at IS NULL AND c.status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND c.completed_at < $1
    AND p.queued = 0 AND p.sending = 0 AND p.unknown = 0
    AND NOT EXISTS (SELECT 1 FROM sent_changes x WHERE x.campaign_id = c.id AND x.status = 'QUEUED')";

/// Some campaigns that ended before `before` and have jobs, and those whose jobs are half gone.
pub async fn campaigns(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<Vec<BroadcastCampaignId>> {
    let sql = format!(
        "SELECT c.id AS id FROM broadcast_campaigns c JOIN broadcast_campaign_progress p ON p.campaign_id = c.id
         WHERE ({IS_OVER}) OR (c.jobs_removed_at IS NOT NULL AND EXISTS (SELECT 1 FROM jobs j WHERE j.campaign_id = c.id))
         ORDER BY c.id LIMIT $2"
    );
    let values: [Value; 2] = [before.into(), CAMPAIGNS.into()];
    let rows = db.query_all_raw(Dialect(db.get_database_backend()).statement(&sql, values)).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Takes some jobs away of a campaign whose hot row is locked. The first time that is noted on the campaign, if it is over still.
/// Returns how many went; None: none is left, or it goes on.
pub async fn remove_some(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<u64>> {
    let dialect = Dialect(tx.get_database_backend());
    let mark = format!(
        "UPDATE broadcast_campaigns SET jobs_removed_at = $2, version = version + 1 WHERE id = $3 AND id IN
         (SELECT c.id FROM broadcast_campaigns c JOIN broadcast_campaign_progress p ON p.campaign_id = c.id
          WHERE c.id = $3 AND {IS_OVER})"
    );
    let values: [Value; 3] = [before.into(), now.into(), campaign.into()];
    tx.execute_raw(dialect.statement(&mark, values)).await?;
    let sql = "SELECT j.id AS id FROM jobs j JOIN broadcast_campaigns c ON c.id = j.campaign_id AND c.jobs_removed_at IS NOT NULL
               WHERE j.campaign_id = $1 ORDER BY j.position LIMIT $2";
    let values: [Value; 2] = [campaign.into(), ROUND.into()];
    let found = tx.query_all_raw(dialect.statement(sql, values)).await?;
    let ids = found.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<Uuid>, _>>()?;
    if ids.is_empty() {
        forget_changes(tx, campaign).await?;
        return Ok(None);
    }
    sums::keep(tx, Summed::Jobs, &ids).await?;
    let sql = format!("DELETE FROM jobs WHERE id IN ({})", listed(dialect));
    let gone = tx.execute_raw(dialect.statement(&sql, [list(&ids)])).await?.rows_affected();
    if i64::try_from(ids.len()).unwrap_or(i64::MAX) < ROUND {
        forget_changes(tx, campaign).await?;
    }
    Ok(Some(gone))
}

/// The log of the changes of jobs that are gone, if they are: it leads nowhere.
async fn forget_changes(tx: &Tx, campaign: BroadcastCampaignId) -> Result<()> {
    let row = campaign::Entity::find_by_id(campaign).one(tx).await?;
    if row.is_some_and(|row| row.jobs_removed_at.is_some()) {
        job_change::Entity::forget(campaign).exec(tx).await?;
    }
    Ok(())
}
