//! Adding, changing and deleting channels.

use crate::prelude::*;
use ::service::broadcast::channel as service;

/// Which channel is to be added.
#[derive(InputObject)]
struct CreateChannelInput {
    /// The name at Telegram, in any case, or any address of the channel: `@name`, `https://t.me/name/123`, `t.me/s/name`,
    /// `name.t.me`, `tg://resolve?domain=name`, its page at tgstat. Private channels have none.
    username: String,
    /// What it is about: 1 to 100 characters.
    category: String,
    /// Its page at tgstat: an http or https URL.
    tgstat_url: Option<String>,
    /// When it was found; now if it is left out.
    collected_at: Option<DateTime>,
    /// The title, at most 255 characters.
    title: Option<String>,
    /// What it says about itself, at most 2,000 characters.
    description: Option<String>,
    /// Its subscribers.
    member_count: Option<i32>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The channel that was added.
#[derive(SimpleObject)]
struct CreateChannelPayload {
    /// The new channel.
    channel: Channel,
}

/// What is to change of a channel. What is left out stays.
#[derive(InputObject)]
struct UpdateChannelInput {
    /// Which channel.
    id: ID,
    /// Its new name at Telegram, in any of the ways in which people write it.
    username: Option<String>,
    /// What it is about: 1 to 100 characters.
    category: Option<String>,
    /// Its page at tgstat: an http or https URL; null removes it.
    tgstat_url: MaybeUndefined<String>,
    /// The title, at most 255 characters; null removes it.
    title: MaybeUndefined<String>,
    /// What it says about itself, at most 2,000 characters; null removes it.
    description: MaybeUndefined<String>,
    /// Its subscribers; null if the number is not known.
    member_count: MaybeUndefined<i32>,
    /// Whether campaigns write to it. True also forgets its errors.
    is_active: Option<bool>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The channel that was changed.
#[derive(SimpleObject)]
struct UpdateChannelPayload {
    /// The channel, as it is now.
    channel: Channel,
}

/// Which channel is to be deleted.
#[derive(InputObject)]
struct DeleteChannelInput {
    /// Which channel.
    id: ID,
}

/// The channel that was deleted.
#[derive(SimpleObject)]
struct DeleteChannelPayload {
    /// The channel, as it was.
    channel: Channel,
    /// The id that it had.
    deleted_id: ID,
}

/// Changes the catalog.
#[derive(Default)]
pub struct ChannelMutation;

#[Object]
impl ChannelMutation {
    /// Adds a channel to the catalog. CONFLICT if there is one of this name.
    #[graphql(directive = requires::apply(Permission::CreateChannels))]
    async fn create_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which channel.")] input: CreateChannelInput,
    ) -> Result<CreateChannelPayload> {
        let CreateChannelInput {
            username,
            category,
            tgstat_url,
            collected_at,
            title,
            description,
            member_count,
            repeat,
        } = input;
        let fields = service::Fields {
            username: Some(username),
            category: Some(category),
            tgstat_url: Some(tgstat_url).into(),
            title: Some(title).into(),
            description: Some(description).into(),
            member_count: Some(member_count).into(),
            is_active: None,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let created = service::create(on, &actor, fields, collected_at.map(Into::into));
        let channel = once(on, &actor, created).await?;
        Ok(CreateChannelPayload { channel: channel.into() })
    }

    /// Changes a channel.
    #[graphql(directive = requires::apply(Permission::WriteChannels))]
    async fn update_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which channel, and what.")] input: UpdateChannelInput,
    ) -> Result<UpdateChannelPayload> {
        let UpdateChannelInput {
            id,
            username,
            category,
            tgstat_url,
            title,
            description,
            member_count,
            is_active,
            expected_version,
        } = input;
        let fields = service::Fields { username, category, tgstat_url, title, description, member_count, is_active };
        let (on, actor) = (ctx.services(), ctx.actor());
        let channel = service::update(on, &actor, id.input("id")?, expected_version, fields).boxed().await?;
        Ok(UpdateChannelPayload { channel: channel.into() })
    }

    /// Deletes a channel; it leaves its batches. `PRECONDITION_FAILED` while campaigns have jobs for it.
    #[graphql(directive = requires::apply(Permission::WriteChannels))]
    async fn delete_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which channel.")] input: DeleteChannelInput,
    ) -> Result<DeleteChannelPayload> {
        let channel = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteChannelPayload { deleted_id: channel.id.global(), channel: channel.into() })
    }
}
