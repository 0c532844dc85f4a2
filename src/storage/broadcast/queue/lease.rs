//! Leasing jobs: one short transaction, in which each gets its identity before it is sent (R13).

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use super::{Change, Delta, Streak, progress, record};
use crate::Tx;
use crate::sql::{Dialect, instant, rows};
use domain::broadcast::JobStatus;
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, ChannelId, JobId, SenderId};

/// A queued job with what is needed to send it.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Due {
    pub id: JobId,
    pub position: i32,
    pub epoch: i32,
    pub random_id: Option<i64>,
    pub attempts: i32,
    pub ambiguous_since: Option<DateTime<Utc>>,
    pub channel_id: ChannelId,
    pub username: String,
    pub title: Option<String>,
    pub category: String,
    pub member_count: Option<i32>,
    pub is_active: bool,
    pub error_count: i32,
}

/// The lease's decision about a due job.
#[derive(Debug)]
pub enum Decision {
    /// The job is to be sent under this identity.
    Send(i64),
    /// The job is not to be sent: it ends with this status, for this reason.
    End(JobStatus, &'static str),
}

/// A claim: who leases what.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The campaign.
    pub campaign: BroadcastCampaignId,
    /// The holder.
    pub sender: SenderId,
    /// The holder's epoch: if it was raised, somebody took the holder's leases over.
    pub epoch: i64,
    /// The key of this lease.
    pub key: i64,
    /// The campaign's run.
    pub run: i32,
    /// Where the last claim ended: jobs up to here were all seen.
    pub cursor: i32,
    /// How many jobs at most.
    pub limit: i64,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// The jobs that were leased.
#[derive(Debug)]
pub struct Leased {
    /// Jobs to be sent.
    pub jobs: Vec<Due>,
    /// The key of the lease.
    pub key: i64,
    /// The lease's entry in the change log.
    pub seq: i64,
    /// The campaign's hot row after the lease; None if no job was found.
    pub progress: Option<progress::Model>,
    /// Jobs of any kind that the claim found.
    pub found: usize,
}

pub(super) const COLUMNS: &str = "j.id, j.position, j.epoch, j.random_id, j.attempts, j.ambiguous_since, j.channel_id,
    c.username, c.title, c.category, c.member_count, c.is_active, c.error_count";

/// Leases jobs that wait for their instant and whose instant has come, then fresh ones after the cursor.
///
/// # Errors
/// [`Error::Precondition`] if the campaign does not run any more, or if the sender's leases were taken over; nothing has
/// happened then.
pub async fn lease(tx: &Tx, claim: &Claim, decide: impl Fn(&Due) -> Decision) -> Result<Leased> {
    require_sender(tx, claim.sender, claim.epoch).await?;
    let mut due =
        find(tx, claim, "j.not_before <= $2", claim.now.into(), "j.not_before, j.position", claim.limit).await?;
    let rest = claim.limit - i64::try_from(due.len()).unwrap_or(i64::MAX);
    if rest > 0 {
        let fresh = "j.not_before IS NULL AND j.position > $2";
        due.extend(find(tx, claim, fresh, claim.cursor.into(), "j.position", rest).await?);
    }
    let found = due.len();
    if due.is_empty() {
        return Ok(Leased { jobs: due, key: claim.key, seq: 0, progress: None, found });
    }
    due.sort_unstable_by_key(|job| job.position);
    let decisions: Vec<Decision> = due.iter().map(decide).collect();
    write(tx, claim, &due, &decisions).await?;
    let progress = count(tx, claim, &due, &decisions).await?;
    let sendable = due.into_iter().zip(&decisions).filter_map(|(mut job, decision)| match decision {
        Decision::Send(id) => {
            job.random_id = Some(*id);
            Some(job)
        }
        Decision::End(..) => None,
    });
    Ok(Leased { jobs: sendable.collect(), key: claim.key, seq: progress.seq, progress: Some(progress), found })
}

/// Holds the sender's row until the commit, so that a takeover comes wholly before this lease or wholly after it.
pub(super) async fn require_sender(tx: &Tx, sender: SenderId, epoch: i64) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!("SELECT id FROM senders WHERE id = $1 AND epoch = $2 {}", dialect.for_key_share());
    let row = tx.query_one_raw(dialect.statement(&sql, [sender.into(), epoch.into()])).await?;
    row.map(drop).ok_or_else(|| Error::Precondition("another process took this one's leases over".into()))
}

