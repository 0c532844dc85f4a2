//! Whether a contact that was leased is still to be made, some time later.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use serde::Serialize;

use super::claim::goes_on;
use crate::Tx;
use crate::sql::{Dialect, rows};
use domain::error::Result;
use domain::id::{ContactAttemptId, SequenceStepExecutionId};

#[derive(Serialize)]
struct One {
    id: SequenceStepExecutionId,
}

/// Those of the executions that wait because their enrollment, sequence or campaign does not run at `now`, or everything is stopped.
pub async fn held(
    db: &impl ConnectionTrait,
    executions: &[SequenceStepExecutionId],
    now: DateTime<Utc>,
) -> Result<Vec<SequenceStepExecutionId>> {
    let dialect = Dialect(db.get_database_backend());
    let ids: Vec<One> = executions.iter().map(|id| One { id: *id }).collect();
    let sql = format!(
        "SELECT e.id FROM {}
         JOIN sequence_step_executions e ON e.id = r.id
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         JOIN retention_sequences s ON s.id = n.sequence_id
         WHERE e.status = 'SCHEDULED' AND NOT ({})",
        dialect.table("$1", &[("id", "uuid")]),
        goes_on("$2")
    );
    let found = db.query_all_raw(dialect.statement(&sql, [rows(&ids), now.into()])).await?;
    found.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Whether the contact is still to be made: nothing is stopped, its step is leased, its enrollment, sequence and campaign go on, and the lead wants
/// it. The sequence's hot row is locked against a pause (R5), and no other row of the five is.
pub async fn stands(tx: &Tx, attempt: ContactAttemptId, now: DateTime<Utc>) -> Result<bool> {
    let dialect = Dialect(tx.get_database_backend());
    let lock = if dialect.is_postgres() { "FOR SHARE OF p" } else { "" };
    let sql = format!(
        "SELECT e.id FROM sequence_step_executions e
         JOIN sequence_enrollments n ON n.id = e.enrollment_id
         JOIN sequence_progress p ON p.sequence_id = n.sequence_id
         JOIN retention_sequences s ON s.id = n.sequence_id
         JOIN leads l ON l.id = n.lead_id
         WHERE e.contact_attempt_id = $1 AND e.lease IS NOT NULL AND e.status = 'SCHEDULED'
           AND p.status = 'ACTIVE' AND l.status <> 'DO_NOT_CONTACT' AND NOT l.no_telegram AND {} {lock}",
        goes_on("$2")
    );
    Ok(tx.query_one_raw(dialect.statement(&sql, [attempt.into(), now.into()])).await?.is_some())
}
