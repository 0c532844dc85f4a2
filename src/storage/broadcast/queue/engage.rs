//! Leasing one job for the account that is to send it (R13, R15): its identity, its account and its recipient are stored
//! before anything is sent.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};

use super::lease::{COLUMNS, Decision, Due};
use super::prefetch::Owner;
use super::{Change, Delta, Streak, accounts, budget, progress, record};
use crate::broadcast::telegram_account::day;
use crate::sql::Dialect;
use crate::{Db, Tx};
use domain::broadcast::JobStatus;
use domain::delivery::Fault;
use domain::delivery::failure::reason_of;
use domain::error::{Error, Result};
use domain::id::SenderId;

/// A claim: who leases what.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The campaign and the account.
    pub owner: Owner,
    /// The process that holds the account.
    pub holder: SenderId,
    /// The epoch of the account's lease.
    pub epoch: i64,
    /// The key of this lease.
    pub key: i64,
    /// The campaign's run.
    pub run: i32,
    /// The job's place.
    pub position: i32,
    /// Telegram's number of the recipient; None in TEST mode, and for a job that is not to be sent.
    pub peer_id: Option<i64>,
    /// The account has not written to the recipient before.
    pub is_new_peer: bool,
    /// When it is to start, in nanoseconds since 1970.
    pub slot: i64,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// The jobs that were leased.
#[derive(Debug)]
pub struct Engaged {
    /// The job, if it is to be sent.
    pub job: Option<Due>,
    /// The lease's entry in the change log.
    pub seq: i64,
    /// The campaign's hot row after the lease.
    pub progress: progress::Model,
}

/// Leases the job. None if it is not there any more, or the account may not send it now.
///
/// # Errors
/// [`Error::Precondition`] if the campaign does not run any more, or the account was taken over; nothing has happened then.
pub async fn engage(tx: &Tx, claim: &Claim, decide: impl Fn(&Due) -> Decision) -> Result<Option<Engaged>> {
    let Some(mut job) = find(tx, claim).await? else { return Ok(None) };
    let decision = match decide(&job) {
        Decision::Send(_) if is_second(tx, claim).await? => Decision::End(JobStatus::Failed, "DUPLICATE_RECIPIENT"),
        decision => decision,
    };
    write(tx, claim, &decision).await?;
    if matches!(decision, Decision::Send(_)) && !spend(tx, claim, &job).await? {
        return Err(Error::Precondition("the account may not send this now".into()));
    }
    let status = match &decision {
        Decision::Send(random_id) => {
            job.random_id = Some(*random_id);
            JobStatus::Sending
        }
        Decision::End(status, _) => *status,
    };
    let mut delta = Delta::default();
    delta.moved(JobStatus::Queued, status, 1);
    let change = Change {
        campaign: claim.owner.campaign,
        key: claim.key,
        positions: &[claim.position],
        // R15: the account's lease is the job's lease.
        sender: (status == JobStatus::Sending).then_some(SenderId(claim.owner.account.0)),
        delta,
        streak: (claim.run, Streak::Untouched),
        not_before: 0,
    };
    let progress = record(tx, &change, true).await?;
    let progress = progress.ok_or_else(|| Error::Precondition("the campaign does not run".into()))?;
    let job = (status == JobStatus::Sending).then_some(job);
    Ok(Some(Engaged { job, seq: progress.seq, progress }))
}

