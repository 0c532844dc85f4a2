//! What providers report later: the execution of a contact follows its attempt.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use domain::error::Result;
use domain::id::{ContactAttemptId, RetentionSequenceId};
use domain::retention::states::State;
use domain::retention::words::{ContactAttemptStatus, ExecutionStatus};
use storage::Tx;
use storage::retention::queue::{self, Deltas};
use storage::retention::{enrollment, execution};

/// Notes that a contact attempt became `status`, in the transaction that wrote that down and that holds its lead. Returns the
/// sequence that it changed: to be told as an event after the commit. What is still in flight follows when it is settled.
pub async fn reported(
    tx: &Tx,
    attempt: ContactAttemptId,
    status: ContactAttemptStatus,
) -> Result<Option<RetentionSequenceId>> {
    let to = match status {
        ContactAttemptStatus::Pending | ContactAttemptStatus::Unknown => return Ok(None),
        ContactAttemptStatus::Sent => ExecutionStatus::Sent,
        ContactAttemptStatus::Delivered | ContactAttemptStatus::Success => ExecutionStatus::Delivered,
        ContactAttemptStatus::Failed | ContactAttemptStatus::Bounced => ExecutionStatus::Failed,
    };
    let found = execution::Entity::find().filter(execution::Column::ContactAttemptId.eq(attempt));
    let Some(row) = found.lock_exclusive().one(tx).await? else { return Ok(None) };
    if row.lease.is_some() || row.status == ExecutionStatus::Scheduled || !row.status.may_become(to) {
        return Ok(None);
    }
    let Some(enrollment) = enrollment::Entity::find_by_id(row.enrollment_id).one(tx).await? else { return Ok(None) };
    let mut deltas = Deltas::new();
    let delta = deltas.entry(enrollment.sequence_id).or_default();
    delta.step(Some(row.status), Some(to));
    delta.touched(enrollment.id);
    let mut row: execution::ActiveModel = row.into();
    row.status = Set(to);
    row.update(tx).await?;
    queue::record(tx, &deltas).await?;
    Ok(Some(enrollment.sequence_id))
}
