//! What was to be removed behind an answer, and nobody removes any more.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::Tx;
use crate::sql::Dialect;
use crate::sums::{list, listed};
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use domain::task::TaskKind;

/// Campaigns that are not there though jobs, or changes of jobs, are; one of which the rest is being removed is none of them.
pub async fn campaigns(db: &impl ConnectionTrait) -> Result<Vec<BroadcastCampaignId>> {
    let mut all = Vec::new();
    for table in ["jobs", "job_changes"] {
        // From one campaign to the next by an index, past a million jobs of each.
        let sql = format!(
            "WITH RECURSIVE owners(id) AS (
                 SELECT campaign_id FROM (SELECT campaign_id FROM {table} ORDER BY campaign_id LIMIT 1) AS first
                 UNION ALL
                 SELECT (SELECT n.campaign_id FROM {table} AS n WHERE n.campaign_id > o.id ORDER BY n.campaign_id LIMIT 1)
                 FROM owners AS o WHERE o.id IS NOT NULL)
             SELECT o.id AS id FROM owners AS o WHERE o.id IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM broadcast_campaigns c WHERE c.id = o.id)
               AND NOT EXISTS (SELECT 1 FROM broadcast_campaign_leftovers l WHERE l.campaign_id = o.id)"
        );
        for row in db.query_all_raw(Dialect(db.get_database_backend()).statement(&sql, [])).await? {
            all.push(row.try_get("", "id")?);
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// How many jobs these campaigns have.
pub async fn jobs(db: &impl ConnectionTrait, campaigns: &[BroadcastCampaignId]) -> Result<i64> {
    let dialect = Dialect(db.get_database_backend());
    let ids: Vec<Uuid> = campaigns.iter().map(|id| id.0).collect();
    let sql = format!("SELECT COUNT(*) AS n FROM jobs WHERE campaign_id IN ({})", listed(dialect));
    let row = db.query_one_raw(dialect.statement(&sql, [list(&ids)])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// Notes that the rest of a campaign which is not there is to be removed.
pub async fn note(tx: &Tx, campaign: BroadcastCampaignId) -> Result<()> {
    let sql = "INSERT INTO broadcast_campaign_leftovers (campaign_id) SELECT c.id FROM (SELECT CAST($1 AS {uuid}) AS id) AS c
               WHERE NOT EXISTS (SELECT 1 FROM broadcast_campaigns b WHERE b.id = c.id) ON CONFLICT (campaign_id) DO NOTHING";
    let dialect = Dialect(tx.get_database_backend());
    let sql = sql.replace("{uuid}", if dialect.is_postgres() { "uuid" } else { "blob" });
    tx.execute_raw(dialect.statement(&sql, [campaign.into()])).await?;
    Ok(())
}

/// What was deleted, still lies there, and no task removes: the ids, for each kind of the task that should.
pub async fn deleted(db: &impl ConnectionTrait) -> Result<Vec<(TaskKind, Uuid)>> {
    let dialect = Dialect(db.get_database_backend());
    let mut all = Vec::new();
    for (table, kind) in [
        ("retention_campaigns", TaskKind::DeleteRetentionCampaign),
        ("retention_sequences", TaskKind::DeleteRetentionSequence),
        ("scripts", TaskKind::DeleteScript),
    ] {
        let sql = format!(
            "SELECT d.id AS id FROM {table} AS d WHERE d.deleted_at IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM tasks t WHERE t.subject_id = d.id AND t.kind = $1 AND t.completed_at IS NULL) ORDER BY d.id"
        );
        for row in db.query_all_raw(dialect.statement(&sql, [Value::from(kind)])).await? {
            all.push((kind, row.try_get("", "id")?));
        }
    }
    Ok(all)
}

/// Whether no task computes credit anew.
const NOBODY_CREDITS: &str =
    "NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'RECOMPUTE_ATTRIBUTION' AND t.completed_at IS NULL)";

/// Credit that was computed by a task which is not there any more. The next one would stumble over it.
pub async fn credits(db: &impl ConnectionTrait) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) AS n FROM conversion_credits WHERE {NOBODY_CREDITS}");
    let row = db.query_one_raw(Dialect(db.get_database_backend()).statement(&sql, [])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// Forgets some of that credit; returns how much that was.
pub async fn forget_credits(tx: &Tx, most: i64) -> Result<u64> {
    let dialect = Dialect(tx.get_database_backend());
    if dialect.is_postgres() {
        // Or a task could begin, and put aside what goes here.
        tx.execute_unprepared("LOCK TABLE tasks IN SHARE MODE").await?;
    }
    let sql = format!(
        "DELETE FROM conversion_credits WHERE {NOBODY_CREDITS} AND conversion_id IN
         (SELECT conversion_id FROM conversion_credits ORDER BY conversion_id LIMIT $1)"
    );
    Ok(tx.execute_raw(dialect.statement(&sql, [most.into()])).await?.rows_affected())
}
