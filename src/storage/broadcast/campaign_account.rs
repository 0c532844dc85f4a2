//! Which accounts were chosen for which campaign.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use domain::id::{BroadcastCampaignId, TelegramAccountId};

/// One account of one campaign. A campaign without any goes by all that are active.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "campaign_accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: BroadcastCampaignId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: TelegramAccountId,
    /// From 0, in the order of the choice: the first one's Saved Messages take what a TEST sends.
    pub position: i32,
}

joins_nothing!();

impl Entity {
    /// The accounts of a campaign, in the order of the choice.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::CampaignId)).eq(campaign)).order_by_asc(Column::Position)
    }

    /// The accounts of many campaigns, in the order of the choice.
    pub fn of_all(campaigns: &[BroadcastCampaignId]) -> Select<Self> {
        let chosen = Self::find().filter(Column::CampaignId.is_in(campaigns.iter().copied()));
        chosen.order_by_asc(Column::CampaignId).order_by_asc(Column::Position)
    }

    /// Takes an account out of the choices of all campaigns.
    pub fn forget(account: TelegramAccountId) -> sea_orm::DeleteMany<Self> {
        Self::delete_many().filter(Column::AccountId.eq(account))
    }

    /// Takes the choice of a campaign back.
    pub fn clear(campaign: BroadcastCampaignId) -> sea_orm::DeleteMany<Self> {
        Self::delete_many().filter(Column::CampaignId.eq(campaign))
    }
}
