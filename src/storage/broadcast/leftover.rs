//! Campaigns that were deleted while their jobs still wait to be removed, in chunks.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType};

use crate::Tx;
use domain::error::Result;
use domain::id::BroadcastCampaignId;

/// A deleted campaign.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "broadcast_campaign_leftovers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: BroadcastCampaignId,
}

joins_nothing!();

impl Entity {
    /// Locks a deleted campaign to remove of it. False: nothing is left, or somebody else is at it, whose rows may come back.
    pub async fn claim(tx: &Tx, id: BroadcastCampaignId) -> Result<bool> {
        let row = Self::find_by_id(id).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        Ok(row.one(tx).await?.is_some())
    }
}
