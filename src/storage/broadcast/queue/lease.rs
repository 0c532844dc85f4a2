//! Leasing jobs: one short transaction, in which each gets its identity before it is sent (R13).

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult, Statement, Value};
use serde::Serialize;

use super::{Change, Delta, Streak, progress, record};
use crate::sql::{Dialect, instant, rows};
use crate::{Db, Tx};
use domain::broadcast::{JobStatus, PeerKind};
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, ChannelId, JobId, SenderId};
use domain::positions;

/// A queued job with what is needed to send it.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
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
    pub kind: Option<PeerKind>,
}

impl Due {
    /// Whether its name leads to a person or a bot, as far as is known.
    pub fn is_private(&self) -> bool {
        self.kind.is_some_and(PeerKind::is_private)
    }
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
    /// How long it took to find them: more with more of them.
    pub took: Duration,
}

pub(super) const COLUMNS: &str = "j.id, j.position, j.epoch, j.random_id, j.attempts, j.ambiguous_since, j.channel_id,
    c.username, c.title, c.category, c.member_count, c.is_active, c.error_count, c.kind";

/// Leases jobs that wait for their instant and whose instant has come, then fresh ones after the cursor.
///
/// # Errors
/// [`Error::Precondition`] if the campaign does not run any more, or if the sender's leases were taken over; nothing has
/// happened then.
pub async fn lease(tx: &Tx, claim: &Claim, decide: impl Fn(&Due) -> Decision) -> Result<Leased> {
    let began = Instant::now();
    require_sender(tx, claim.sender, claim.epoch).await?;
    let mut due =
        find(tx, claim, "j.not_before <= $2", claim.now.into(), "j.not_before, j.position", claim.limit).await?;
    let rest = claim.limit - i64::try_from(due.len()).unwrap_or(i64::MAX);
    if rest > 0 {
        let fresh = "j.not_before IS NULL AND j.position > $2";
        due.extend(find(tx, claim, fresh, claim.cursor.into(), "j.position", rest).await?);
    }
    let (found, took) = (due.len(), began.elapsed());
    if due.is_empty() {
        return Ok(Leased { jobs: due, key: claim.key, seq: 0, progress: None, found, took });
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
    Ok(Leased { jobs: sendable.collect(), key: claim.key, seq: progress.seq, progress: Some(progress), found, took })
}

/// [`lease`] on PostgreSQL in two ways to it and back, of which the first finds and locks the jobs, and the second leases them and
/// commits. None, and nothing has happened, if one of the jobs is not to be sent: that is for [`lease`].
///
/// # Errors
/// As of [`lease`], and for what [`Db::write`] runs again. After any other error but [`Error::Precondition`] it is not known whether
/// the lease was committed.
pub async fn lease_soon(db: &Db, claim: &Claim, decide: impl Fn(&Due) -> Decision) -> Result<Option<Leased>> {
    let began = Instant::now();
    let (is_due, is_fresh) = ("j.not_before <= $2", "j.not_before IS NULL AND j.position > $2");
    let first = [
        sender_statement(Dialect(db.backend()), claim.sender, claim.epoch),
        find_statement(db.backend(), claim, is_due, claim.now.into(), "j.not_before, j.position", claim.limit),
        find_statement(db.backend(), claim, is_fresh, claim.cursor.into(), "j.position", claim.limit),
    ];
    let (tx, rows) = db.begin_by(&first).await?;
    if rows.first().is_none_or(|row| row.try_get::<SenderId>("", "sender").is_err()) {
        tx.rollback().await?;
        return Err(taken_over());
    }
    let jobs = rows.iter().skip(1).take(usize::try_from(claim.limit).unwrap_or(0));
    let mut jobs = jobs.map(|row| Due::from_query_result(row, "")).collect::<Result<Vec<_>, _>>()?;
    let (found, took) = (jobs.len(), began.elapsed());
    jobs.sort_unstable_by_key(|job| job.position);
    for job in &mut jobs {
        let Decision::Send(random_id) = decide(job) else {
            tx.rollback().await?;
            return Ok(None);
        };
        job.random_id = Some(random_id);
    }
    if jobs.is_empty() {
        tx.rollback().await?;
        return Ok(Some(Leased { jobs, key: claim.key, seq: 0, progress: None, found, took }));
    }
    let rows = tx.commit_by(&lease_statement(db, claim, &jobs)).await?;
    let Some(row) = rows.first() else {
        return Err(Error::Precondition("the campaign does not run".into()));
    };
    let progress = super::progress_row(row)?;
    Ok(Some(Leased { jobs, key: claim.key, seq: progress.seq, progress: Some(progress), found, took }))
}

/// Leases, counts and logs jobs that are locked, unless the campaign does not run any more.
fn lease_statement(db: &Db, claim: &Claim, jobs: &[Due]) -> Statement {
    let count = i32::try_from(jobs.len()).unwrap_or(i32::MAX);
    let sql = "WITH r AS (SELECT * FROM unnest(CAST($4 AS integer[]), CAST($5 AS bigint[])) AS u(position, random_id)),
         hot AS (UPDATE broadcast_campaign_progress
                 SET queued = queued - $3, sending = sending + $3, seq = seq + 1, version = version + 1
                 WHERE campaign_id = $1 AND status = 'RUNNING' RETURNING *),
         entry AS (INSERT INTO job_changes (campaign_id, seq, key, positions, sender_id)
                   SELECT campaign_id, seq, $2, $6, CAST($7 AS uuid) FROM hot),
         leased AS (UPDATE jobs AS j SET status = 'SENDING', change = $2, random_id = r.random_id, not_before = NULL,
                        failed_at = NULL
                    FROM r, hot WHERE j.campaign_id = $1 AND j.position = r.position)
         SELECT * FROM hot";
    let list = |numbers: Vec<String>| Value::from(format!("{{{}}}", numbers.join(",")));
    let values: [Value; 7] = [
        claim.campaign.into(),
        claim.key.into(),
        count.into(),
        list(jobs.iter().map(|job| job.position.to_string()).collect()),
        list(jobs.iter().map(|job| job.random_id.unwrap_or_default().to_string()).collect()),
        positions::write(jobs.iter().map(|job| job.position)).into(),
        claim.sender.into(),
    ];
    Dialect(db.backend()).statement(sql, values)
}

/// Holds the sender's row until the commit, so that a takeover comes wholly before this lease or wholly after it.
pub(super) async fn require_sender(tx: &Tx, sender: SenderId, epoch: i64) -> Result<()> {
    let row = tx.query_one_raw(sender_statement(Dialect(tx.get_database_backend()), sender, epoch)).await?;
    row.map(drop).ok_or_else(taken_over)
}

fn sender_statement(dialect: Dialect, sender: SenderId, epoch: i64) -> Statement {
    let sql = format!("SELECT id AS sender FROM senders WHERE id = $1 AND epoch = $2 {}", dialect.for_key_share());
    dialect.statement(&sql, [sender.into(), epoch.into()])
}

fn taken_over() -> Error {
    Error::Precondition("another process took this one's leases over".into())
}

async fn find(tx: &Tx, claim: &Claim, which: &str, bound: Value, order: &str, limit: i64) -> Result<Vec<Due>> {
    let statement = find_statement(tx.get_database_backend(), claim, which, bound, order, limit);
    let found = tx.query_all_raw(statement).await?;
    found.iter().map(|row| Ok(Due::from_query_result(row, "")?)).collect()
}

fn find_statement(
    backend: DatabaseBackend,
    claim: &Claim,
    which: &str,
    bound: Value,
    order: &str,
    limit: i64,
) -> Statement {
    let dialect = Dialect(backend);
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs j JOIN channels c ON c.id = j.channel_id
         WHERE j.campaign_id = $1 AND j.status = 'QUEUED' AND {which} ORDER BY {order} LIMIT $3 {}",
        dialect.skip_locked("j"),
    );
    dialect.statement(&sql, [claim.campaign.into(), bound, limit.into()])
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
             failed_at = r.failed_at, error_message = COALESCE(r.error, j.error_message),
             reason = CASE WHEN r.status = 'FAILED' THEN r.error END
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