/// [`engage`] in one statement of PostgreSQL that commits by itself, for a job that is known, with its `random_id`. None, and nothing
/// has happened, if it is not there any more as it is known, if another job has its recipient, or if the campaign does not run: which of
/// these, and what follows, is for [`engage`].
///
/// Its parts wait for each other in the order of R7: the job, its peer, the account's lease, the account, the campaign's row.
///
/// # Errors
/// [`Error::Precondition`] if the account was taken over or may not send this now, or the campaign has just been paused: perhaps
/// one of the account's day is used up then.
pub async fn engage_soon(db: &Db, claim: &Claim, job: &Due) -> Result<Option<Engaged>> {
    let start = domain::clock::instant(claim.slot).max(claim.now);
    let sql = format!(
        "WITH job AS (
             SELECT j.position FROM jobs j
             WHERE j.campaign_id = $1 AND j.position = $2 AND j.status = 'QUEUED' AND j.account_id = $3 AND j.epoch = $4
               AND (j.random_id IS NULL OR j.random_id = $5)
               AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.campaign_id = $1 AND o.peer_id = $6 AND o.position <> $2)
               AND EXISTS (SELECT 1 FROM broadcast_campaign_progress p WHERE p.campaign_id = $1 AND p.status = 'RUNNING')
             FOR UPDATE OF j SKIP LOCKED),
         known AS (
             SELECT p.channel_id FROM account_peers p
             WHERE p.account_id = $3 AND p.channel_id = $14 AND $11 = 1 AND EXISTS (SELECT 1 FROM job) FOR UPDATE),
         held AS (
             UPDATE account_leases SET last_slot = GREATEST(last_slot, $7)
             WHERE account_id = $3 AND holder_id = $8 AND epoch = $9 AND EXISTS (SELECT 1 FROM job)
               AND (SELECT COUNT(*) FROM known) >= 0 RETURNING account_id),
         spent AS ({} AND EXISTS (SELECT 1 FROM held) RETURNING id),
         peer AS (
             UPDATE account_peers SET written_at = $13
             WHERE account_id = $3 AND channel_id = $14 AND written_at IS NULL AND $11 = 1 AND EXISTS (SELECT 1 FROM spent)),
         hot AS (
             UPDATE broadcast_campaign_progress
             SET queued = queued - 1, sending = sending + 1, seq = seq + 1, version = version + 1
             WHERE campaign_id = $1 AND status = 'RUNNING' AND EXISTS (SELECT 1 FROM spent) RETURNING *),
         leased AS (
             UPDATE jobs AS j SET status = 'SENDING', change = $15, random_id = $5, peer_id = COALESCE($6, j.peer_id),
                 not_before = NULL, failed_at = NULL
             FROM hot WHERE j.campaign_id = $1 AND j.position = $2),
         entry AS (
             INSERT INTO job_changes (campaign_id, seq, key, positions, sender_id)
             SELECT campaign_id, seq, $15, $16, $3 FROM hot)
         SELECT (SELECT COUNT(*) FROM job) AS jobs, hot.* FROM (VALUES (1)) AS one(row) LEFT JOIN hot ON TRUE",
        budget::spend(["$3", "$10", "$11", "$12"]),
    );
    let values: [Value; 16] = [
        claim.owner.campaign.into(),
        claim.position.into(),
        claim.owner.account.into(),
        job.epoch.into(),
        job.random_id.into(),
        claim.peer_id.into(),
        claim.slot.into(),
        claim.holder.into(),
        claim.epoch.into(),
        day(start).into(),
        i32::from(claim.is_new_peer).into(),
        start.into(),
        claim.now.into(),
        job.channel_id.into(),
        claim.key.into(),
        claim.position.to_string().into(),
    ];
    let rows = db.write_alone(Dialect(db.backend()).statement(&sql, values)).await?;
    engaged(&rows, job)
}

fn engaged(rows: &[QueryResult], job: &Due) -> Result<Option<Engaged>> {
    let row = rows.first().ok_or_else(|| Error::internal(anyhow::anyhow!("a row of values is missing")))?;
    if row.try_get::<i64>("", "jobs")? == 0 {
        return Ok(None);
    }
    if row.try_get::<Option<i64>>("", "seq")?.is_none() {
        return Err(Error::Precondition("the account may not send this now".into()));
    }
    let progress = progress::Model::from_query_result(row, "")?;
    Ok(Some(Engaged { job: Some(job.clone()), seq: progress.seq, progress }))
}

