//! Creating, filling, changing and deleting batches.

use crate::broadcast::channel::list::{ChannelFilter, MOST};
use crate::engine::id;
use crate::prelude::*;
use ::service::broadcast::batch::{self as service, MOST_CHANNELS};
use storage::broadcast::channel_filter;

/// What a new batch is made of: channels by their ids, or all that a filter finds now, or all. With none of
/// these it is empty.
#[derive(InputObject)]
struct CreateBatchInput {
    /// What people call it: 1 to 200 characters.
    name: String,
    /// Notes, at most 2,000 characters.
    description: Option<String>,
    /// These channels, at most 10,000. One that is not there is `NOT_FOUND`, and no batch is made.
    channel_ids: Option<Vec<ID>>,
    /// Or all channels that it finds now. An empty filter finds all channels; `all: true` says so in words. One that finds none, or that
    /// names a category that no channel has, is refused.
    filter: Option<ChannelFilter>,
    /// True: all channels that there are now.
    #[graphql(default)]
    all: bool,
    /// Whether the filter may find nobody, and name categories that no channel has yet.
    #[graphql(default)]
    allow_empty: bool,
    /// Whether campaigns to it may write to persons and bots, to which its names may lead; false by default. Accounts are limited for
    /// messages to persons who did not ask for them: only an admin may set it.
    allow_private: Option<bool>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The batch that was created.
#[derive(SimpleObject)]
struct CreateBatchPayload {
    /// The new batch.
    batch: Batch,
    /// Where there are more than 10,000 channels: the task that puts them into the batch. Until that is COMPLETED, the batch is not there,
    /// and its `channelCount` is 0; no campaign can be made with it. Null otherwise.
    task: Option<Task>,
}

/// What is to change of a batch. What is left out stays.
#[derive(InputObject)]
struct UpdateBatchInput {
    /// Which batch.
    id: ID,
    /// What people call it: 1 to 200 characters.
    name: Option<String>,
    /// Notes, at most 2,000 characters; null removes them.
    description: MaybeUndefined<String>,
    /// Whether campaigns to it may write to persons and bots; only an admin may change it. A running campaign obeys it from its next
    /// pause on.
    allow_private: Option<bool>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The batch that was changed.
#[derive(SimpleObject)]
struct UpdateBatchPayload {
    /// The batch, as it is now.
    batch: Batch,
}

/// Which batch is to be deleted.
#[derive(InputObject)]
struct DeleteBatchInput {
    /// Which batch.
    id: ID,
}

/// The batch that was deleted.
#[derive(SimpleObject)]
struct DeleteBatchPayload {
    /// The batch, as it was; its channels stay in the catalog.
    batch: Batch,
    /// The id that it had.
    deleted_id: ID,
    /// Where more than 10,000 channels are in it: the task that takes away what is left. Null otherwise.
    task: Option<Task>,
}

/// Which channels are to be put into which batch.
#[derive(InputObject)]
struct AddBatchChannelsInput {
    /// The id of a batch that is there; otherwise `NOT_FOUND`.
    batch_id: ID,
    /// Which channels, 1 to 10,000. One that is not there is `NOT_FOUND`, and nothing changes.
    channel_ids: Vec<ID>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The batch with its new channels.
#[derive(SimpleObject)]
struct AddBatchChannelsPayload {
    /// The batch, as it is now.
    batch: Batch,
    /// How many of the channels were not in it before.
    added: i32,
}

/// Which channels are to be taken out of which batch.
#[derive(InputObject)]
struct RemoveBatchChannelsInput {
    /// The id of a batch that is there; otherwise `NOT_FOUND`.
    batch_id: ID,
    /// Which channels, at most 10,000. Those that are not in it are passed over.
    channel_ids: Vec<ID>,
}

/// What is left of the batch.
#[derive(SimpleObject)]
struct RemoveBatchChannelsPayload {
    /// The batch, as it is now.
    batch: Batch,
    /// How many of the channels were in it.
    removed: i32,
}

/// The channels that a filter finds, or all.
fn which(filter: Option<ChannelFilter>, all: bool, are_named: bool) -> Result<Option<channel_filter::ChannelFilter>> {
    if all && (filter.is_some() || are_named) {
        return Err(Error::invalid("all", "give one of channelIds, filter, and all: true for all channels"));
    }
    let all = all.then(channel_filter::ChannelFilter::default);
    Ok(filter.map(|filter| filter.read(&["input", "filter"], MOST)).transpose()?.or(all))
}

/// Changes batches.
#[derive(Default)]
pub struct BatchMutation;

#[Object]
impl BatchMutation {
    /// Makes a list of channels, which campaigns can then write to. Of more than 10,000 a `task` may go on behind the answer: until it is
    /// COMPLETED, there is no batch yet.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn create_batch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made of.")] input: CreateBatchInput,
    ) -> Result<CreateBatchPayload> {
        let CreateBatchInput { name, description, channel_ids, filter, all, allow_empty, allow_private, repeat } =
            input;
        let channels = channel_ids.map(|ids| id::list(&ids, &["input", "channelIds"], MOST_CHANNELS)).transpose()?;
        let found = which(filter, all, channels.is_some());
        let filter = noted(found, || Some(channel_filter::ChannelFilter::default()))?;
        let new = service::New { name, description, channels, filter, allow_empty, allow_private };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let service::Created { batch, task } = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(CreateBatchPayload { batch: batch.into(), task: task.map(Into::into) })
    }

    /// Changes a batch, but not its channels.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn update_batch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which batch, and what.")] input: UpdateBatchInput,
    ) -> Result<UpdateBatchPayload> {
        let UpdateBatchInput { id, name, description, allow_private, expected_version } = input;
        let change = service::Change { name, description, allow_private, expected_version };
        let batch = service::update(ctx.services(), &ctx.actor(), id.input("id")?, change).boxed().await?;
        Ok(UpdateBatchPayload { batch: batch.into() })
    }

    /// Deletes a batch; its channels stay in the catalog. `PRECONDITION_FAILED` while campaigns use it.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn delete_batch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which batch.")] input: DeleteBatchInput,
    ) -> Result<DeleteBatchPayload> {
        let (batch, task) = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteBatchPayload { deleted_id: batch.id.global(), batch: batch.into(), task: task.map(Into::into) })
    }

    /// Puts channels into a batch; those that are in it already stay. Campaigns that have been started are not touched.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn add_batch_channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which channels, and which batch.")] input: AddBatchChannelsInput,
    ) -> Result<AddBatchChannelsPayload> {
        let AddBatchChannelsInput { batch_id, channel_ids, repeat } = input;
        let channels = id::list(&channel_ids, &["input", "channelIds"], MOST_CHANNELS)?;
        let batch = batch_id.input("batchId")?;
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let (batch, added) = once_moving(on, &actor, service::add_channels(on, &actor, batch, channels)).await?;
        Ok(AddBatchChannelsPayload { batch: batch.into(), added })
    }

    /// Takes channels out of a batch. Campaigns that have been started are not touched.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn remove_batch_channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which channels, and which batch.")] input: RemoveBatchChannelsInput,
    ) -> Result<RemoveBatchChannelsPayload> {
        let RemoveBatchChannelsInput { batch_id, channel_ids } = input;
        let channels = id::list(&channel_ids, &["input", "channelIds"], MOST_CHANNELS)?;
        let batch = batch_id.input("batchId")?;
        let (batch, removed) = service::remove_channels(ctx.services(), &ctx.actor(), batch, channels).boxed().await?;
        Ok(RemoveBatchChannelsPayload { batch: batch.into(), removed })
    }
}
