//! Lists of batches.

use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::prelude::*;
use domain::id::{ChannelId, UserId};
use storage::broadcast::batch::{self, Column};

/// Which batches are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct BatchFilter {
    /// This is part of the name, in any case.
    name_contains: Option<String>,
    /// Created by this user.
    created_by_id: Option<ID>,
    /// Only those that hold this channel.
    channel_id: Option<ID>,
    /// Created at this instant or later.
    created_after: Option<DateTime>,
    /// Created before this instant.
    created_before: Option<DateTime>,
}

impl BatchFilter {
    fn select(self) -> Result<Select<batch::Entity>> {
        let Self { name_contains, created_by_id, channel_id, created_after, created_before } = self;
        let mut select = match channel_id {
            Some(id) => batch::Entity::containing(id.argument::<ChannelId>("filter.channelId")?),
            None => batch::Entity::present(),
        };
        if let Some(part) = name_contains {
            select = select.filter(batch::Entity::name_contains(&part));
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

/// Reads batches.
#[derive(Default)]
pub struct BatchQuery;

#[Object]
impl BatchQuery {
    /// The batches, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which batches.")] filter: Option<BatchFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<BatchOrder>,
    ) -> Result<Option<Connection<Batch>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let (select, sort) = (filter.unwrap_or_default().select()?, order_by.unwrap_or_default().sort());
        Connection::read(&ctx.services().db, select, sort, &args).await.map(Some)
    }

    /// The batch with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn batch(&self, ctx: &Context<'_>, #[graphql(desc = "The batch's id.")] id: ID) -> Result<Option<Batch>> {
        Batch::by_id(ctx, id.argument("id")?).await
    }
}

/// What batches can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
enum BatchOrderField {
    /// The instant of creation.
    CreatedAt,
    /// In the order of the alphabet.
    Name,
    /// The number of channels.
    ChannelCount,
    /// The instant of the last change.
    UpdatedAt,
}

/// How batches are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, InputObject)]
pub struct BatchOrder {
    /// What decides the order.
    field: BatchOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl Default for BatchOrder {
    fn default() -> Self {
        Self { field: BatchOrderField::CreatedAt, direction: OrderDirection::Desc }
    }
}

impl BatchOrder {
    pub(crate) fn sort(self) -> Sort<batch::Entity> {
        let sort = match self.field {
            BatchOrderField::CreatedAt => Sort::by(Column::CreatedAt),
            BatchOrderField::Name => Sort::by(Column::Name),
            BatchOrderField::ChannelCount => Sort::by(Column::ChannelCount),
            BatchOrderField::UpdatedAt => Sort::by(Column::UpdatedAt),
        };
        sort.descending(self.direction.is_desc())
    }
}
