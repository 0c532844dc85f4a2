//! Lists of scripts.

use sea_orm::{ColumnTrait, Condition, Iterable, QueryFilter, Select};

use crate::prelude::*;
use domain::id::RetentionCampaignId;
use domain::retention::words::ContactChannel;
use storage::retention::script::{self, Column};
use storage::sql;

/// Which scripts are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ScriptFilter {
    /// Written for one of these channels.
    types: Option<Vec<ContactChannel>>,
    /// Of this retention campaign.
    campaign_id: Option<ID>,
    /// Only those that are the default of their channel, or only the others.
    is_default: Option<bool>,
    /// This is part of the name, in any case.
    name_contains: Option<String>,
}

impl ScriptFilter {
    fn select(self) -> Result<Select<script::Entity>> {
        let Self { types, campaign_id, is_default, name_contains } = self;
        let campaign = campaign_id.map(|id| id.argument::<RetentionCampaignId>("filter.campaignId")).transpose()?;
        // Each once, however often it was given: a statement takes only so many values.
        let wanted = |given: Vec<_>| ContactChannel::iter().filter(move |channel| given.contains(channel));
        let condition = Condition::all()
            .add_option(types.map(|given| Column::Channel.is_in(wanted(given))))
            .add_option(campaign.map(|id| Column::CampaignId.eq(id)))
            .add_option(is_default.map(|is_default| Column::IsDefault.eq(is_default)))
            .add_option(name_contains.map(|part| sql::contains_in_any_case(Column::Name, &part)));
        Ok(script::Entity::all().filter(condition))
    }
}

/// What scripts can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ScriptOrderField {
    /// The instant of writing.
    CreatedAt,
    /// The instant of the last change.
    UpdatedAt,
    /// In the order of the alphabet.
    Name,
}

/// How scripts are sorted.
#[derive(InputObject)]
struct ScriptOrder {
    /// What decides the order.
    field: ScriptOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl ScriptOrder {
    fn sort(order: Option<Self>) -> Sort<script::Entity> {
        let newest = Self { field: ScriptOrderField::CreatedAt, direction: OrderDirection::Desc };
        let Self { field, direction } = order.unwrap_or(newest);
        let sort = match field {
            ScriptOrderField::CreatedAt => Sort::by(Column::CreatedAt),
            ScriptOrderField::UpdatedAt => Sort::by(Column::UpdatedAt),
            ScriptOrderField::Name => Sort::by(Column::Name),
        };
        sort.descending(direction.is_desc())
    }
}

/// Reads scripts.
#[derive(Default)]
pub struct ScriptQuery;

#[Object]
impl ScriptQuery {
    /// The scripts, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn scripts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which scripts.")] filter: Option<ScriptFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ScriptOrder>,
    ) -> Result<Option<Connection<Script>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().select()?;
        Connection::read(&ctx.services().db, select, ScriptOrder::sort(order_by), &args).await.map(Some)
    }
}
