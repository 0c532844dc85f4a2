//! Asking Telegram about channels.

use crate::broadcast::channel::list::ChannelFilter;
use crate::engine::id;
use crate::prelude::*;
use ::service::broadcast::channel_refresh as service;
use storage::broadcast::channel_filter;

/// Which channels Telegram is to be asked about: by id, by a filter, or all.
#[derive(InputObject)]
struct RefreshChannelsInput {
    /// These, at most 10,000.
    channel_ids: Option<Vec<ID>>,
    /// All that it finds now, at most 10,000. An empty filter finds all channels; `all: true` says so in words.
    filter: Option<ChannelFilter>,
    /// True: all channels, at most 10,000.
    #[graphql(default)]
    all: bool,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// What was asked for.
#[derive(SimpleObject)]
struct RefreshChannelsPayload {
    /// Channels that will be looked at; `lastChecked` of each tells when it was.
    requested: i32,
}

/// Asks Telegram about channels.
#[derive(Default)]
pub struct ChannelRefreshMutation;

#[Object]
impl ChannelRefreshMutation {
    /// Asks Telegram for titles, descriptions, numbers of subscribers, and whether messages are taken. Accounts may look up few
    /// usernames a day (`resolvesPerDay`), so it takes its time. Without this each active channel is looked at every 30 days.
    #[graphql(directive = requires::apply(Permission::WriteChannels))]
    async fn refresh_channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which channels.")] input: RefreshChannelsInput,
    ) -> Result<RefreshChannelsPayload> {
        let filter = noted(read(input.channel_ids, input.filter, input.all), channel_filter::ChannelFilter::default)?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let requested = once(on, &actor, service::request(on, &actor, &filter)).await?;
        Ok(RefreshChannelsPayload { requested: requested.0 })
    }
}

fn read(ids: Option<Vec<ID>>, filter: Option<ChannelFilter>, all: bool) -> Result<channel_filter::ChannelFilter> {
    match (ids, filter, all) {
        (Some(ids), None, false) => {
            let ids = Some(id::list(&ids, &["input", "channelIds"], service::MOST)?);
            Ok(channel_filter::ChannelFilter { ids, ..channel_filter::ChannelFilter::default() })
        }
        (None, Some(filter), false) => filter.read(&["input", "filter"], service::MOST),
        (None, None, true) => Ok(channel_filter::ChannelFilter::default()),
        _ => Err(Error::invalid("channelIds", "give one of channelIds, filter, and all: true for all channels")),
    }
}
