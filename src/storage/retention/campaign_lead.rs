//! Which leads are in which retention campaigns.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use super::campaign;
use crate::noun::noun;
use domain::id::{CampaignLeadId, LeadId, RetentionCampaignId};
use domain::retention::words::CampaignLeadStatus;

/// A lead in a campaign.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "campaign_leads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CampaignLeadId,
    pub campaign_id: RetentionCampaignId,
    pub lead_id: LeadId,
    pub status: CampaignLeadStatus,
    pub assigned_at: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
}

joins_nothing!();

noun!(CampaignLeadId);

impl Entity {
    /// The leads of a campaign.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::CampaignId)).eq(campaign))
    }

    /// Makes CONTACTED what is PENDING.
    pub fn contacted(campaign: RetentionCampaignId, lead: LeadId) -> sea_orm::UpdateMany<Self> {
        Self::update_many()
            .col_expr(Column::Status, Expr::val(CampaignLeadStatus::Contacted))
            .filter(Column::CampaignId.eq(campaign))
            .filter(Column::LeadId.eq(lead))
            .filter(Column::Status.eq(CampaignLeadStatus::Pending))
    }

    /// The campaigns of a lead; those that were deleted are not among them.
    pub fn with(lead: impl Into<Expr>) -> Select<Self> {
        let of_lead = Self::find().filter(Expr::col((Self, Column::LeadId)).eq(lead));
        of_lead.filter(Column::CampaignId.not_in_subquery(campaign::Entity::gone()))
    }
}

crate::filter::filter! {
    /// Which leads of a campaign are wanted.
    CampaignLeadFilter of Entity {
        statuses: Vec<CampaignLeadStatus> => |statuses| Column::Status.is_in(statuses),
    }
}
