//! What Telegram tells of a channel, and whether this account may post to it.

use grammers_client::tl::enums;
use grammers_client::tl::functions::channels;
use grammers_client::tl::types;

use super::Recipient;
use super::connection::Connection;
use domain::broadcast::CanPost;
use domain::delivery::Fault;

/// A channel as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The channel's title.
    pub title: String,
    /// The channel's own description; often empty.
    pub about: String,
    /// How many follow it, if Telegram tells.
    pub member_count: Option<i32>,
    /// Whether Telegram has verified it.
    pub is_verified: bool,
    /// The least seconds between two messages of one account, if there is such a rule.
    pub slow_mode_seconds: Option<i32>,
    /// Telegram Stars that each message costs, if it costs any.
    pub message_price: Option<i64>,
    /// Whether this account may post.
    pub can_post: CanPost,
}

impl Connection {
    /// Asks for all that is shown of a channel.
    ///
    /// # Errors
    /// `CHANNEL_PRIVATE` and the like, or it is no channel.
    pub async fn describe(&self, channel: Recipient) -> Result<Description, Fault> {
        let no_channel = || Fault::rpc(400, "CHANNEL_INVALID");
        let Recipient::Channel { id, access_hash } = channel else { return Err(no_channel()) };
        let channel = types::InputChannel { channel_id: id, access_hash }.into();
        let enums::messages::ChatFull::Full(found) = self.call(&channels::GetFullChannel { channel }).await?;
        let enums::ChatFull::ChannelFull(full) = found.full_chat else { return Err(no_channel()) };
        let short = found.chats.into_iter().find_map(|chat| match chat {
            enums::Chat::Channel(channel) if channel.id == id => Some(channel),
            _ => None,
        });
        let short = short.ok_or_else(no_channel)?;
        Ok(Description {
            can_post: can_post(&short),
            title: short.title,
            about: full.about,
            member_count: full.participants_count.or(short.participants_count),
            is_verified: short.verified,
            slow_mode_seconds: full.slowmode_seconds.filter(|seconds| *seconds > 0),
            message_price: full.send_paid_messages_stars.or(short.send_paid_messages_stars).filter(|price| *price > 0),
        })
    }
}

/// Whether the account may post, by its rights; only sending tells it for sure.
pub(super) fn can_post(channel: &types::Channel) -> CanPost {
    let is_admin = |may: fn(&types::ChatAdminRights) -> bool| match &channel.admin_rights {
        Some(enums::ChatAdminRights::Rights(rights)) => may(rights),
        None => false,
    };
    let is_muted = |rights: Option<&enums::ChatBannedRights>| match rights {
        Some(enums::ChatBannedRights::Rights(rights)) => {
            rights.send_messages || rights.send_plain || rights.view_messages
        }
        None => false,
    };
    if channel.creator {
        return CanPost::Yes;
    }
    if !channel.megagroup {
        return if is_admin(|rights| rights.post_messages) { CanPost::Yes } else { CanPost::No };
    }
    if is_muted(channel.banned_rights.as_ref()) {
        return CanPost::No;
    }
    if is_admin(|_| true) {
        return CanPost::Yes;
    }
    if is_muted(channel.default_banned_rights.as_ref())
        || (channel.left && (channel.join_to_send || channel.join_request))
    {
        return CanPost::No;
    }
    // Who has not joined may write to some groups, such as the comments of a channel, and not to others.
    if channel.left || channel.restricted { CanPost::Unknown } else { CanPost::Yes }
}
