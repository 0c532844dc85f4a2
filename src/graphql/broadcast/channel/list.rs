//! Lists of channels: which, and in which order.

use sea_orm::Select;

use crate::engine::connection::Count;
use crate::engine::document::PICKS;
use crate::engine::id;
use crate::prelude::*;
use domain::fold::fold;
use domain::username;
use service::broadcast::batch::MOST_CHANNELS;
use storage::broadcast::channel::{self, Column};
use storage::broadcast::channel_filter::{self, Category};

/// Categories that are shown.
const CATEGORIES: i64 = 1_000;

/// Values that a list in a filter has at most.
pub(crate) const MOST: usize = MOST_CHANNELS;
/// And below a node: there one statement asks for many lists at once.
pub(crate) const MOST_NESTED: usize = 25;

/// Which channels are wanted. All that is given must hold.
#[derive(InputObject, Default)]
pub struct ChannelFilter {
    /// One of these, at most 10,000; below a node at most 25.
    ids: Option<Vec<ID>>,
    /// In this category, in any case; blanks around it are left out.
    category: Option<String>,
    /// In one of these categories, in any case; at most 10,000, below a node at most 25.
    categories: Option<Vec<String>>,
    /// This is part of the username, in any case; an `@` or `t.me/` in front is left out.
    username_contains: Option<String>,
    /// Whether campaigns write to it.
    is_active: Option<bool>,
    /// Whether Telegram has verified it.
    is_verified: Option<bool>,
    /// So many subscribers or more; channels whose number is not known are left out.
    member_count_min: Option<i32>,
    /// So many subscribers or fewer; channels whose number is not known are left out.
    member_count_max: Option<i32>,
    /// Added to the catalog at this instant or later.
    created_after: Option<DateTime>,
    /// Added to the catalog before this instant.
    created_before: Option<DateTime>,
}

impl ChannelFilter {
    /// The filter in the words of the storage, with at most `most` values in each list. `path` leads to it from the
    /// arguments' root.
    pub(crate) fn read(self, path: &[&str], most: usize) -> Result<channel_filter::ChannelFilter> {
        let Self {
            ids,
            category,
            categories,
            username_contains,
            is_active,
            is_verified,
            member_count_min,
            member_count_max,
            created_after,
            created_before,
        } = self;
        let path_to = |field| [path, &[field]].concat();
        if categories.as_ref().is_some_and(|names| names.len() > most) {
            let path = path_to("categories").into_iter().map(Into::into).collect();
            return Err(Error::Invalid(vec![Violation { path, message: format!("{most} categories are the most") }]));
        }
        // Of a link nothing may be left; then a mutation would pick everything.
        if path.first() == Some(&"input") && username_contains.as_deref().is_some_and(channel_filter::is_any) {
            let path = path_to("usernameContains").into_iter().map(Into::into).collect();
            return Err(Error::Invalid(vec![Violation { path, message: PICKS.into() }]));
        }
        // As they are stored: without the blanks around them.
        let category = category.map(|name| name.trim().to_owned());
        let categories = categories.map(|names| names.iter().map(|name| name.trim().to_owned()).collect::<Vec<_>>());
        let categories = match (category, categories) {
            (Some(one), Some(all)) => Some(all.into_iter().filter(|name| is_same(name, &one)).collect()),
            (one, all) => all.or_else(|| one.map(|name| vec![name])),
        };
        Ok(channel_filter::ChannelFilter {
            ids: ids.map(|ids| id::list(&ids, &path_to("ids"), most)).transpose()?,
            categories,
            username_contains,
            is_active,
            is_verified,
            member_count_min,
            member_count_max,
            created_after: created_after.map(Into::into),
            created_before: created_before.map(Into::into),
        })
    }
}

/// Whether two names are those of one category.
fn is_same(one: &str, other: &str) -> bool {
    fold(one.trim()) == fold(other.trim())
}

/// By what a channel is known: one of these.
#[derive(OneofObject)]
enum ChannelKey {
    /// The name at Telegram, in any case, or any address of the channel: `@name`, `https://t.me/name/123`, `t.me/s/name`.
    Username(String),
    /// Telegram's number of it, with `-100` in front or without. It is known of channels that an account has looked up.
    TelegramId(BigInt),
}

impl ChannelKey {
    fn select(self) -> Result<Select<channel::Entity>> {
        Ok(match self {
            Self::Username(written) => channel::Entity::named(&lookup::key("username", username::normalise(&written))?),
            Self::TelegramId(BigInt(number)) => channel::Entity::numbered(bare(number)),
        })
    }
}

/// What bots put in front of the number of a channel.
const MARKED: i64 = -1_000_000_000_000;

/// Telegram's number of a channel, without the mark that bots put in front of it.
const fn bare(number: i64) -> i64 {
    if number < MARKED { MARKED - number } else { number }
}

order! {
    /// What channels can be sorted by.
    pub enum ChannelOrderField of channel::Entity {
        /// In the order of the alphabet.
        Username => Sort::by(Column::Username),
        /// The subscribers; channels whose number is not known come before those with none.
        MemberCount => Sort::by_or(Column::MemberCount, -1),
        /// The order in which they were added to the catalog.
        CreatedAt => Sort::by_id(),
        /// By what they are about, in the order of the alphabet.
        Category => Sort::by_text(Column::CategoryFold, Column::Category),
    }
    /// How channels are sorted.
    ChannelOrder, rising Username
}

/// What channels are about, and how many there are.
#[derive(SimpleObject)]
struct ChannelCategory {
    /// Its name, as `category` of channels and filters has it.
    category: String,
    /// How many channels are in it.
    channel_count: i32,
    /// How many of them campaigns write to.
    active_channel_count: i32,
}

impl From<Category> for ChannelCategory {
    fn from(Category { category, channel_count, active_count }: Category) -> Self {
        Self { category, channel_count: int(channel_count), active_channel_count: int(active_count) }
    }
}

/// Reads channels.
#[derive(Default)]
pub struct ChannelQuery;

#[Object]
impl ChannelQuery {
    /// The channels of the catalog, by username unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which channels.")] filter: Option<ChannelFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ChannelOrder>,
    ) -> Result<Option<Connection<Channel>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let filter = filter.unwrap_or_default().read(&["filter"], MOST)?;
        let found = filter.narrowed(ctx.services().db.reader()).await?;
        let found = Connection::read(ctx, found, ChannelOrder::sort(order_by), &args).await?;
        let count: Count = Box::new(move |ctx| {
            let filter = filter.clone();
            Box::pin(async move { filter.count(ctx.services().db.reader()).await })
        });
        Ok(Some(found.counted(count)))
    }

    /// The channel with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The channel's id.")] id: ID,
    ) -> Result<Option<Channel>> {
        Channel::by_argument(ctx, &id).await
    }

    /// The channel with this key; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channel_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what it is known.")] key: ChannelKey,
    ) -> Result<Option<Channel>> {
        lookup::only(ctx, key.select()?).boxed().await
    }

    /// The categories of the catalog, those with the most channels first; at most 1,000.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channel_categories(&self, ctx: &Context<'_>) -> Result<Option<Vec<ChannelCategory>>> {
        let categories = Category::all(ctx.services().db.reader(), CATEGORIES).await?;
        Ok(Some(categories.into_iter().map(Into::into).collect()))
    }
}
