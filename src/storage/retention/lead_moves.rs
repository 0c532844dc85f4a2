//! The history of a lead goes over to another one, table by table, in statements over all rows at once.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};

use crate::domain::error::Result;
use crate::domain::id::LeadId;
use crate::storage::Tx;
use crate::storage::sql::Dialect;

/// How many rows moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    pub attempts: u64,
    pub conversions: u64,
    pub enrollments: u64,
    pub campaigns: u64,
}

/// Moves everything from `from` to `to`; both are locked. What both have is what `to` has, as far as it is further.
pub async fn all(tx: &Tx, from: LeadId, to: LeadId, now: DateTime<Utc>) -> Result<Moved> {
    let run = async |sql: &str, now: Option<DateTime<Utc>>| -> Result<u64> {
        let values = [Value::from(from), Value::from(to)].into_iter().chain(now.map(Value::from));
        let statement = Dialect(tx.get_database_backend()).statement(sql, values);
        Ok(tx.execute_raw(statement).await?.rows_affected())
    };
    let attempts = run("UPDATE contact_attempts SET lead_id = $2 WHERE lead_id = $1", None).await?;
    let conversions = run("UPDATE conversions SET lead_id = $2 WHERE lead_id = $1", None).await?;
    run("UPDATE consents SET lead_id = $2 WHERE lead_id = $1", None).await?;
    run(FURTHER_IN_CAMPAIGNS, None).await?;
    run(IN_BOTH_CAMPAIGNS, None).await?;
    let campaigns = run("UPDATE campaign_leads SET lead_id = $2 WHERE lead_id = $1", None).await?;
    run(CANCEL_EXECUTIONS, None).await?;
    run(CANCEL_ENROLLMENTS, Some(now)).await?;
    let enrollments = run(MOVE_ENROLLMENTS, None).await?;
    Ok(Moved { attempts, conversions, enrollments, campaigns })
}

const FURTHER_IN_CAMPAIGNS: &str = "UPDATE campaign_leads AS k
    SET status = d.status, completed_at = COALESCE(k.completed_at, d.completed_at)
    FROM campaign_leads AS d
    WHERE k.lead_id = $2 AND d.lead_id = $1 AND d.campaign_id = k.campaign_id
      AND (k.status = 'PENDING' OR d.status = 'COMPLETED')";

const IN_BOTH_CAMPAIGNS: &str = "DELETE FROM campaign_leads WHERE lead_id = $1
    AND campaign_id IN (SELECT k.campaign_id FROM campaign_leads k WHERE k.lead_id = $2)";

/// The live enrollments of the one in sequences in which the other has a live one.
macro_rules! in_both_sequences {
    () => {
        "SELECT d.id FROM sequence_enrollments d
         JOIN sequence_enrollments k ON k.sequence_id = d.sequence_id AND k.lead_id = $2 AND k.status IN ('ACTIVE', 'PAUSED')
         WHERE d.lead_id = $1 AND d.status IN ('ACTIVE', 'PAUSED')"
    };
}

const CANCEL_EXECUTIONS: &str = concat!(
    "UPDATE sequence_step_executions SET status = 'CANCELLED'
     WHERE status IN ('PENDING', 'SCHEDULED', 'FAILED') AND holder IS NULL AND enrollment_id IN (",
    in_both_sequences!(),
    ")"
);

const CANCEL_ENROLLMENTS: &str = concat!(
    "UPDATE sequence_enrollments SET status = 'CANCELLED', end_reason = 'MERGED', completed_at = $3, version = version + 1
     WHERE id IN (",
    in_both_sequences!(),
    ")"
);

/// Each enrollment of a lead in a sequence has its number: these follow those that are there.
const MOVE_ENROLLMENTS: &str =
    "UPDATE sequence_enrollments SET lead_id = $2, version = version + 1, attempt = attempt + (
        SELECT COALESCE(MAX(k.attempt), 0) FROM sequence_enrollments k
        WHERE k.sequence_id = sequence_enrollments.sequence_id AND k.lead_id = $2)
    WHERE lead_id = $1";
