//! Lists of conversions.

use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::prelude::*;
use domain::id::{LeadId, RetentionCampaignId};
use domain::retention::words::{ContactChannel, ConversionStatus};
use storage::retention::conversion::{Column, Entity};

/// Which conversions are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ConversionFilter {
    /// By whom they were made, as far as that is known.
    lead_id: Option<ID>,
    /// Credited to this retention campaign.
    campaign_id: Option<ID>,
    /// Credited to one of these channels.
    channels: Option<Vec<ContactChannel>>,
    /// With one of these states.
    statuses: Option<Vec<ConversionStatus>>,
    /// Told by this source, such as `keitaro`.
    source: Option<String>,
    /// Of the link that carried exactly this id.
    sub_id: Option<String>,
    /// Of the click to which a tracker gave exactly this id.
    click_id: Option<String>,
    /// First told at this instant or later.
    since: Option<DateTime>,
    /// First told before this instant.
    until: Option<DateTime>,
    /// Whether the lead is known.
    is_matched: Option<bool>,
}

impl ConversionFilter {
    fn select(self) -> Result<Select<Entity>> {
        let Self { lead_id, campaign_id, channels, statuses, source, sub_id, click_id, since, until, is_matched } =
            self;
        let lead = lead_id.map(|id| id.argument::<LeadId>("filter.leadId")).transpose()?;
        let campaign = campaign_id.map(|id| id.argument::<RetentionCampaignId>("filter.campaignId")).transpose()?;
        let conditions = [
            lead.map(|id| Column::LeadId.eq(id)),
            campaign.map(|id| Column::CampaignId.eq(id)),
            channels.map(|channels| Column::Channel.is_in(channels)),
            statuses.map(|statuses| Column::Status.is_in(statuses)),
            source.map(|source| Column::Source.eq(source)),
            sub_id.map(|id| Column::SubId.eq(id)),
            click_id.map(|id| Column::ClickId.eq(id)),
            since.map(|since| Column::CreatedAt.gte(since.0)),
            until.map(|until| Column::CreatedAt.lt(until.0)),
            is_matched.map(|is| if is { Column::LeadId.is_not_null() } else { Column::LeadId.is_null() }),
        ];
        Ok(conditions.into_iter().flatten().fold(Entity::all(), QueryFilter::filter))
    }
}

/// What conversions can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ConversionOrderField {
    /// The instant at which they were first told.
    CreatedAt,
    /// What they brought, whatever the currency.
    Revenue,
}

/// How conversions are sorted.
#[derive(InputObject)]
struct ConversionOrder {
    /// What decides the order.
    field: ConversionOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

/// Reads conversions.
#[derive(Default)]
pub struct ConversionQuery;

#[Object]
impl ConversionQuery {
    /// The conversions that were told, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn conversions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which conversions.")] filter: Option<ConversionFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ConversionOrder>,
    ) -> Result<Option<Connection<Conversion>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let newest = ConversionOrder { field: ConversionOrderField::CreatedAt, direction: OrderDirection::Desc };
        let order = order_by.unwrap_or(newest);
        let sort = match order.field {
            ConversionOrderField::CreatedAt => Sort::by(Column::CreatedAt),
            ConversionOrderField::Revenue => Sort::by(Column::RevenueMicros),
        };
        let select = filter.unwrap_or_default().select()?;
        Connection::read(&ctx.services().db, select, sort.descending(order.direction.is_desc()), &args).await.map(Some)
    }
}
