//! The queue of jobs: take slots, lease, settle, sweep. Raw SQL, because each of these moves thousands of rows at once with
//! values of their own, which sea-orm can't say.
//!
//! Lock order of every transaction (R7): jobs, channels, the campaign's hot row last. One campaign a transaction.

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};

use super::{job_change, progress};
use crate::Tx;
use crate::sql::Dialect;
use domain::broadcast::JobStatus;
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, SenderId};
use domain::positions;

pub mod accounts;
pub mod budget;
pub mod detach;
pub mod doubt;
pub mod engage;
pub mod freeze;
pub mod lease;
pub mod peers;
pub mod prefetch;
pub mod requeue;
pub mod senders;
pub mod settle;
pub mod settle_soon;
pub mod slots;
pub mod standing;
pub mod stranded;
pub mod sweep;

/// How many jobs left one state, and which they entered: always counted from rows that really changed (R9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delta {
    queued: i32,
    sending: i32,
    sent: i32,
    failed: i32,
    cancelled: i32,
    unknown: i32,
    total: i32,
}

impl Delta {
    /// Notes that `count` jobs went from one state to another.
    pub fn moved(&mut self, from: JobStatus, to: JobStatus, count: i32) {
        *self.counter(from) -= count;
        *self.counter(to) += count;
    }

    /// Notes that `count` jobs were made.
    pub fn made(&mut self, count: i32) {
        self.queued += count;
        self.total += count;
    }

    const fn counter(&mut self, status: JobStatus) -> &mut i32 {
        match status {
            JobStatus::Queued => &mut self.queued,
            JobStatus::Sending => &mut self.sending,
            JobStatus::Sent => &mut self.sent,
            JobStatus::Failed => &mut self.failed,
            JobStatus::Cancelled => &mut self.cancelled,
            JobStatus::Unknown => &mut self.unknown,
        }
    }
}

/// Failures in a row, as one batch of answers changes them (R20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streak {
    /// No answer counted.
    Untouched,
    /// Only failures: so many more.
    Longer(i32),
    /// A success, and so many failures after it.
    Anew(i32),
}

/// A change of many jobs of one campaign, to be counted and logged.
#[derive(Debug)]
pub struct Change<'a> {
    /// The campaign.
    pub campaign: BroadcastCampaignId,
    /// The key that the rows carry as `change`.
    pub key: i64,
    /// The rows, in rising order.
    pub positions: &'a [i32],
    /// The holder, if this is a lease: a process, or the account that sends.
    pub sender: Option<SenderId>,
    /// The changes of the counters.
    pub delta: Delta,
    /// The change of the failures in a row, in which run.
    pub streak: (i32, Streak),
    /// The end of a server's wait, in nanoseconds since 1970; 0 for none.
    pub not_before: i64,
}

/// Counts and logs a change: the campaign's row, locked from here to the commit, and one entry of the change log (R8).
/// With `only_running`, `None` says that the campaign does not run: roll back (R5).
pub async fn record(tx: &Tx, change: &Change<'_>, only_running: bool) -> Result<Option<progress::Model>> {
    let dialect = Dialect(tx.get_database_backend());
    let guard = if only_running { "AND status = 'RUNNING'" } else { "" };
    let update = format!(
        "UPDATE broadcast_campaign_progress SET
             queued = queued + $2, sending = sending + $3, sent = sent + $4, failed = failed + $5,
             cancelled = cancelled + $6, unknown = unknown + $7, total = total + $8,
             failures_in_a_row = CASE WHEN run <> $9 OR $10 = 0 THEN failures_in_a_row
                                      WHEN $10 = 1 THEN failures_in_a_row + $11 ELSE $11 END,
             not_before = {},
             seq = seq + 1, version = version + 1
         WHERE campaign_id = $1 {guard}
         RETURNING *",
        dialect.greatest("not_before", "$12"),
    );
    let Delta { queued, sending, sent, failed, cancelled, unknown, total } = change.delta;
    let (run, streak) = change.streak;
    let (kind, length) = match streak {
        Streak::Untouched => (0, 0),
        Streak::Longer(by) => (1, by),
        Streak::Anew(to) => (2, to),
    };
    let mut values: Vec<Value> = vec![change.campaign.into()];
    values.extend([queued, sending, sent, failed, cancelled, unknown, total, run, kind, length].map(Value::from));
    values.push(change.not_before.into());
    let positions = positions::write(change.positions.iter().copied());
    if dialect.is_postgres() {
        let sql = format!(
            "WITH hot AS ({update}), entry AS (
                 INSERT INTO job_changes (campaign_id, seq, key, positions, sender_id)
                 SELECT campaign_id, seq, $13, $14, $15 FROM hot)
             SELECT * FROM hot"
        );
        values.extend([change.key.into(), positions.into(), change.sender.into()]);
        let row = tx.query_one_raw(dialect.statement(&sql, values)).await?;
        return row.as_ref().map(progress_row).transpose();
    }
    let row = tx.query_one_raw(dialect.statement(&update, values)).await?;
    let Some(row) = row.as_ref().map(progress_row).transpose()? else { return Ok(None) };
    let entry = "INSERT INTO job_changes (campaign_id, seq, key, positions, sender_id) VALUES ($1, $2, $3, $4, $5)";
    let values: [Value; 5] =
        [change.campaign.into(), row.seq.into(), change.key.into(), positions.into(), change.sender.into()];
    tx.execute_raw(dialect.statement(entry, values)).await?;
    Ok(Some(row))
}

/// A random key for a change. Made by the client, so that a commit whose answer was lost can be looked up (R10).
pub fn new_key() -> i64 {
    rand::random()
}

fn progress_row(row: &QueryResult) -> Result<progress::Model> {
    Ok(progress::Model::from_query_result(row, "")?)
}

/// The campaign's hot row, locked until the transaction ends.
pub async fn lock(tx: &Tx, campaign: BroadcastCampaignId) -> Result<progress::Model> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!("SELECT * FROM broadcast_campaign_progress WHERE campaign_id = $1 {}", dialect.for_update());
    let row = tx.query_one_raw(dialect.statement(&sql, [campaign.into()])).await?;
    progress_row(&row.ok_or(Error::NotFound("broadcast campaign"))?)
}
