//! Telegram channels that may be written to.

use sea_orm::entity::prelude::*;
use sea_orm::{QuerySelect, QueryTrait};

use crate::broadcast::{account_peer, batch_channel, job};
use crate::folded::{Folded, FoldedFrom};
use crate::noun::noun;
use domain::broadcast::{CanPost, PeerKind};
use domain::error::Result;
use domain::id::{BroadcastCampaignId, ChannelId};
use domain::template;

/// A channel of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChannelId,
    /// Without `@`, in lower case.
    pub username: String,
    pub category: String,
    pub tgstat_url: Option<String>,
    pub collected_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub title: Option<String>,
    pub description: Option<String>,
    pub member_count: Option<i32>,
    pub is_verified: bool,
    pub last_checked: Option<DateTimeUtc>,
    pub is_active: bool,
    /// Failed sends in a row.
    pub error_count: i32,
    pub last_error: Option<String>,
    pub version: i32,
    /// Whether one of our accounts may post, as far as its rights told when it last looked.
    pub can_post: CanPost,
    /// The least seconds between two messages of one account.
    pub slow_mode_seconds: Option<i32>,
    /// Telegram Stars that a message costs.
    pub message_price: Option<i64>,
    /// Somebody wants to know what it is now.
    pub refresh_requested_at: Option<DateTimeUtc>,
    /// Telegram is asked about it no earlier.
    pub refresh_not_before: Option<DateTimeUtc>,
    /// The category as it is searched and sorted.
    pub category_fold: Folded,
    /// What its name led to when an account last looked it up.
    pub kind: Option<PeerKind>,
}

crate::rows::row!(
    id, username, category, collected_at, created_at, updated_at, is_verified, is_active, error_count, version,
    can_post, category_fold;
    tgstat_url, title, description, member_count, last_checked, last_error, slow_mode_seconds, message_price,
    refresh_requested_at, refresh_not_before, kind,
);

joins_nothing!();

noun!(ChannelId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::CategoryFold, &[Column::Category])];
});

impl Entity {
    /// The channel that has this number at Telegram, as far as an account has looked it up.
    pub fn numbered(number: i64) -> Select<Self> {
        let known = account_peer::Entity::numbered(number).select_only().column(account_peer::Column::ChannelId);
        Self::find().filter(Column::Id.in_subquery(known.into_query()))
    }

    /// The channels of a batch.
    pub fn in_batch(batch: impl Into<Expr>) -> Select<Self> {
        let members = batch_channel::Entity::of(batch).select_only().column(batch_channel::Column::ChannelId);
        Self::find().filter(Column::Id.in_subquery(members.into_query()))
    }

    /// The channels of a campaign's jobs at these positions.
    pub fn of_jobs(campaign: BroadcastCampaignId, positions: std::ops::RangeInclusive<i32>) -> Select<Self> {
        let jobs = job::Entity::of(campaign)
            .select_only()
            .column(job::Column::ChannelId)
            .filter(job::Column::Position.between(*positions.start(), *positions.end()));
        Self::find().filter(Column::Id.in_subquery(jobs.into_query()))
    }

    /// The channel called `username`, in its stored form.
    pub fn named(username: &str) -> Select<Self> {
        Self::find().filter(Column::Username.eq(username))
    }
}

/// What the text for a channel is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Which channel.
    pub id: ChannelId,
    /// Without `@`.
    pub username: String,
    title: Option<String>,
    category: String,
    member_count: Option<i32>,
}

/// Its columns, in their order.
type RecipientRow = (ChannelId, String, Option<String>, String, Option<i32>);

impl Recipient {
    /// Reads these of the channels that `select` finds, and nothing else of their rows.
    ///
    /// # Errors
    /// The database is away.
    pub async fn all(select: Select<Entity>, db: &impl ConnectionTrait) -> Result<Vec<Self>> {
        let columns = [Column::Id, Column::Username, Column::Title, Column::Category, Column::MemberCount];
        let rows: Vec<RecipientRow> = select.select_only().columns(columns).into_tuple().all(db).await?;
        let read = |(id, username, title, category, member_count)| Self { id, username, title, category, member_count };
        Ok(rows.into_iter().map(read).collect())
    }

    /// The values with which the channel fills the placeholders of a message.
    pub fn placeholders(&self) -> template::Channel<'_> {
        template::Channel::of(&self.username, self.title.as_deref(), &self.category, self.member_count)
    }
}

impl Model {
    /// The values with which the channel fills the placeholders of a message.
    pub fn placeholders(&self) -> template::Channel<'_> {
        template::Channel::of(&self.username, self.title.as_deref(), &self.category, self.member_count)
    }
}
