//! Lists of broadcast campaigns.

use crate::prelude::*;
use domain::broadcast::{CampaignMode, CampaignStatus, PausedBy};
use storage::broadcast::campaign::{self, Column};

/// Which campaigns are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct BroadcastCampaignFilter {
    /// In one of these states.
    statuses: Option<Vec<CampaignStatus>>,
    /// PAUSED, and by whom: HERALD finds those that wait for somebody to mend something.
    paused_by: Option<PausedBy>,
    /// TEST or LIVE only.
    mode: Option<CampaignMode>,
    /// Made for this batch.
    batch_id: Option<ID>,
    /// Made with this template.
    template_id: Option<ID>,
    /// Created by this user.
    created_by_id: Option<ID>,
    /// This is part of the name.
    name_contains: Option<String>,
    /// Created at this instant or later.
    created_after: Option<DateTime>,
    /// Created before this instant.
    created_before: Option<DateTime>,
}

impl BroadcastCampaignFilter {
    fn read(self) -> Result<campaign::CampaignFilter> {
        let Self {
            statuses,
            paused_by,
            mode,
            batch_id,
            template_id,
            created_by_id,
            name_contains,
            created_after,
            created_before,
        } = self;
        Ok(campaign::CampaignFilter {
            statuses,
            paused_by,
            mode,
            batch: batch_id.argument("filter.batchId")?,
            template: template_id.argument("filter.templateId")?,
            created_by: created_by_id.argument("filter.createdById")?,
            name_contains,
            created_after: created_after.map(Into::into),
            created_before: created_before.map(Into::into),
        })
    }
}

order! {
    /// What campaigns can be sorted by.
    enum BroadcastCampaignOrderField of campaign::Entity {
        /// The instant of creation.
        CreatedAt => Sort::by(Column::CreatedAt),
        /// In the order of the alphabet.
        Name => Sort::by_text(Column::NameFold, Column::Name),
        /// The instant of the last change of settings or status.
        UpdatedAt => Sort::by(Column::UpdatedAt),
        /// The messages a minute.
        DeliveryRate => Sort::by(Column::DeliveryRate),
    }
    /// How campaigns are sorted.
    BroadcastCampaignOrder, falling CreatedAt
}

/// Reads broadcast campaigns.
#[derive(Default)]
pub struct CampaignQuery;

#[Object]
impl CampaignQuery {
    /// The broadcast campaigns, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn broadcast_campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which campaigns.")] filter: Option<BroadcastCampaignFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<BroadcastCampaignOrder>,
    ) -> Result<Option<Connection<BroadcastCampaign>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let (select, sort) =
            (filter.unwrap_or_default().read()?.cut(campaign::Entity::all()), BroadcastCampaignOrder::sort(order_by));
        Connection::read(ctx, select, sort, &args).await.map(Some)
    }

    /// The broadcast campaign with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id.")] id: ID,
    ) -> Result<Option<BroadcastCampaign>> {
        BroadcastCampaign::by_argument(ctx, &id).await
    }
}
