//! Lists of retention campaigns.

use sea_orm::Select;

use crate::prelude::*;
use domain::retention::words::RetentionCampaignStatus;
use storage::retention::campaign::{self, Column};

/// Which retention campaigns are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct RetentionCampaignFilter {
    /// This far.
    statuses: Option<Vec<RetentionCampaignStatus>>,
    /// This is part of the name or of the description, in any case.
    search: Option<String>,
    /// Created at this instant or later.
    created_after: Option<DateTime>,
    /// Created before this instant.
    created_before: Option<DateTime>,
}

impl RetentionCampaignFilter {
    fn select(self) -> Select<campaign::Entity> {
        let Self { statuses, search, created_after, created_before } = self;
        let filter = campaign::CampaignFilter {
            statuses: statuses.map(each),
            search,
            created_after: created_after.map(Into::into),
            created_before: created_before.map(Into::into),
        };
        filter.cut(campaign::Entity::all())
    }
}

order! {
    /// What retention campaigns can be sorted by.
    enum RetentionCampaignOrderField of campaign::Entity {
        /// The instant of creation.
        CreatedAt => Sort::by(Column::CreatedAt),
        /// The instant of the last change.
        UpdatedAt => Sort::by(Column::UpdatedAt),
        /// In the order of the alphabet.
        Name => Sort::by_text(Column::NameFold, Column::Name),
    }
    /// How retention campaigns are sorted.
    RetentionCampaignOrder, falling CreatedAt
}

/// Reads retention campaigns.
#[derive(Default)]
pub struct RetentionCampaignQuery;

#[Object]
impl RetentionCampaignQuery {
    /// The retention campaigns, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which campaigns.")] filter: Option<RetentionCampaignFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<RetentionCampaignOrder>,
    ) -> Result<Option<Connection<RetentionCampaign>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().select();
        Connection::read(ctx, select, RetentionCampaignOrder::sort(order_by), &args).await.map(Some)
    }

    /// The retention campaign with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id.")] id: ID,
    ) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_argument(ctx, &id).await
    }
}
