//! Campaigns that were deleted while their jobs still wait to be removed, in chunks.

use sea_orm::entity::prelude::*;

use domain::id::BroadcastCampaignId;

/// A deleted campaign.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "broadcast_campaign_leftovers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: BroadcastCampaignId,
}

joins_nothing!();
