//! The steps of retention sequences.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use crate::noun::noun;
use domain::id::{RetentionSequenceId, ScriptId, SequenceStepId};
use domain::retention::words::{ContactChannel, DelayUnit};

/// A step of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sequence_steps")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SequenceStepId,
    pub sequence_id: RetentionSequenceId,
    /// Steps are replaced as a whole, under a new version; enrollments keep theirs.
    pub steps_version: i32,
    /// The step's place, from 1.
    pub step_order: i32,
    pub channel: ContactChannel,
    pub script_id: Option<ScriptId>,
    pub delay_value: i32,
    pub delay_unit: DelayUnit,
    pub conditions: Json,
    pub is_active: bool,
    /// The step that this is a later version of; None: it is the first.
    pub origin_id: Option<SequenceStepId>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

joins_nothing!();

impl Model {
    /// What the step is in all versions: tests know it by that.
    pub fn origin(&self) -> SequenceStepId {
        self.origin_id.unwrap_or(self.id)
    }
}

noun!(SequenceStepId);

impl Entity {
    /// The steps of sequences under these versions, in order.
    pub fn under(sequences: &[RetentionSequenceId], versions: &[i32]) -> Select<Self> {
        let of_these = Column::SequenceId.is_in(sequences.iter().copied());
        let of_versions = Column::StepsVersion.is_in(versions.iter().copied());
        Self::find().filter(of_these).filter(of_versions).order_by_asc(Column::StepOrder)
    }

    /// The steps of a sequence, of all versions.
    pub fn of(sequence: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::SequenceId)).eq(sequence))
    }

    /// The steps that say a script.
    pub fn saying(script: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::ScriptId)).eq(script))
    }
}
