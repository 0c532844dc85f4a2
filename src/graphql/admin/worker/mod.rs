//! Processes that send, as an admin sees them.

use crate::prelude::*;
use domain::id::SenderId;
use storage::broadcast::{account_lease, sender};
use storage::gauges;

pub mod mutations;

/// A process that sends. One that ends, or that others take for dead, is another one when it comes back.
#[derive(Description)]
pub struct Worker(sender::Model);

node!(Worker: SenderId, sender::Model);

#[Object(use_type_description)]
impl Worker {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The machine that it runs on.
    async fn host(&self) -> &str {
        self.0.host.split(' ').next().unwrap_or_default()
    }

    /// Its number among the processes of that machine.
    async fn pid(&self) -> i32 {
        self.0.pid
    }

    /// The version of Herald that it runs; null if it is one that does not tell.
    async fn program_version(&self) -> Option<&str> {
        Some(self.0.program.as_str()).filter(|program| !program.is_empty())
    }

    /// Since when it sends.
    async fn started_at(&self) -> DateTime {
        self.0.started_at.into()
    }

    /// Since when it claims nothing, because it was drained; null if it was not. What it holds says whether it is through.
    async fn drained_at(&self) -> Option<DateTime> {
        self.0.drained_at.map(Into::into)
    }

    /// When the database was last too slow for most of what it had claimed; null if it never was.
    async fn late_at(&self) -> Option<DateTime> {
        self.0.late_at.map(Into::into)
    }

    /// Claims on messages of broadcast campaigns that it has not wholly settled, its own and those of the accounts that it holds.
    async fn claims(&self, ctx: &Context<'_>) -> Result<i32> {
        gauges::claims_held(ctx.services().db.reader(), self.0.id).await
    }

    /// Steps of sequences that it has claimed and not settled.
    async fn steps(&self, ctx: &Context<'_>) -> Result<i32> {
        gauges::steps_held(ctx.services().db.reader(), self.0.id).await
    }

    /// Telegram accounts that it holds.
    async fn accounts(&self, ctx: &Context<'_>) -> Result<i32> {
        use sea_orm::PaginatorTrait;
        let held = account_lease::Entity::held_by(self.0.id).count(ctx.services().db.reader()).await?;
        Ok(i32::try_from(held).unwrap_or(i32::MAX))
    }
}
