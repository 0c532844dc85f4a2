//! A batch, as it is shown.

use sea_orm::sea_query::Expr;
use sea_orm::{QueryFilter, Select};

use crate::broadcast::channel::list::{ChannelFilter, ChannelOrder, MOST_NESTED};
use crate::prelude::*;
use domain::id::BatchId;
use storage::broadcast::{batch, campaign, channel, channel_filter};

pub mod list;
pub mod mutations;

/// A list of channels that campaigns write to.
pub struct Batch(batch::Model);

impl From<batch::Model> for Batch {
    fn from(row: batch::Model) -> Self {
        Self(row)
    }
}

/// A list of channels that campaigns write to.
#[Object]
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
        let viewer = ctx.viewer();
        if viewer.id != self.0.created_by_id && !viewer.role.may(Permission::ReadUsers) {
            return Ok(None);
        }
        User::by_id(ctx, self.0.created_by_id).await
    }

    /// How many channels are in it, inactive ones too.
    async fn channel_count(&self) -> i32 {
        self.0.channel_count
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Its channels, by username unless told otherwise.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let length = if filter.is_some() { None } else { u64::try_from(self.0.channel_count).ok() };
        let filter = filter.unwrap_or_default().read(&["filter"], MOST_NESTED)?;
        let list = ChannelsOf { filter, order: order_by.unwrap_or_default() };
        nested::counted(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before), length).await
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
        nested::connection(ctx, self.0.id, CampaignsOf, PageArgs::new(ctx, first, after, last, before)).await
    }
}

impl Batch {
    /// The batch `id`.
    pub async fn by_id(ctx: &Context<'_>, id: BatchId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
}

/// Batches by id.
#[async_trait]
impl Loader<BatchId> for Reader {
    type Value = batch::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[BatchId]) -> Result<HashMap<BatchId, batch::Model>, LoadError> {
        let rows = storage::rows::all(batch::Entity::by_ids(ids), self.db.reader()).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ChannelsOf {
    filter: channel_filter::ChannelFilter,
    order: ChannelOrder,
}

impl Nested for ChannelsOf {
    type Entity = channel::Entity;

    fn select(&self, batch: Expr) -> Select<channel::Entity> {
        channel::Entity::in_batch(batch).filter(self.filter.condition())
    }

    fn sort(&self) -> Sort<channel::Entity> {
        self.order.sort()
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CampaignsOf;

impl Nested for CampaignsOf {
    type Entity = campaign::Entity;

    fn select(&self, batch: Expr) -> Select<campaign::Entity> {
        campaign::Entity::of_batch(batch)
    }

    fn sort(&self) -> Sort<campaign::Entity> {
        Sort::by_id().descending(true)
    }
}
