//! What a process has leased and not settled.

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use super::claim::columns;
use crate::Tx;
use crate::retention::{enrollment, execution};
use crate::sql::{Dialect, rows};
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

#[derive(Serialize)]
struct Leased {
    id: SequenceStepExecutionId,
}

/// Executions, locked, each with its enrollment.
pub async fn with_enrollments(
    tx: &Tx,
    ids: &[SequenceStepExecutionId],
) -> Result<Vec<(execution::Model, enrollment::Model)>> {
    let ids: Vec<Leased> = ids.iter().map(|id| Leased { id: *id }).collect();
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "SELECT {}, {} FROM sequence_step_executions e JOIN sequence_enrollments n ON n.id = e.enrollment_id
         WHERE e.id IN (SELECT r.id FROM {}) ORDER BY e.id {}",
        columns::<execution::Entity>("e"),
        columns::<enrollment::Entity>("n"),
        dialect.table("$1", &[("id", "uuid")]),
        dialect.for_update_of("e"),
    );
    let found = tx.query_all_raw(dialect.statement(&sql, [rows(&ids)])).await?;
    let read = |row: &QueryResult| {
        let execution = execution::Model::from_query_result(row, "e_")?;
        Ok((execution, enrollment::Model::from_query_result(row, "n_")?))
    };
    found.iter().map(read).collect()
}
