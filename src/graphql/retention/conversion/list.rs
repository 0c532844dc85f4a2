//! Lists of conversions.

use crate::prelude::*;
use domain::retention::words::{ContactChannel, ConversionStatus};
use storage::retention::conversion::{self, Column, Entity};

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
    fn read(self) -> Result<conversion::ConversionFilter> {
        let Self { lead_id, campaign_id, channels, statuses, source, sub_id, click_id, since, until, is_matched } =
            self;
        Ok(conversion::ConversionFilter {
            lead: lead_id.argument("filter.leadId")?,
            campaign: campaign_id.argument("filter.campaignId")?,
            channels: channels.map(each),
            statuses: statuses.map(each),
            source,
            sub_id,
            click_id,
            since: since.map(Into::into),
            until: until.map(Into::into),
            is_matched,
        })
    }
}

order! {
    /// What conversions can be sorted by.
    enum ConversionOrderField of Entity {
        /// The instant at which they were first told.
        CreatedAt => Sort::by(Column::CreatedAt),
        /// What they brought, whatever the currency.
        Revenue => Sort::by(Column::RevenueMicros),
    }
    /// How conversions are sorted.
    ConversionOrder, falling CreatedAt
}

/// Reads conversions.
#[derive(Default)]
pub struct ConversionQuery;

#[Object]
impl ConversionQuery {
    /// The conversions that were told, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
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
        let select = filter.unwrap_or_default().read()?.cut(Entity::all());
        Connection::read(ctx, select, ConversionOrder::sort(order_by), &args).await.map(Some)
    }
}
