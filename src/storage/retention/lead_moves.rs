//! The history of a lead goes over to another one, table by table, in statements over all rows at once.

use sea_orm::{ConnectionTrait, Value};

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::LeadId;

/// How many rows moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    pub attempts: u64,
    pub conversions: u64,
    pub enrollments: u64,
    pub campaigns: u64,
}

/// Moves everything from `from` to `to`; both are locked. What both have is what `to` has, as far as it is further; in
/// no sequence have both a live enrollment.
pub async fn all(tx: &Tx, from: LeadId, to: LeadId) -> Result<Moved> {
    let run = async |sql: &str| -> Result<u64> {
        let values = [Value::from(from), Value::from(to)];
        let statement = Dialect(tx.get_database_backend()).statement(sql, values);
        Ok(tx.execute_raw(statement).await?.rows_affected())
    };
    let attempts = run("UPDATE contact_attempts SET lead_id = $2 WHERE lead_id = $1").await?;
    let conversions = run("UPDATE conversions SET lead_id = $2 WHERE lead_id = $1").await?;
    run("UPDATE consents SET lead_id = $2 WHERE lead_id = $1").await?;
    run("UPDATE instantly_leads SET lead_id = $2 WHERE lead_id = $1").await?;
    run(FURTHER_IN_CAMPAIGNS).await?;
    run(IN_BOTH_CAMPAIGNS).await?;
    let campaigns = run("UPDATE campaign_leads SET lead_id = $2 WHERE lead_id = $1").await?;
    let enrollments = run(MOVE_ENROLLMENTS).await?;
    Ok(Moved { attempts, conversions, enrollments, campaigns })
}

const FURTHER_IN_CAMPAIGNS: &str = "UPDATE campaign_leads AS k
    SET status = d.status, completed_at = COALESCE(k.completed_at, d.completed_at)
    FROM campaign_leads AS d
    WHERE k.lead_id = $2 AND d.lead_id = $1 AND d.campaign_id = k.campaign_id
      AND (k.status = 'PENDING' OR d.status = 'COMPLETED')";

const IN_BOTH_CAMPAIGNS: &str = "DELETE FROM campaign_leads WHERE lead_id = $1
    AND campaign_id IN (SELECT k.campaign_id FROM campaign_leads k WHERE k.lead_id = $2)";

/// Each enrollment of a lead in a sequence has its number: these follow those that are there.
const MOVE_ENROLLMENTS: &str =
    "UPDATE sequence_enrollments SET lead_id = $2, version = version + 1, attempt = attempt + (
        SELECT COALESCE(MAX(k.attempt), 0) FROM sequence_enrollments k
        WHERE k.sequence_id = sequence_enrollments.sequence_id AND k.lead_id = $2)
    WHERE lead_id = $1";
