//! Takes away old rows that nothing needs any more, some at a time. What reports say of them stays.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use crate::Tx;
use crate::imports::ImportTable;
use crate::sql::Dialect;
use crate::sums::{self, Summed, list, listed};
use domain::error::Result;

/// Rows that one transaction takes away.
const ROUND: i64 = 1_000;

/// How far a walk has come: the next round begins behind it, past what had to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    at: DateTime<Utc>,
    id: Uuid,
}

/// What one round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Rows that were taken away.
    pub gone: u64,
    /// Where the next round begins; None at the end.
    pub place: Option<Place>,
}

impl Place {
    /// Before everything.
    pub const START: Self = Self { at: sums::begin(), id: Uuid::nil() };
}

/// Takes away contacts that began before `before`. There stay:
/// - those that are about to be made;
/// - those that a conversion is credited to;
/// - those of enrollments that go on, whose conditions look at them;
/// - those of A/B tests, whose result is counted from them;
/// - those that Instantly has made: by them is known who is in its campaigns already.
pub async fn contacts(tx: &Tx, before: DateTime<Utc>, place: Place) -> Result<Round> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "SELECT a.id AS id, a.id AS step, a.started_at AS at FROM contact_attempts a
         WHERE a.started_at < $1 AND (a.started_at, a.id) > ($2, $3)
           AND a.status <> 'PENDING' AND a.ab_test_id IS NULL AND (a.provider IS NULL OR a.provider <> 'instantly')
           AND NOT EXISTS (SELECT 1 FROM conversions c WHERE c.contact_attempt_id = a.id)
           AND NOT EXISTS (SELECT 1 FROM sequence_step_executions e JOIN sequence_enrollments n ON n.id = e.enrollment_id
                           WHERE e.contact_attempt_id = a.id AND n.status IN ('ACTIVE', 'PAUSED'))
         ORDER BY a.started_at, a.id LIMIT $4 {}",
        dialect.skip_locked("a")
    );
    let (ids, place) = chosen(tx, &sql, before, place).await?;
    let gone = take(tx, Summed::Contacts, &ids, before).await?;
    Ok(Round { gone, place })
}

/// Takes away the steps of enrollments that have ended, and of which none was due at `before` or later. The enrollments stay: by them
/// is known who was in a sequence already.
pub async fn steps(tx: &Tx, before: DateTime<Utc>, place: Place) -> Result<Round> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = "SELECT e.enrollment_id AS id, e.id AS step, e.scheduled_at AS at FROM sequence_step_executions e
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         WHERE e.scheduled_at < $1 AND (e.scheduled_at, e.id) > ($2, $3) AND n.status NOT IN ('ACTIVE', 'PAUSED')
           AND NOT EXISTS (SELECT 1 FROM sequence_step_executions o WHERE o.enrollment_id = e.enrollment_id
                           AND (o.status = 'SCHEDULED' OR o.lease IS NOT NULL OR o.scheduled_at >= $1))
         ORDER BY e.scheduled_at, e.id LIMIT $4";
    let (mut enrollments, place) = chosen(tx, sql, before, place).await?;
    enrollments.sort_unstable();
    enrollments.dedup();
    let all = format!(
        "SELECT e.id FROM sequence_step_executions e WHERE e.enrollment_id IN ({}) {}",
        listed(dialect),
        dialect.skip_locked("e")
    );
    let found = tx.query_all_raw(dialect.statement(&all, [list(&enrollments)])).await?;
    let ids = found.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<Uuid>, _>>()?;
    let gone = take(tx, Summed::Executions, &ids, before).await?;
    Ok(Round { gone, place })
}

/// The ids of a select, and where the next one begins.
async fn chosen(tx: &Tx, sql: &str, before: DateTime<Utc>, place: Place) -> Result<(Vec<Uuid>, Option<Place>)> {
    let dialect = Dialect(tx.get_database_backend());
    let values: [Value; 4] = [before.into(), place.at.into(), place.id.into(), ROUND.into()];
    let found = tx.query_all_raw(dialect.statement(sql, values)).await?;
    let ids = found.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<Uuid>, _>>()?;
    let is_full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= ROUND;
    let place = match found.last().filter(|_| is_full) {
        Some(last) => Some(Place { at: last.try_get("", "at")?, id: last.try_get("", "step")? }),
        None => None,
    };
    Ok((ids, place))
}

async fn take(tx: &Tx, what: Summed, ids: &[Uuid], before: DateTime<Utc>) -> Result<u64> {
    if ids.is_empty() {
        return Ok(0);
    }
    sums::keep(tx, what, ids).await?;
    sums::pruned(tx, what, before).await?;
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!("DELETE FROM {} WHERE id IN ({})", what.name(), listed(dialect));
    Ok(tx.execute_raw(dialect.statement(&sql, [list(ids)])).await?.rows_affected())
}

/// Takes away imports that ended before `before`, with the lines that did not go in.
pub async fn imports<T: ImportTable>(tx: &Tx, before: DateTime<Utc>) -> Result<u64> {
    let dialect = Dialect(tx.get_database_backend());
    let table = sea_orm::EntityName::table_name(&T::default()).to_owned();
    let sql = format!(
        "SELECT id FROM {table} WHERE status NOT IN ('QUEUED', 'RUNNING') AND COALESCE(completed_at, created_at) < $1
         ORDER BY id LIMIT $2"
    );
    // Each has a thousand lines at most.
    let values: [Value; 2] = [before.into(), 50_i64.into()];
    let found = tx.query_all_raw(dialect.statement(&sql, values)).await?;
    let ids = found.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<Uuid>, _>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    let errors = format!("DELETE FROM {} WHERE import_id IN ({})", T::ERRORS, listed(dialect));
    tx.execute_raw(dialect.statement(&errors, [list(&ids)])).await?;
    let rows = format!("DELETE FROM {table} WHERE id IN ({})", listed(dialect));
    Ok(tx.execute_raw(dialect.statement(&rows, [list(&ids)])).await?.rows_affected())
}
