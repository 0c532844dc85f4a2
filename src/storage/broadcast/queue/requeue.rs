//! Jobs that go back to the queue because somebody asked for it.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::{Change, Delta, Streak, new_key, record};
use crate::sql::{Dialect, rows};
use crate::{Db, Tx};
use domain::broadcast::JobStatus;
use domain::error::Result;
use domain::id::BroadcastCampaignId;

#[derive(serde::Serialize)]
struct Row {
    position: i32,
}

/// A failed job that may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Failed {
    /// The job's place.
    pub position: i32,
    /// Whether its channel may be written to.
    pub is_active: bool,
}

#[derive(serde::Serialize)]
struct Reason<'a> {
    reason: &'a str,
}

/// Up to `limit` failed jobs after the position `after`, locked, in order: all, or those that failed for one of `reasons`.
pub async fn failed(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    reasons: Option<&[String]>,
    after: i32,
    limit: i32,
) -> Result<Vec<Failed>> {
    let dialect = Dialect(tx.get_database_backend());
    let wanted = reasons.map(|reasons| reasons.iter().map(|reason| Reason { reason }).collect::<Vec<_>>());
    let is_wanted = wanted.as_ref().map(|_| {
        let table = dialect.table("$4", &[("reason", "text")]);
        format!("AND j.reason IN (SELECT r.reason FROM {table})")
    });
    let sql = format!(
        "SELECT j.position, c.is_active FROM jobs j JOIN channels c ON c.id = j.channel_id
         WHERE j.campaign_id = $1 AND j.position > $2 AND j.failed_at IS NOT NULL AND j.status = 'FAILED' {}
         ORDER BY j.position LIMIT $3 {}",
        is_wanted.unwrap_or_default(),
        dialect.for_update_of("j"),
    );
    let values: [Value; 3] = [campaign.into(), after.into(), i64::from(limit).into()];
    let values = values.into_iter().chain(wanted.map(|wanted| rows(&wanted)));
    let found = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    Ok(found.iter().map(|row| Failed::from_query_result(row, "")).collect::<Result<_, _>>()?)
}

/// Queues jobs anew, under another identity (R13): they surely did not go out. They all have the state `from`. Only of whose fate
/// there is a doubt keeps its identity, under which it is looked for and Telegram may know it.
pub async fn anew(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    positions: &[i32],
    from: JobStatus,
    now: DateTime<Utc>,
) -> Result<()> {
    let assignments =
        "status = 'QUEUED', change = $2, epoch = j.epoch + CASE WHEN j.sought_since IS NULL THEN 1 ELSE 0 END,
        random_id = CASE WHEN j.sought_since IS NOT NULL THEN j.random_id END,
        account_id = CASE WHEN j.sought_since IS NOT NULL THEN j.account_id END,
        attempts = 0, not_before = $4, ambiguous_since = NULL, failed_at = NULL, reason = NULL";
    change(tx, campaign, positions, (from, JobStatus::Queued), assignments, Some(now)).await
}

/// Queues jobs of unknown fate again, because an operator says that they did not go out. They keep their identity: should the
/// operator be wrong, Telegram may still know it; and the history is read before.
pub async fn not_sent(tx: &Tx, campaign: BroadcastCampaignId, positions: &[i32], now: DateTime<Utc>) -> Result<()> {
    let assignments = "status = 'QUEUED', change = $2, attempts = 0, not_before = $4, ambiguous_since = NULL,
        sought_since = COALESCE(j.ambiguous_since, j.started_at, j.created_at)";
    change(tx, campaign, positions, (JobStatus::Unknown, JobStatus::Queued), assignments, Some(now)).await
}

/// A queued job was looked for and is not there: now it may be sent.
pub async fn sought(db: &Db, campaign: BroadcastCampaignId, position: i32) -> Result<()> {
    let sql = "UPDATE jobs SET sought_since = NULL WHERE campaign_id = $1 AND position = $2 AND status = 'QUEUED'
               RETURNING position";
    let values: [Value; 2] = [campaign.into(), position.into()];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}

/// The number of a message that no answer brought, and a history has.
pub async fn number(db: &Db, campaign: BroadcastCampaignId, position: i32, message_id: i64) -> Result<()> {
    let sql = "UPDATE jobs SET message_id = $3 WHERE campaign_id = $1 AND position = $2 AND status = 'SENT'
               AND message_id IS NULL RETURNING position";
    let values: [Value; 3] = [campaign.into(), position.into(), message_id.into()];
    db.write_alone(Dialect(db.backend()).statement(sql, values)).await.map(drop)
}

/// Marks jobs of unknown fate as sent, because an operator has seen them.
pub async fn seen(tx: &Tx, campaign: BroadcastCampaignId, positions: &[i32], now: DateTime<Utc>) -> Result<()> {
    let assignments = "status = 'SENT', change = $2, sent_at = COALESCE(j.started_at, $4), ambiguous_since = NULL";
    change(tx, campaign, positions, (JobStatus::Unknown, JobStatus::Sent), assignments, Some(now)).await
}

/// Cancels queued jobs.
pub async fn cancelled(tx: &Tx, campaign: BroadcastCampaignId, positions: &[i32]) -> Result<()> {
    let assignments = "status = 'CANCELLED', change = $2, not_before = NULL";
    change(tx, campaign, positions, (JobStatus::Queued, JobStatus::Cancelled), assignments, None).await
}

/// Changes rows that the caller has locked and whose state it has seen. `now` is `$4` of the assignments.
async fn change(
    tx: &Tx,
    campaign: BroadcastCampaignId,
    positions: &[i32],
    (from, to): (JobStatus, JobStatus),
    assignments: &str,
    now: Option<DateTime<Utc>>,
) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let key = new_key();
    let sql = format!(
        "UPDATE jobs AS j SET {assignments} FROM {} WHERE j.campaign_id = $1 AND j.position = r.position",
        dialect.table("$3", &[("position", "integer")]),
    );
    let table: Vec<Row> = positions.iter().map(|position| Row { position: *position }).collect();
    let values: [Value; 3] = [campaign.into(), key.into(), rows(&table)];
    tx.execute_raw(dialect.statement(&sql, values.into_iter().chain(now.map(Value::from)))).await?;
    let mut delta = Delta::default();
    delta.moved(from, to, i32::try_from(positions.len()).unwrap_or(i32::MAX));
    let streak = (0, Streak::Untouched);
    record(tx, &Change { campaign, key, positions, sender: None, delta, streak, not_before: 0 }, false).await?;
    Ok(())
}
