//! The change log of a campaign's jobs (R8): readers walk it by `seq` and miss nothing.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;

use domain::id::{BroadcastCampaignId, SenderId};

/// One change of many jobs of one campaign.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_changes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: BroadcastCampaignId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// Written on the jobs too: a job is told only by its last change.
    pub key: i64,
    /// Ranges of positions, as `domain::positions` writes them.
    pub positions: String,
    /// The holder of this lease, until all of its jobs are settled.
    pub sender_id: Option<SenderId>,
}

joins_nothing!();

impl Entity {
    /// Entries of a campaign after `seq`, in order.
    pub fn after(campaign: BroadcastCampaignId, seq: i64) -> Select<Self> {
        Self::find().filter(Column::CampaignId.eq(campaign)).filter(Column::Seq.gt(seq)).order_by_asc(Column::Seq)
    }

    /// All entries of a campaign, to be removed.
    pub fn forget(campaign: BroadcastCampaignId) -> sea_orm::DeleteMany<Self> {
        Self::delete_many().filter(Column::CampaignId.eq(campaign))
    }

    /// Leases of a sender that are not wholly settled.
    pub fn held_by(sender: SenderId) -> Select<Self> {
        Self::find().filter(Column::SenderId.eq(sender)).order_by_asc(Column::CampaignId).order_by_asc(Column::Seq)
    }
}