async fn find(tx: &Tx, claim: &Claim, which: &str, bound: Value, order: &str, limit: i64) -> Result<Vec<Due>> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs j JOIN channels c ON c.id = j.channel_id
         WHERE j.campaign_id = $1 AND j.status = 'QUEUED' AND {which} ORDER BY {order} LIMIT $3 {}",
        dialect.skip_locked("j"),
    );
    let values = [claim.campaign.into(), bound, limit.into()];
    let found = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    found.iter().map(|row| Ok(Due::from_query_result(row, "")?)).collect()
}

#[derive(Serialize)]
struct Row {
    position: i32,
    status: JobStatus,
    random_id: Option<i64>,
    failed_at: Option<String>,
    error: Option<&'static str>,
}

async fn write(tx: &Tx, claim: &Claim, due: &[Due], decisions: &[Decision]) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let rows_: Vec<Row> = due
        .iter()
        .zip(decisions)
        .map(|(job, decision)| match decision {
            Decision::Send(id) => Row {
                position: job.position,
                status: JobStatus::Sending,
                random_id: Some(*id),
                failed_at: None,
                error: None,
            },
            Decision::End(status, error) => Row {
                position: job.position,
                status: *status,
                random_id: job.random_id,
                failed_at: (*status == JobStatus::Failed).then(|| instant(claim.now)),
                error: Some(error),
            },
        })
        .collect();
    let columns = [
        ("position", "integer"),
        ("status", "text"),
        ("random_id", "bigint"),
        ("failed_at", "timestamptz"),
        ("error", "text"),
    ];
    let sql = format!(
        "UPDATE jobs AS j SET status = r.status, change = $2, random_id = r.random_id, not_before = NULL,
             failed_at = r.failed_at, error_message = COALESCE(r.error, j.error_message)
         FROM {} WHERE j.campaign_id = $1 AND j.position = r.position",
        dialect.table("$3", &columns),
    );
    let values: [Value; 3] = [claim.campaign.into(), claim.key.into(), rows(&rows_)];
    tx.execute_raw(dialect.statement(&sql, values)).await?;
    Ok(())
}

async fn count(tx: &Tx, claim: &Claim, due: &[Due], decisions: &[Decision]) -> Result<progress::Model> {
    let mut delta = Delta::default();
    for decision in decisions {
        let to = match decision {
            Decision::Send(_) => JobStatus::Sending,
            Decision::End(status, _) => *status,
        };
        delta.moved(JobStatus::Queued, to, 1);
    }
    let positions: Vec<i32> = due.iter().map(|job| job.position).collect();
    let change = Change {
        campaign: claim.campaign,
        key: claim.key,
        positions: &positions,
        sender: Some(claim.sender),
        delta,
        streak: (claim.run, Streak::Untouched),
        not_before: 0,
    };
    let progress = record(tx, &change, true).await?;
    progress.ok_or_else(|| Error::Precondition("the campaign does not run".into()))
}

/// When the next queued job that waits may be sent, and how many wait.
pub async fn waiting(db: &impl ConnectionTrait, campaign: BroadcastCampaignId) -> Result<(Option<DateTime<Utc>>, i64)> {
    let dialect = Dialect(db.get_database_backend());
    let sql =
        "SELECT MIN(not_before) AS first, COUNT(*) AS jobs FROM jobs WHERE campaign_id = $1 AND not_before IS NOT NULL";
    let row = db.query_one_raw(dialect.statement(sql, [campaign.into()])).await?;
    let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("an aggregate gave no row")))?;
    Ok((row.try_get("", "first")?, row.try_get("", "jobs")?))
}
