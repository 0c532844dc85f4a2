//! Steps that limits have put off, and that are decided about once more: the limits have changed.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};

use crate::Tx;
use crate::sql::Dialect;
use domain::error::Result;
use domain::id::{LeadId, RetentionCampaignId, RetentionSequenceId};

/// Whose limits have changed.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// Those of a campaign's sequences.
    Campaign(RetentionCampaignId),
    /// Those of one sequence: it goes by another campaign.
    Sequence(RetentionSequenceId),
    /// Those of one lead.
    Lead(LeadId),
}

/// Has what was put off decided about again at `now`, the present instant of sequences. What somebody is just leasing is due anyway.
pub async fn decide(tx: &Tx, whose: Whose, now: DateTime<Utc>) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let lock = if dialect.is_postgres() { "FOR UPDATE OF e SKIP LOCKED" } else { "" };
    let (of, id): (&str, Value) = match whose {
        Whose::Campaign(id) => ("s.campaign_id", id.into()),
        Whose::Sequence(id) => ("s.id", id.into()),
        Whose::Lead(id) => ("n.lead_id", id.into()),
    };
    let sql = format!(
        "UPDATE sequence_step_executions SET scheduled_at = $2 WHERE id IN (
             SELECT e.id FROM sequence_step_executions e
             JOIN sequence_enrollments n ON n.id = e.enrollment_id
             JOIN retention_sequences s ON s.id = n.sequence_id
             WHERE e.status = 'SCHEDULED' AND e.reason = 'LIMITS' AND e.holder IS NULL AND e.scheduled_at > $2
               AND {of} = $1 {lock})"
    );
    tx.execute_raw(dialect.statement(&sql, [id, now.into()])).await?;
    Ok(())
}
