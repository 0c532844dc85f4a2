//! Settling: what became of many leased jobs, in one short transaction.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use super::{Change, Delta, Streak, progress, record};
use crate::Tx;
use crate::sql::{Dialect, instant, rows};
use domain::broadcast::JobStatus;
use domain::delivery::failure::reason_of;
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, ChannelId};

/// The outcome of one leased job.
#[derive(Debug, Clone)]
pub struct Settled {
    pub position: i32,
    /// The key of its lease: a row that carries another one was taken over and is left alone (R9).
    pub key: i64,
    pub random_id: i64,
    pub status: JobStatus,
    /// Whether a send ended in an answer that counts.
    pub counts: bool,
    pub not_before: Option<DateTime<Utc>>,
    pub ambiguous_since: Option<DateTime<Utc>>,
    pub error: Option<String>,
    /// Whether Telegram said the error.
    pub is_told: bool,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: DateTime<Utc>,
    pub message_id: Option<i64>,
}

/// A batch of results of one campaign, and what follows from them.
#[derive(Debug)]
pub struct Batch<'a> {
    pub campaign: BroadcastCampaignId,
    /// By rising position, each once.
    pub results: &'a [Settled],
    /// The key of this change.
    pub key: i64,
    pub run: i32,
    pub streak: Streak,
    /// The end of a server's wait, in nanoseconds since 1970; 0 for none.
    pub not_before: i64,
    /// Leases (by their entries in the change log) of which nothing is left open after this batch.
    pub finished_leases: &'a [i64],
}

#[derive(Serialize)]
pub(super) struct Row<'a> {
    position: i32,
    key: i64,
    random_id: i64,
    status: JobStatus,
    counts: i32,
    // What is not there is left out: on a slow line each byte counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ambiguous_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<i64>,
}

pub(super) const COLUMNS: [(&str, &str); 14] = [
    ("position", "integer"),
    ("key", "bigint"),
    ("random_id", "bigint"),
    ("status", "text"),
    ("counts", "integer"),
    ("not_before", "timestamptz"),
    ("ambiguous_since", "timestamptz"),
    ("error", "text"),
    ("told", "integer"),
    ("reason", "text"),
    ("started_at", "timestamptz"),
    ("sent_at", "timestamptz"),
    ("failed_at", "timestamptz"),
    ("message_id", "bigint"),
];

pub(super) const ASSIGNMENTS: &str = "status = r.status, change = $2, attempts = j.attempts + r.counts,
    not_before = r.not_before, ambiguous_since = r.ambiguous_since,
    error_message = CASE WHEN r.status = 'SENT' THEN NULL ELSE COALESCE(r.error, j.error_message) END,
    telegram_error = CASE WHEN r.status = 'SENT' THEN NULL WHEN r.told = 1 THEN r.error ELSE j.telegram_error END,
    reason = r.reason,
    started_at = COALESCE(r.started_at, j.started_at), sent_at = r.sent_at, failed_at = r.failed_at,
    message_id = r.message_id";

impl<'a> From<&'a Settled> for Row<'a> {
    fn from(settled: &'a Settled) -> Self {
        let ended = |status| (settled.status == status).then(|| instant(settled.ended_at));
        Self {
            position: settled.position,
            key: settled.key,
            random_id: settled.random_id,
            status: settled.status,
            counts: settled.counts.into(),
            not_before: settled.not_before.map(instant),
            ambiguous_since: settled.ambiguous_since.map(instant),
            error: settled.error.as_deref(),
            told: settled.is_told.then_some(1),
            reason: settled.error.as_deref().filter(|_| settled.status == JobStatus::Failed).map(reason_of),
            started_at: settled.started_at.map(instant),
            sent_at: ended(JobStatus::Sent),
            failed_at: ended(JobStatus::Failed),
            message_id: settled.message_id,
        }
    }
}

/// Which of the batch's jobs were really changed: their positions, and the counters that follow.
#[derive(Debug, Default)]
pub struct Changed {
    /// In rising order.
    pub positions: Vec<i32>,
    delta: Delta,
}

