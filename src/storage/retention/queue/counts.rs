//! How many steps became what.

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::noun::Noun;
use crate::retention::execution::{Column, Entity};
use domain::error::Result;
use domain::id::SequenceStepId;
use domain::retention::words::ExecutionStatus;

/// How many executions of these steps are in which state.
pub async fn of_steps(
    db: &impl ConnectionTrait,
    steps: &[SequenceStepId],
) -> Result<Vec<(SequenceStepId, ExecutionStatus, i32)>> {
    let rows: Vec<(SequenceStepId, ExecutionStatus, i64)> = Entity::all()
        .select_only()
        .column(Column::StepId)
        .column(Column::Status)
        .column_as(Column::Id.count(), "executions")
        .filter(Column::StepId.is_in(steps.iter().copied()))
        .group_by(Column::StepId)
        .group_by(Column::Status)
        .order_by_asc(Column::Status)
        .into_tuple()
        .all(db)
        .await?;
    let shown = |(step, status, count)| (step, status, i32::try_from(count).unwrap_or(i32::MAX));
    Ok(rows.into_iter().map(shown).collect())
}
