//! Lists of retention campaigns.

use sea_orm::{ColumnTrait, Condition, Iterable, QueryFilter, Select};

use crate::prelude::*;
use domain::retention::words::RetentionCampaignStatus;
use storage::retention::campaign::{self, Column};
use storage::sql;

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
        // Each once, however often it was given: a statement takes only so many values.
        let wanted = |given: Vec<_>| RetentionCampaignStatus::iter().filter(move |status| given.contains(status));
        let has_part = |part: String| {
            let name = sql::contains_in_any_case(Column::Name, &part);
            Condition::any().add(name).add(sql::contains_in_any_case(Column::Description, &part))
        };
        campaign::Entity::all().filter(
            Condition::all()
                .add_option(statuses.map(|given| Column::Status.is_in(wanted(given))))
                .add_option(search.map(has_part))
                .add_option(created_after.map(|at| Column::CreatedAt.gte(at.0)))
                .add_option(created_before.map(|at| Column::CreatedAt.lt(at.0))),
        )
    }
}

/// What retention campaigns can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum RetentionCampaignOrderField {
    /// The instant of creation.
    CreatedAt,
    /// The instant of the last change.
    UpdatedAt,
    /// In the order of the alphabet.
    Name,
}

/// How retention campaigns are sorted.
#[derive(InputObject)]
struct RetentionCampaignOrder {
    /// What decides the order.
    field: RetentionCampaignOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl RetentionCampaignOrder {
    fn sort(order: Option<Self>) -> Sort<campaign::Entity> {
        let newest = Self { field: RetentionCampaignOrderField::CreatedAt, direction: OrderDirection::Desc };
        let Self { field, direction } = order.unwrap_or(newest);
        let sort = match field {
            RetentionCampaignOrderField::CreatedAt => Sort::by(Column::CreatedAt),
            RetentionCampaignOrderField::UpdatedAt => Sort::by(Column::UpdatedAt),
            RetentionCampaignOrderField::Name => Sort::by(Column::Name),
        };
        sort.descending(direction.is_desc())
    }
}

/// Reads retention campaigns.
#[derive(Default)]
pub struct RetentionCampaignQuery;

#[Object]
impl RetentionCampaignQuery {
    /// The retention campaigns, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        Connection::read(&ctx.services().db, select, RetentionCampaignOrder::sort(order_by), &args).await.map(Some)
    }

    /// The retention campaign with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn retention_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id.")] id: ID,
    ) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_id(ctx, id.argument("id")?).await
    }
}
