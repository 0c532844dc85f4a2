//! Lists of Telegram accounts.

use sea_orm::Select;

use crate::prelude::*;
use domain::broadcast::AccountStatus;
use storage::broadcast::telegram_account::{self, Column};

/// Which Telegram accounts are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct TelegramAccountFilter {
    /// In one of these states, as they are at this moment.
    statuses: Option<Vec<AccountStatus>>,
    /// This is part of the label, in any case.
    label_contains: Option<String>,
}

impl TelegramAccountFilter {
    fn select(self, now: chrono::DateTime<chrono::Utc>) -> Select<telegram_account::Entity> {
        let Self { statuses, label_contains } = self;
        let statuses = statuses.map(|statuses| (each(statuses), now));
        telegram_account::TelegramAccountFilter { statuses, label_contains }.cut(telegram_account::Entity::all())
    }
}

order! {
    /// What Telegram accounts can be sorted by.
    enum TelegramAccountOrderField of telegram_account::Entity {
        /// In the order of the alphabet.
        Label => Sort::by_text(Column::LabelFold, Column::Label),
        /// The instant at which it was added.
        CreatedAt => Sort::by_id(),
    }
    /// How Telegram accounts are sorted.
    TelegramAccountOrder, rising Label
}

/// Reads Telegram accounts.
#[derive(Default)]
pub struct TelegramAccountQuery;

#[Object]
impl TelegramAccountQuery {
    /// The Telegram accounts that send, by label unless told otherwise.
    #[graphql(directive = requires::apply(Permission::TelegramAccounts))]
    async fn telegram_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which accounts.")] filter: Option<TelegramAccountFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<TelegramAccountOrder>,
    ) -> Result<Option<Connection<TelegramAccount>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().select(ctx.services().now());
        Connection::read(ctx, select, TelegramAccountOrder::sort(order_by), &args).await.map(Some)
    }
}
