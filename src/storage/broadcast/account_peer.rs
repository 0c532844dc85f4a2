//! What an account knows of a channel. It is never shared: an access hash belongs to one account.

use sea_orm::entity::prelude::*;

use domain::id::{ChannelId, TelegramAccountId};

/// A channel, as one account knows it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_peers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: TelegramAccountId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_id: ChannelId,
    /// Telegram's number of it, the same for all accounts.
    pub peer_id: i64,
    /// The account's permission to name it; None: it is out of date, look it up again.
    pub access_hash: Option<i64>,
    /// The username leads to a person or a bot.
    pub is_user: bool,
    pub resolved_at: DateTimeUtc,
    /// How often in a row it was found out of date.
    pub refreshes: i32,
    /// When this account first wrote to it: until then it is a new peer.
    pub written_at: Option<DateTimeUtc>,
    /// The channel's slow mode, where one is known (R3).
    pub slow_seconds: Option<i32>,
    /// Slow mode: not before.
    pub not_before: Option<DateTimeUtc>,
}

joins_nothing!();

impl Entity {
    /// What accounts know of the channel with this number at Telegram.
    pub fn numbered(number: i64) -> Select<Self> {
        Self::find().filter(Column::PeerId.eq(number)).filter(Column::IsUser.eq(false))
    }

    /// The knowledge that these accounts have of these channels.
    pub fn among(accounts: &[TelegramAccountId], channels: &[ChannelId]) -> Select<Self> {
        let of = Self::find().filter(Column::AccountId.is_in(accounts.iter().copied()));
        of.filter(Column::ChannelId.is_in(channels.iter().copied()))
    }
}
