//! Lists of batches.

use sea_orm::Select;

use crate::prelude::*;
use domain::id::ChannelId;
use domain::text::{self, Bounds};
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
        let all = match channel_id.argument::<ChannelId>("filter.channelId")? {
            Some(channel) => batch::Entity::containing(channel),
            None => batch::Entity::present(),
        };
        let filter = batch::BatchFilter {
            name_contains,
            created_by: created_by_id.argument("filter.createdById")?,
            created_after: created_after.map(Into::into),
            created_before: created_before.map(Into::into),
        };
        Ok(filter.cut(all))
    }
}

/// By what a batch is known.
#[derive(OneofObject)]
enum BatchKey {
    /// What people call it, letter for letter, without the blanks around it.
    Name(String),
}

/// Reads batches.
#[derive(Default)]
pub struct BatchQuery;

#[Object]
impl BatchQuery {
    /// The batches, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
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
        let (select, sort) = (filter.unwrap_or_default().select()?, BatchOrder::sort(order_by));
        Connection::read(ctx, select, sort, &args).await.map(Some)
    }

    /// The batch with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn batch(&self, ctx: &Context<'_>, #[graphql(desc = "The batch's id.")] id: ID) -> Result<Option<Batch>> {
        Batch::by_argument(ctx, &id).await
    }

    /// The batch with this name; null if there is none. Several may have one name: then CONFLICT names their ids.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn batch_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what it is known.")] key: BatchKey,
    ) -> Result<Option<Batch>> {
        let BatchKey::Name(name) = key;
        let name = lookup::key("name", text::line(&name, Bounds::NAME))?;
        lookup::only(ctx, batch::Entity::named(&name)).boxed().await
    }
}

order! {
    /// What batches can be sorted by.
    pub enum BatchOrderField of batch::Entity {
        /// The instant of creation.
        CreatedAt => Sort::by(Column::CreatedAt),
        /// In the order of the alphabet.
        Name => Sort::by_text(Column::NameFold, Column::Name),
        /// The number of channels.
        ChannelCount => Sort::by(Column::ChannelCount),
        /// The instant of the last change.
        UpdatedAt => Sort::by(Column::UpdatedAt),
    }
    /// How batches are sorted.
    BatchOrder, falling CreatedAt
}
