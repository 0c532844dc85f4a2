//! Enrollments in the order of their last changes (R8).

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use crate::retention::enrollment::{Column, Entity};
use domain::id::{LeadId, RetentionSequenceId};

/// Enrollments of a sequence, or of one lead in it, that were last changed after a place: a change and an enrollment's id.
pub fn after(sequence: RetentionSequenceId, lead: Option<LeadId>, place: (i64, Uuid), limit: u64) -> Select<Entity> {
    let (change, id) = place;
    let later = Condition::any()
        .add(Column::Change.gt(change))
        .add(Condition::all().add(Column::Change.eq(change)).add(Expr::col(Column::Id).gt(id)));
    let select = Entity::of(sequence).filter(later).order_by_asc(Column::Change).order_by_asc(Column::Id).limit(limit);
    match lead {
        Some(lead) => select.filter(Column::LeadId.eq(lead)),
        None => select,
    }
}
