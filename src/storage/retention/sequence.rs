//! Retention sequences.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use sea_orm::{Condition, QuerySelect, QueryTrait, UpdateMany};

use crate::folded::{self, Folded, FoldedFrom};
use crate::noun::noun;
use crate::retention::lists::Channels;
use crate::retention::sequence_step;
use domain::error::Result;
use domain::id::{RetentionCampaignId, RetentionSequenceId, ScriptId};
use domain::retention::words::{RetentionSequenceStatus, SequenceAudience, TriggerType};

/// A retention sequence.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_sequences")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RetentionSequenceId,
    pub name: String,
    pub description: Option<String>,
    pub status: RetentionSequenceStatus,
    pub channels: Channels,
    pub trigger_type: TriggerType,
    pub trigger_config: Json,
    /// The campaign whose contact hours and limits govern it; None: the defaults.
    pub campaign_id: Option<RetentionCampaignId>,
    /// The version of its steps that new enrollments get; 0 before there are any.
    pub steps_version: i32,
    /// For whom it is.
    pub audience: SequenceAudience,
    /// Up to which instant the trigger has looked at leads.
    pub watermark: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
    /// The name as it is searched and sorted.
    pub name_fold: Folded,
    /// The description as it is searched.
    pub description_fold: Folded,
    /// Why it paused by itself; of one that does not run, why it should not be activated without a look.
    pub pause_reason: Option<String>,
    /// Whether it was activated where contacts go nowhere; None if it never was, or by a version that did not write it down.
    pub is_simulated: Option<bool>,
    /// When it was deleted, of one that large tables still name; nobody sees it any more.
    pub deleted_at: Option<DateTimeUtc>,
}

joins_nothing!();

noun!(RetentionSequenceId {
    const FOLDED: &'static [FoldedFrom<Column>] =
        &[(Column::NameFold, &[Column::Name]), (Column::DescriptionFold, &[Column::Description])];

    fn all() -> Select<Self> {
        Self::present()
    }

    fn changeable() -> Select<Self> {
        Self::present()
    }
});

impl Entity {
    /// Sequences that were not deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }

    /// The ids of sequences that were deleted, and that large tables still name.
    pub fn gone() -> SelectStatement {
        Self::find().filter(Column::DeletedAt.is_not_null()).select_only().column(Column::Id).into_query()
    }

    /// The sequences of a campaign.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::present().filter(Expr::col((Self, Column::CampaignId)).eq(campaign))
    }

    /// Sequences that go on and have, in any version of their steps, one with this script.
    pub fn using(script: ScriptId) -> Select<Self> {
        let steps = sequence_step::Entity::find().filter(sequence_step::Column::ScriptId.eq(script));
        let steps = steps.select_only().column(sequence_step::Column::SequenceId);
        let going_on = Self::present().filter(Column::Status.ne(RetentionSequenceStatus::Archived));
        going_on.filter(Column::Id.in_subquery(steps.into_query()))
    }

    /// Active sequences that enroll leads by themselves.
    pub fn triggered() -> Select<Self> {
        let by_itself = [TriggerType::NewLead, TriggerType::NoConversion];
        Self::find()
            .filter(Column::Status.eq(RetentionSequenceStatus::Active))
            .filter(Column::TriggerType.is_in(by_itself))
    }

    /// Notes that its trigger has looked at all leads up to `until`. It never goes back, should two workers look at once.
    pub fn looked(id: RetentionSequenceId, until: DateTimeUtc) -> UpdateMany<Self> {
        let earlier = Condition::any().add(Column::Watermark.is_null()).add(Column::Watermark.lt(until));
        Self::update_many()
            .col_expr(Column::Watermark, Expr::value(until))
            .filter(Column::Id.eq(id))
            .filter(Column::Status.eq(RetentionSequenceStatus::Active))
            .filter(earlier)
    }
}

crate::filter::filter! {
    /// Which sequences are wanted.
    SequenceFilter of Entity {
        statuses: Vec<RetentionSequenceStatus> => |statuses| Column::Status.is_in(statuses),
        trigger_types: Vec<TriggerType> => |types| Column::TriggerType.is_in(types),
        campaign: RetentionCampaignId => |id| Column::CampaignId.eq(id),
        search: String => |part: String| folded::any_has(&[Column::NameFold, Column::DescriptionFold], &part),
    }
}
