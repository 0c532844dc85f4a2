//! Telegram accounts, as they are shown: never their keys.

use crate::prelude::*;
use domain::broadcast::AccountStatus;
use domain::id::{BroadcastCampaignId, TelegramAccountId};
use storage::broadcast::{campaign_account, telegram_account};

pub mod list;
pub mod mutations;

/// A Telegram account that sends. Its session and its API hash are stored encrypted, and never shown.
#[derive(Description)]
pub struct TelegramAccount(telegram_account::Model);

node!(TelegramAccount: TelegramAccountId, telegram_account::Model);

#[Object(use_type_description)]
impl TelegramAccount {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Whether it can send. `FLOOD_WAIT` for as long as Telegram lets it send nothing: `sendsResumeAt` says until when.
    async fn status(&self, ctx: &Context<'_>) -> AccountStatus {
        self.0.status_at(ctx.services().now())
    }

    /// What Telegram answered when it parked the account; null while nothing is wrong.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// Telegram's number of the user: limits belong to the user, whichever session is used.
    async fn telegram_user_id(&self) -> Option<BigInt> {
        self.0.telegram_user_id.map(Into::into)
    }

    /// The name that Telegram shows.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The username, without `@`; null if it has none.
    async fn username(&self) -> Option<&str> {
        self.0.username.as_deref()
    }

    /// The last four digits of its telephone number, to tell accounts apart.
    async fn phone_ending(&self) -> Option<&str> {
        self.0.phone_end.as_deref()
    }

    /// The number of Telegram's data centre that knows it, 1 to 5.
    async fn data_center(&self) -> i32 {
        self.0.dc
    }

    /// The application, from my.telegram.org, in whose name it speaks.
    async fn api_id(&self) -> i32 {
        self.0.api_id
    }

    /// Messages a minute at most, over all campaigns.
    async fn messages_per_minute(&self) -> i32 {
        self.0.messages_per_minute
    }

    /// Channels a day at most that it has not written to before.
    async fn new_peers_per_day(&self) -> i32 {
        self.0.new_peers_per_day
    }

    /// Usernames a day at most that it looks up.
    async fn resolves_per_day(&self) -> i32 {
        self.0.resolves_per_day
    }

    /// Messages sent since midnight, UTC.
    async fn sends_today(&self, ctx: &Context<'_>) -> i32 {
        self.0.today(ctx.services().now()).sends
    }

    /// Channels written to for the first time since midnight, UTC.
    async fn new_peers_today(&self, ctx: &Context<'_>) -> i32 {
        self.0.today(ctx.services().now()).new_peers
    }

    /// Usernames looked up since midnight, UTC.
    async fn resolves_today(&self, ctx: &Context<'_>) -> i32 {
        self.0.today(ctx.services().now()).resolves
    }

    /// Until when Telegram asked it to send nothing; null if there is no such wait.
    async fn sends_resume_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        ahead(ctx, self.0.send_not_before)
    }

    /// Until when Telegram asked it to look up no username; sends to channels that it knows go on meanwhile.
    async fn resolves_resume_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        ahead(ctx, self.0.resolve_not_before)
    }

    /// Until when Telegram asked it to read nothing.
    async fn reads_resume_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        ahead(ctx, self.0.read_not_before)
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed by somebody, or by Telegram.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Who added it; null if that was done at the command line.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::by_id(ctx, self.0.created_by_id).await
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

impl TelegramAccount {
    /// The accounts that a campaign was given, in the order of the choice.
    pub async fn of(ctx: &Context<'_>, campaign: BroadcastCampaignId) -> Result<Vec<Self>> {
        let chosen = ctx.loaders().one(ChosenFor(campaign)).await?.unwrap_or_default();
        let mut accounts = Vec::with_capacity(chosen.len());
        for account in futures_util::future::try_join_all(chosen.into_iter().map(|id| Self::by_id(ctx, id))).await? {
            accounts.extend(account);
        }
        Ok(accounts)
    }
}

/// An instant, if it has not come yet.
fn ahead(ctx: &Context<'_>, until: Option<chrono::DateTime<chrono::Utc>>) -> Option<DateTime> {
    until.filter(|until| *until > ctx.services().now()).map(Into::into)
}

question! {
    /// Which accounts a campaign was given.
    ChosenFor(BroadcastCampaignId) -> Vec<TelegramAccountId> = |db, campaigns| {
        let rows = campaign_account::Entity::of_all(&campaigns).all(db).await?;
        grouped(rows.into_iter().map(|row| (row.campaign_id, row.account_id)))
    }
}