/// Writes the results on the jobs. The campaign's row is left for [`finish`], the last statement before the commit.
pub async fn jobs(tx: &Tx, batch: &Batch<'_>) -> Result<Changed> {
    let mut changed = own(tx, batch).await?;
    let strays: Vec<Row> = batch
        .results
        .iter()
        .filter(|settled| {
            settled.status == JobStatus::Sent && changed.positions.binary_search(&settled.position).is_err()
        })
        .map(Row::from)
        .collect();
    if !strays.is_empty() {
        receipts(tx, batch, &strays, &mut changed).await?;
        changed.positions.sort_unstable();
    }
    Ok(changed)
}

async fn own(tx: &Tx, batch: &Batch<'_>) -> Result<Changed> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "UPDATE jobs AS j SET {ASSIGNMENTS} FROM {}
         WHERE j.campaign_id = $1 AND j.position = r.position AND j.change = r.key AND j.status = 'SENDING'
         RETURNING {}",
        dialect.table("$3", &COLUMNS),
        dialect.returned("j", "position"),
    );
    let results: Vec<Row> = batch.results.iter().map(Row::from).collect();
    let values: [Value; 3] = [batch.campaign.into(), batch.key.into(), rows(&results)];
    let found = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    let mut positions = found.iter().map(|row| row.try_get("", "position")).collect::<Result<Vec<i32>, _>>()?;
    positions.sort_unstable();
    let mut changed = Changed { positions, delta: Delta::default() };
    for settled in batch.results {
        if changed.positions.binary_search(&settled.position).is_ok() {
            changed.delta.moved(JobStatus::Sending, settled.status, 1);
        }
    }
    Ok(changed)
}

/// R9: a receipt is the truth, whoever brings it. The lease may have been taken over meanwhile.
async fn receipts(tx: &Tx, batch: &Batch<'_>, strays: &[Row<'_>], changed: &mut Changed) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$2", &COLUMNS);
    let find = format!(
        "SELECT j.position, j.status FROM jobs j JOIN {table} ON j.position = r.position AND j.random_id = r.random_id
         WHERE j.campaign_id = $1 AND j.status IN ('SENDING', 'QUEUED', 'UNKNOWN') ORDER BY j.position {}",
        dialect.for_update_of("j"),
    );
    let values: [Value; 2] = [batch.campaign.into(), rows(strays)];
    for row in tx.query_all_raw(dialect.statement(&find, values)).await? {
        changed.positions.push(row.try_get("", "position")?);
        let from: JobStatus = row.try_get("", "status")?;
        changed.delta.moved(from, JobStatus::Sent, 1);
    }
    let table = dialect.table("$3", &COLUMNS);
    let update = format!(
        "UPDATE jobs AS j SET {ASSIGNMENTS} FROM {table}
         WHERE j.campaign_id = $1 AND j.position = r.position AND j.random_id = r.random_id
           AND j.status IN ('SENDING', 'QUEUED', 'UNKNOWN')"
    );
    let values: [Value; 3] = [batch.campaign.into(), batch.key.into(), rows(strays)];
    tx.execute_raw(dialect.statement(&update, values)).await?;
    Ok(())
}

/// Closes the leases that are done with, counts and logs the change. None if no row was changed.
pub async fn finish(tx: &Tx, batch: &Batch<'_>, changed: &Changed) -> Result<Option<progress::Model>> {
    close(tx, batch.campaign, batch.finished_leases).await?;
    if changed.positions.is_empty() && batch.not_before == 0 {
        return Ok(None);
    }
    let change = Change {
        campaign: batch.campaign,
        key: batch.key,
        positions: &changed.positions,
        sender: None,
        delta: changed.delta,
        streak: (batch.run, batch.streak),
        not_before: batch.not_before,
    };
    let progress = record(tx, &change, false).await?;
    progress.map(Some).ok_or(Error::NotFound("broadcast campaign"))
}

