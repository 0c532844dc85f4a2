//! Which leads go through which retention sequences.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use domain::error::{Error, Result};
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

/// Rows join nothing: loaders follow their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// All of them.
    pub fn all() -> Select<Self> {
        Self::find()
    }

    /// Those of `ids` that are there.
    pub fn by_ids(ids: &[SequenceEnrollmentId]) -> Select<Self> {
        Self::find().filter(Column::Id.is_in(ids.iter().copied()))
    }

    /// The enrollments of a sequence.
    pub fn of(sequence: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::SequenceId)).eq(sequence))
    }

    /// The enrollments of a lead.
    pub fn with(lead: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::LeadId)).eq(lead))
    }

    /// The enrollment `id`, locked until the transaction ends; `NOT_FOUND` if there is none.
    pub async fn require(tx: &impl ConnectionTrait, id: SequenceEnrollmentId) -> Result<Model> {
        let found = Self::find_by_id(id).lock_exclusive().one(tx).await?;
        found.ok_or(Error::NotFound("enrollment"))
    }
}
