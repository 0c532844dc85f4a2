//! How many steps became what.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};

use uuid::Uuid;

use crate::noun::Noun;
use crate::retention::execution::{Column, Entity};
use crate::tallies::{Kept, Tally, word};
use domain::error::Result;
use domain::id::SequenceStepId;
use domain::retention::words::ExecutionStatus;

/// How many executions of these steps are in which state.
pub async fn of_steps(
    db: &impl ConnectionTrait,
    steps: &[SequenceStepId],
) -> Result<Vec<(SequenceStepId, ExecutionStatus, i32)>> {
    let ids: Vec<Uuid> = steps.iter().map(|step| step.0).collect();
    if let Some(tallies) = Kept::Executions.tallies(db, Some(&ids)).await? {
        let count = |tally: &Tally| {
            let n = i32::try_from(tally.n).unwrap_or(i32::MAX);
            Ok((SequenceStepId(tally.owner.unwrap_or_default()), word(&tally.one)?, n))
        };
        let mut counts = tallies.iter().map(count).collect::<Result<Vec<_>>>()?;
        counts.sort_by_key(|(_, status, _): &(_, ExecutionStatus, _)| status.to_string());
        return Ok(counts);
    }
    let rows: Vec<(SequenceStepId, ExecutionStatus, i64)> = Entity::all()
        .select_only()
        .column(Column::StepId)
        .column(Column::Status)
        .column_as(Expr::cust("COUNT(*)"), "executions")
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