#[derive(Serialize)]
struct Lease {
    seq: i64,
}

/// Marks leases as wholly settled, so that a takeover need not look at them.
pub async fn close(tx: &Tx, campaign: BroadcastCampaignId, leases: &[i64]) -> Result<()> {
    if leases.is_empty() {
        return Ok(());
    }
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "UPDATE job_changes AS l SET sender_id = NULL FROM {} WHERE l.campaign_id = $1 AND l.seq = r.seq",
        dialect.table("$2", &[("seq", "bigint")]),
    );
    tx.execute_raw(dialect.statement(&sql, [campaign.into(), self::leases(leases)])).await?;
    Ok(())
}

/// Leases by their entries in the change log, as a parameter.
pub(super) fn leases(leases: &[i64]) -> Value {
    let leases: Vec<Lease> = leases.iter().map(|seq| Lease { seq: *seq }).collect();
    rows(&leases)
}

/// The news that channels get from a batch.
#[derive(Debug, Clone)]
pub struct ChannelResult {
    pub channel: ChannelId,
    pub outcome: ChannelOutcome,
    pub error: Option<String>,
}

/// How a channel took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChannelOutcome {
    /// The channel took the message: its errors in a row end.
    Delivered,
    /// The channel refused the message.
    Refused,
    /// The channel does not exist.
    Gone,
    /// The channel takes no messages of this sort, and others as before.
    Noted,
}

#[derive(Serialize)]
struct ChannelRow<'a> {
    id: ChannelId,
    outcome: ChannelOutcome,
    error: Option<&'a str>,
}

/// Counts errors on the channels, locked in the order of their ids, and returns those that this deactivated.
pub async fn channels(tx: &Tx, results: &[ChannelResult], now: DateTime<Utc>, limit: i32) -> Result<Vec<ChannelId>> {
    if results.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = Dialect(tx.get_database_backend());
    let columns = [("id", "uuid"), ("outcome", "text"), ("error", "text")];
    let table: Vec<ChannelRow> = results
        .iter()
        .map(|result| ChannelRow { id: result.channel, outcome: result.outcome, error: result.error.as_deref() })
        .collect();
    let table = rows(&table);
    // Fifty shared channels, locked unordered by four workers, gave 26 deadlocks in eight seconds; in order, none.
    let lock = format!(
        "SELECT c.id, c.is_active FROM channels c JOIN {} ON c.id = r.id ORDER BY c.id {}",
        dialect.table("$1", &columns),
        dialect.for_update_of("c"),
    );
    let mut active = Vec::new();
    for row in tx.query_all_raw(dialect.statement(&lock, [table.clone()])).await? {
        if row.try_get::<bool>("", "is_active")? {
            active.push(row.try_get::<ChannelId>("", "id")?);
        }
    }
    let update = format!(
        "UPDATE channels AS c SET
             error_count = CASE r.outcome WHEN 'DELIVERED' THEN 0 WHEN 'NOTED' THEN c.error_count ELSE c.error_count + 1 END,
             last_error = CASE WHEN r.outcome = 'DELIVERED' THEN c.last_error ELSE r.error END,
             is_active = CASE WHEN r.outcome = 'GONE' OR (r.outcome = 'REFUSED' AND c.error_count + 1 >= $2)
                              THEN FALSE ELSE c.is_active END,
             updated_at = $3, version = c.version + 1
         FROM {} WHERE c.id = r.id",
        dialect.table("$1", &columns),
    );
    tx.execute_raw(dialect.statement(&update, [table.clone(), limit.into(), now.into()])).await?;
    let read = format!(
        "SELECT c.id FROM channels c JOIN {} ON c.id = r.id WHERE NOT c.is_active ORDER BY c.id",
        dialect.table("$1", &columns),
    );
    let inactive = tx.query_all_raw(dialect.statement(&read, [table])).await?;
    let inactive = inactive.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<ChannelId>, _>>()?;
    Ok(inactive.into_iter().filter(|id| active.contains(id)).collect())
}
