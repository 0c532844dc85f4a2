//! What a process has leased and not settled.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::sql::Dialect;
use domain::error::Result;
use domain::id::{ContactAttemptId, LeadId, SenderId, SequenceEnrollmentId, SequenceStepExecutionId};

/// An execution that is leased.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Held {
    pub id: SequenceStepExecutionId,
    pub enrollment_id: SequenceEnrollmentId,
    pub lead_id: LeadId,
    pub contact_attempt_id: Option<ContactAttemptId>,
    pub lease: i64,
}

/// The executions that `sender` has leased, by id, after `after`.
pub async fn held_by(
    db: &impl ConnectionTrait,
    sender: SenderId,
    after: Option<SequenceStepExecutionId>,
    limit: i64,
) -> Result<Vec<Held>> {
    let sql = "SELECT e.id, e.enrollment_id, n.lead_id, e.contact_attempt_id, e.lease
               FROM sequence_step_executions e JOIN sequence_enrollments n ON n.id = e.enrollment_id
               WHERE e.holder = $1 AND e.lease IS NOT NULL AND e.id > $2 ORDER BY e.id LIMIT $3";
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let values: [Value; 3] = [sender.into(), after.into(), limit.into()];
    let found = db.query_all_raw(Dialect(db.get_database_backend()).statement(sql, values)).await?;
    found.iter().map(|row| Ok(Held::from_query_result(row, "")?)).collect()
}
