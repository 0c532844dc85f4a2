//! Whether a contact that was leased is still to be made, some time later.

use sea_orm::ConnectionTrait;

use crate::Tx;
use crate::retention::campaign;
use crate::sql::Dialect;
use crate::stop::NOTHING_IS_STOPPED;
use domain::error::Result;
use domain::id::{ContactAttemptId, RetentionCampaignId};

/// Whether the contact is still to be made: nothing is stopped, its step is leased, its enrollment, sequence and campaign go on, and the lead wants
/// it. The sequence's hot row is locked against a pause (R5), and no other row of the five is.
pub async fn stands(tx: &Tx, attempt: ContactAttemptId) -> Result<bool> {
    let dialect = Dialect(tx.get_database_backend());
    let lock = if dialect.is_postgres() { "FOR SHARE OF p" } else { "" };
    let sql = format!(
        "SELECT s.campaign_id FROM sequence_step_executions e
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         JOIN sequence_progress p ON p.sequence_id = n.sequence_id
         JOIN retention_sequences s ON s.id = n.sequence_id
         JOIN leads l ON l.id = n.lead_id
         WHERE e.contact_attempt_id = $1 AND e.lease IS NOT NULL AND e.status = 'SCHEDULED'
           AND n.status = 'ACTIVE' AND p.status = 'ACTIVE' AND l.status <> 'DO_NOT_CONTACT' AND NOT l.no_telegram
           AND {NOTHING_IS_STOPPED} {lock}"
    );
    let Some(row) = tx.query_one_raw(dialect.statement(&sql, [attempt.into()])).await? else { return Ok(false) };
    let campaign: Option<RetentionCampaignId> = row.try_get("", "campaign_id")?;
    match campaign {
        Some(id) => Ok(campaign::Entity::paused(tx, &[id]).await?.is_empty()),
        None => Ok(true),
    }
}
