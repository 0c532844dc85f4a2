//! Why the jobs of campaigns failed, and how many did for each reason: from the index of failures.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::id::BroadcastCampaignId;

/// Failures of one reason are counted so far.
pub const MOST: i64 = 100_000;

/// The failed jobs of a campaign that have one reason.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Count {
    /// The campaign.
    pub campaign_id: BroadcastCampaignId,
    /// The error without its number.
    pub reason: String,
    /// How many there are; one more than [`MOST`] where there are more.
    pub jobs: i64,
}

#[derive(Serialize)]
struct Row {
    id: BroadcastCampaignId,
}

/// The reasons for which jobs of these campaigns failed, of each campaign the most frequent first.
///
/// It walks from reason to reason in the index, so it reads as many entries as it counts, and none of other jobs.
pub async fn of(db: &impl ConnectionTrait, campaigns: &[BroadcastCampaignId]) -> Result<Vec<Count>> {
    let dialect = Dialect(db.get_database_backend());
    let next = |of: &str, after: &str| {
        format!(
            "(SELECT j.reason FROM jobs j
              WHERE j.campaign_id = {of} AND j.failed_at IS NOT NULL AND j.reason IS NOT NULL {after}
              ORDER BY j.reason LIMIT 1)"
        )
    };
    let sql = format!(
        "WITH RECURSIVE reasons(campaign_id, reason) AS (
             SELECT r.id, {} FROM {}
             UNION ALL
             SELECT w.campaign_id, {} FROM reasons w WHERE w.reason IS NOT NULL)
         SELECT w.campaign_id, w.reason, (SELECT COUNT(*) FROM (
                SELECT 1 FROM jobs j
                WHERE j.campaign_id = w.campaign_id AND j.failed_at IS NOT NULL AND j.reason = w.reason
                LIMIT $2) AS counted) AS jobs
         FROM reasons w WHERE w.reason IS NOT NULL ORDER BY jobs DESC, w.reason",
        next("r.id", ""),
        dialect.table("$1", &[("id", "uuid")]),
        next("w.campaign_id", "AND j.reason > w.reason"),
    );
    let ids: Vec<Row> = campaigns.iter().map(|id| Row { id: *id }).collect();
    let values: [Value; 2] = [rows(&ids), (MOST + 1).into()];
    Ok(Count::find_by_statement(dialect.statement(&sql, values)).all(db).await?)
}

/// Gives the first of a campaign's counts what is left of its `failed` jobs, if it is the only reason of which there are more than
/// were counted.
pub fn complete(counts: &mut [Count], failed: i64) {
    let others: i64 = counts.iter().skip(1).map(|count| count.jobs).sum();
    let is_only_one = counts.get(1).is_none_or(|second| second.jobs <= MOST);
    if let Some(first) = counts.first_mut().filter(|first| first.jobs > MOST && is_only_one) {
        first.jobs = first.jobs.max(failed - others);
    }
}