/// Ends a job that an account has prefetched, and that was never handed over, because there is nobody to hand it to. Nothing is counted or
/// logged yet. False if it is not there any more.
pub async fn end(
    tx: &Tx,
    owner: Owner,
    position: i32,
    key: i64,
    (status, fault): (JobStatus, &Fault),
    now: DateTime<Utc>,
) -> Result<bool> {
    let error = fault.to_string();
    let failed_at = (status == JobStatus::Failed).then_some(now);
    let sql = "UPDATE jobs SET status = $4, change = $5, error_message = $6, failed_at = $7, attempts = attempts + 1,
                   not_before = NULL, telegram_error = COALESCE($8, telegram_error), reason = $9
               WHERE campaign_id = $1 AND position = $2 AND account_id = $3 AND status = 'QUEUED'";
    let reason = failed_at.map(|_| reason_of(&error).to_owned());
    let values: [Value; 9] = [
        owner.campaign.into(),
        position.into(),
        owner.account.into(),
        status.to_string().into(),
        key.into(),
        error.clone().into(),
        failed_at.into(),
        fault.is_told().then(|| error.clone()).into(),
        reason.into(),
    ];
    let ended = tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?;
    Ok(ended.rows_affected() > 0)
}

async fn find(tx: &Tx, claim: &Claim) -> Result<Option<Due>> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs j JOIN channels c ON c.id = j.channel_id
         WHERE j.campaign_id = $1 AND j.position = $2 AND j.status = 'QUEUED' AND j.account_id = $3 {}",
        dialect.skip_locked("j"),
    );
    let values: [Value; 3] = [claim.owner.campaign.into(), claim.position.into(), claim.owner.account.into()];
    let row = tx.query_one_raw(dialect.statement(&sql, values)).await?;
    Ok(row.map(|row| Due::from_query_result(&row, "")).transpose()?)
}

/// R14: whether another job of the campaign has the same recipient, by an old name of its channel. Should two accounts come to both
/// at the same time, the unique index lets one pass, and the other one finds it at its next turn. Channels of the catalog are not
/// unique by their peer, as the rule first said: a name may go to another channel, and which of two is the stale one only a
/// look-up tells, whereas a campaign must know.
async fn is_second(tx: &Tx, claim: &Claim) -> Result<bool> {
    let Some(peer) = claim.peer_id else { return Ok(false) };
    let dialect = Dialect(tx.get_database_backend());
    let sql = "SELECT position FROM jobs WHERE campaign_id = $1 AND peer_id = $2 AND position <> $3";
    let values: [Value; 3] = [claim.owner.campaign.into(), peer.into(), claim.position.into()];
    Ok(tx.query_one_raw(dialect.statement(sql, values)).await?.is_some())
}

async fn write(tx: &Tx, claim: &Claim, decision: &Decision) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let (status, random_id, error) = match decision {
        Decision::Send(random_id) => (JobStatus::Sending, Some(*random_id), None),
        Decision::End(status, error) => (*status, None, Some(*error)),
    };
    let peer = claim.peer_id.filter(|_| random_id.is_some());
    let failed_at = (status == JobStatus::Failed).then_some(claim.now);
    let sql = "UPDATE jobs SET status = $3, change = $4, random_id = COALESCE($5, random_id),
                   peer_id = COALESCE($6, peer_id), not_before = NULL, failed_at = $7,
                   error_message = COALESCE($8, error_message), reason = CASE WHEN $3 = 'FAILED' THEN $8 END
               WHERE campaign_id = $1 AND position = $2";
    let values: [Value; 8] = [
        claim.owner.campaign.into(),
        claim.position.into(),
        status.to_string().into(),
        claim.key.into(),
        random_id.into(),
        peer.into(),
        failed_at.into(),
        error.into(),
    ];
    tx.execute_raw(dialect.statement(sql, values)).await?;
    Ok(())
}

/// The account's part: its lease, its slot, its budget, and that it knows the recipient from now on.
async fn spend(tx: &Tx, claim: &Claim, job: &Due) -> Result<bool> {
    let dialect = Dialect(tx.get_database_backend());
    let account = claim.owner.account;
    if claim.is_new_peer {
        let sql =
            "UPDATE account_peers SET written_at = $3 WHERE account_id = $1 AND channel_id = $2 AND written_at IS NULL";
        let values: [Value; 3] = [account.into(), job.channel_id.into(), claim.now.into()];
        tx.execute_raw(dialect.statement(sql, values)).await?;
    }
    accounts::hold(tx, account, claim.holder, claim.epoch, claim.slot).await?;
    let start = domain::clock::instant(claim.slot).max(claim.now);
    budget::send(tx, account, start, claim.is_new_peer).await
}
