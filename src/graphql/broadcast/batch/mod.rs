//! A batch, as it is shown.

use crate::broadcast::channel::list::{ChannelFilter, ChannelOrder, MOST_NESTED};
use crate::engine::connection::Count;
use crate::prelude::*;
use domain::id::BatchId;
use storage::broadcast::{batch, campaign, channel};

pub mod list;
pub mod mutations;

/// A list of channels that campaigns write to.
#[derive(Description)]
pub struct Batch(batch::Model);

node!(Batch: BatchId, batch::Model);

#[Object(use_type_description)]
impl Batch {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Notes for people; recipients never see them.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When its name, its description or its channels were last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Who created it; null if your role may not see users.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::if_visible(ctx, self.0.created_by_id).await
    }

    /// How many channels are in it, inactive ones too.
    async fn channel_count(&self) -> i32 {
        self.0.channel_count
    }

    /// Whether campaigns to it may write to persons and bots, to which its names may lead. Where they may not, such a job ends
    /// FAILED with `NOT_A_CHANNEL`, and nothing is sent.
    async fn allow_private(&self) -> bool {
        self.0.allow_private
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Its channels, by username unless told otherwise.
    async fn channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which channels.")] filter: Option<ChannelFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ChannelOrder>,
    ) -> Result<Connection<Channel>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let length = if filter.is_some() { None } else { u64::try_from(self.0.channel_count).ok() };
        let filter = filter.unwrap_or_default().read(&["filter"], MOST_NESTED)?;
        let list = List { below: channel::Entity::in_batch, filter, sort: ChannelOrder::sort(order_by) };
        match length {
            Some(length) => {
                let count: Count = Box::new(move |_| Box::pin(std::future::ready(Ok(Length::exactly(length)))));
                nested::connection_counted(ctx, self.0.id, list, args, count).await
            }
            None => nested::connection(ctx, self.0.id, list, args).await,
        }
    }

    /// The campaigns that use it, newest first.
    async fn campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BroadcastCampaign>> {
        nested::connection(
            ctx,
            self.0.id,
            List::newest(campaign::Entity::of_batch),
            PageArgs::new(ctx, first, after, last, before),
        )
        .await
    }
}
