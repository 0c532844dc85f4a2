//! Lists of broadcast campaigns.

use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::prelude::*;
use domain::broadcast::{CampaignMode, CampaignStatus};
use domain::id::{BatchId, TemplateId, UserId};
use storage::broadcast::campaign::{self, Column};

/// Which campaigns are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct BroadcastCampaignFilter {
    /// In one of these states.
    statuses: Option<Vec<CampaignStatus>>,
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
    fn select(self) -> Result<Select<campaign::Entity>> {
        let Self { statuses, mode, batch_id, template_id, created_by_id, name_contains, created_after, created_before } =
            self;
        let mut select = match name_contains {
            Some(part) => campaign::Entity::named_like(&part),
            None => campaign::Entity::all(),
        };
        if let Some(statuses) = statuses {
            select = select.filter(Column::Status.is_in(statuses));
        }
        if let Some(mode) = mode {
            select = select.filter(Column::Mode.eq(mode));
        }
        if let Some(id) = batch_id {
            select = select.filter(Column::BatchId.eq(id.argument::<BatchId>("filter.batchId")?));
        }
        if let Some(id) = template_id {
            select = select.filter(Column::TemplateId.eq(id.argument::<TemplateId>("filter.templateId")?));
        }
        if let Some(id) = created_by_id {
            select = select.filter(Column::CreatedById.eq(id.argument::<UserId>("filter.createdById")?));
        }
        if let Some(after) = created_after {
            select = select.filter(Column::CreatedAt.gte(after.0));
        }
        if let Some(before) = created_before {
            select = select.filter(Column::CreatedAt.lt(before.0));
        }
        Ok(select)
    }
}

/// What campaigns can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum BroadcastCampaignOrderField {
    /// The instant of creation.
    CreatedAt,
    /// In the order of the alphabet.
    Name,
    /// The instant of the last change of settings or status.
    UpdatedAt,
    /// The messages a minute.
    DeliveryRate,
}

/// How campaigns are sorted.
#[derive(InputObject)]
struct BroadcastCampaignOrder {
    /// What decides the order.
    field: BroadcastCampaignOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl BroadcastCampaignOrder {
    fn sort(order: Option<Self>) -> Sort<campaign::Entity> {
        let newest = Self { field: BroadcastCampaignOrderField::CreatedAt, direction: OrderDirection::Desc };
        let Self { field, direction } = order.unwrap_or(newest);
        let sort = match field {
            BroadcastCampaignOrderField::CreatedAt => Sort::by(Column::CreatedAt),
            BroadcastCampaignOrderField::Name => Sort::by(Column::Name),
            BroadcastCampaignOrderField::UpdatedAt => Sort::by(Column::UpdatedAt),
            BroadcastCampaignOrderField::DeliveryRate => Sort::by(Column::DeliveryRate),
        };
        sort.descending(direction.is_desc())
    }
}

/// Reads broadcast campaigns.
#[derive(Default)]
pub struct CampaignQuery;

#[Object]
impl CampaignQuery {
    /// The broadcast campaigns, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let (select, sort) = (filter.unwrap_or_default().select()?, BroadcastCampaignOrder::sort(order_by));
        Connection::read(&ctx.services().db, select, sort, &args).await.map(Some)
    }

    /// The broadcast campaign with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn broadcast_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id.")] id: ID,
    ) -> Result<Option<BroadcastCampaign>> {
        BroadcastCampaign::by_id(ctx, id.argument("id")?).await
    }
}
