//! A Telegram channel, as it is shown.

use crate::broadcast::batch::list::BatchOrder;
use crate::broadcast::job::list::{JobFilter, JobOrder, jobs_to};
use crate::prelude::*;
use domain::broadcast::{CanPost, PeerKind};
use domain::id::ChannelId;
use storage::broadcast::{batch, channel};

pub mod list;
pub mod mutations;
pub mod refresh;

/// A Telegram channel of the catalog.
#[derive(Description)]
pub struct Channel(channel::Model);

node!(Channel: ChannelId, channel::Model);

#[Object(use_type_description)]
impl Channel {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The name at Telegram, in small letters and without `@`.
    async fn username(&self) -> &str {
        &self.0.username
    }

    /// What it is about, such as `новости`.
    async fn category(&self) -> &str {
        &self.0.category
    }

    /// Its page at tgstat, if it was found there.
    async fn tgstat_url(&self) -> Option<&str> {
        self.0.tgstat_url.as_deref()
    }

    /// When it was found, as the imported list says; otherwise when it was added.
    async fn collected_at(&self) -> DateTime {
        self.0.collected_at.into()
    }

    /// When it was added to the catalog.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// The title; null while none is known.
    async fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// What it says about itself; null while nothing is known.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Its subscribers; null while the number is not known.
    async fn member_count(&self) -> Option<i32> {
        self.0.member_count
    }

    /// Whether Telegram has verified it.
    async fn is_verified(&self) -> bool {
        self.0.is_verified
    }

    /// When Telegram was last asked about it; null if never.
    async fn last_checked(&self) -> Option<DateTime> {
        self.0.last_checked.map(Into::into)
    }

    /// What its name led to when an account last looked it up; null before. Campaigns write to persons and bots only where their
    /// batch allows it.
    async fn kind(&self) -> Option<PeerKind> {
        self.0.kind
    }

    /// Whether one of the accounts may post there, as far as its rights told at `lastChecked`.
    async fn can_post(&self) -> CanPost {
        self.0.can_post
    }

    /// Slow mode: the least seconds between two messages of one account; null without it.
    async fn slow_mode_seconds(&self) -> Option<i32> {
        self.0.slow_mode_seconds
    }

    /// Telegram Stars that each message costs there; null if it costs none.
    async fn message_price_stars(&self) -> Option<BigInt> {
        self.0.message_price.map(BigInt)
    }

    /// Whether campaigns write to it. Several failed sends in a row end that.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Failed sends in a row.
    async fn error_count(&self) -> i32 {
        self.0.error_count
    }

    /// Why the last send failed, such as `CHAT_WRITE_FORBIDDEN`; null if none did.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The batches that it is in, newest first unless told otherwise.
    async fn batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<BatchOrder>,
    ) -> Result<Connection<Batch>> {
        let list = List { below: batch::Entity::containing, filter: (), sort: BatchOrder::sort(order_by) };
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// The jobs that write to it, of all campaigns, newest first unless told otherwise.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which jobs.")] filter: Option<JobFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<JobOrder>,
    ) -> Result<Connection<Job>> {
        jobs_to(ctx, self.0.id, PageArgs::new(ctx, first, after, last, before), filter, order_by).await
    }
}
