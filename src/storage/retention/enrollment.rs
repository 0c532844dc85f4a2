//! Which leads go through which retention sequences.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use super::sequence;
use crate::noun::{Noun, noun};
use domain::error::Result;
use domain::id::{LeadId, RetentionSequenceId, SequenceEnrollmentId};
use domain::retention::words::{EndReason, EnrollmentStatus};

/// A lead in a sequence.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sequence_enrollments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SequenceEnrollmentId,
    pub sequence_id: RetentionSequenceId,
    pub lead_id: LeadId,
    /// From 1: how many times the lead has been enrolled in the sequence.
    pub attempt: i32,
    pub status: EnrollmentStatus,
    /// The version of the steps that it goes through.
    pub steps_version: i32,
    /// The place of the step that is next or being done, from 1.
    pub current_step: i32,
    /// Why it ended before the last step.
    pub end_reason: Option<EndReason>,
    pub enrolled_at: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
    pub last_step_at: Option<DateTimeUtc>,
    pub meta: Json,
    pub version: i32,
    /// The number of its last change within its sequence.
    pub change: i64,
}

joins_nothing!();

noun!(SequenceEnrollmentId {
    fn all() -> Select<Self> {
        Self::find().filter(Column::SequenceId.not_in_subquery(sequence::Entity::gone()))
    }
});

impl Entity {
    /// The enrollments of a sequence.
    pub fn of(sequence: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::SequenceId)).eq(sequence))
    }

    /// The enrollments of a lead, those too in sequences that were deleted and of which a task takes the last ones away.
    pub fn with_all(lead: LeadId) -> Select<Self> {
        Self::find().filter(Column::LeadId.eq(lead))
    }

    /// The enrollments of a lead; those in sequences that were deleted are not among them.
    pub fn with(lead: impl Into<Expr>) -> Select<Self> {
        Self::all().filter(Expr::col((Self, Column::LeadId)).eq(lead))
    }
}

crate::filter::filter! {
    /// Which enrollments are wanted.
    EnrollmentFilter of Entity {
        sequence: RetentionSequenceId => |id| Column::SequenceId.eq(id),
        lead: LeadId => |id| Column::LeadId.eq(id),
        statuses: Vec<EnrollmentStatus> => |statuses| Column::Status.is_in(statuses),
    }
}
