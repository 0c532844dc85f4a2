//! A/B tests: which of two scripts does better.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{Condition, QueryOrder};

use crate::noun::noun;
use domain::error::Result;
use domain::id::{AbTestId, RetentionCampaignId, ScriptId, SequenceStepId};
use domain::retention::words::{AbTestStatus, AbVariant, ContactChannel};

/// An A/B test.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ab_tests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AbTestId,
    pub name: String,
    /// The campaign, or else the step, whose contacts are divided.
    pub campaign_id: Option<RetentionCampaignId>,
    pub step_id: Option<SequenceStepId>,
    pub channel: ContactChannel,
    pub variant_a: ScriptId,
    pub variant_b: ScriptId,
    pub status: AbTestStatus,
    /// When a winner may be declared.
    pub rule: Json,
    pub winner: Option<AbVariant>,
    pub winner_id: Option<ScriptId>,
    pub stats_a: Option<Json>,
    pub stats_b: Option<Json>,
    /// The numbers with which the winner was declared.
    pub verdict: Option<Json>,
    pub started_at: Option<DateTimeUtc>,
    pub ended_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i32,
    /// When it was deleted with its campaign or sequence, while contacts still name it; nobody sees it any more.
    pub deleted_at: Option<DateTimeUtc>,
}

joins_nothing!();

noun!(AbTestId {
    fn all() -> Select<Self> {
        Self::present()
    }

    fn changeable() -> Select<Self> {
        Self::present()
    }
});

impl Entity {
    /// Tests that were not deleted.
    pub fn present() -> Select<Self> {
        Self::find().filter(Column::DeletedAt.is_null())
    }

    /// The tests of a campaign.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::present().filter(Expr::col((Self, Column::CampaignId)).eq(campaign))
    }

    /// Tests that say which script goes out: they run, or they have a winner. The newest come first.
    pub fn deciding() -> Select<Self> {
        let decides = Condition::any().add(Column::Status.eq(AbTestStatus::Running)).add(Column::Winner.is_not_null());
        Self::present().filter(decides).order_by_desc(Column::StartedAt).order_by_desc(Column::Id)
    }

    /// The tests of these steps.
    pub fn at_steps(steps: impl IntoIterator<Item = SequenceStepId>) -> Select<Self> {
        Self::present().filter(Column::StepId.is_in(steps))
    }

    /// Tests with this script on one of their sides.
    pub fn using(script: ScriptId) -> Select<Self> {
        Self::present().filter(Column::VariantA.eq(script).or(Column::VariantB.eq(script)))
    }
}

crate::filter::filter! {
    /// Which tests are wanted.
    AbTestFilter of Entity {
        statuses: Vec<AbTestStatus> => |statuses| Column::Status.is_in(statuses),
        campaign: RetentionCampaignId => |id| Column::CampaignId.eq(id),
        step: SequenceStepId => |id| Column::StepId.eq(id),
        channel: ContactChannel => |channel| Column::Channel.eq(channel),
    }
}
