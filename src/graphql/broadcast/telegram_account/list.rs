//! Lists of Telegram accounts.

use sea_orm::{ColumnTrait, Iterable, QueryFilter, Select};

use crate::prelude::*;
use domain::broadcast::AccountStatus;
use storage::broadcast::telegram_account::{self, Column};
use storage::sql::contains_in_any_case;

/// Which Telegram accounts are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct TelegramAccountFilter {
    /// In one of these states.
    statuses: Option<Vec<AccountStatus>>,
    /// This is part of the label, in any case.
    label_contains: Option<String>,
}

impl TelegramAccountFilter {
    fn select(self) -> Select<telegram_account::Entity> {
        let Self { statuses, label_contains } = self;
        let mut select = telegram_account::Entity::all();
        if let Some(statuses) = statuses {
            // Each once, however often it was given: a statement takes only so many values.
            select = select.filter(Column::Status.is_in(AccountStatus::iter().filter(|one| statuses.contains(one))));
        }
        if let Some(part) = label_contains {
            select = select.filter(contains_in_any_case(Column::Label, &part));
        }
        select
    }
}

/// What Telegram accounts can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum TelegramAccountOrderField {
    /// In the order of the alphabet.
    Label,
    /// The instant at which it was added.
    CreatedAt,
}

/// How Telegram accounts are sorted.
#[derive(InputObject)]
struct TelegramAccountOrder {
    /// What decides the order.
    field: TelegramAccountOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl TelegramAccountOrder {
    fn sort(order: Option<Self>) -> Sort<telegram_account::Entity> {
        let order = order.unwrap_or(Self { field: TelegramAccountOrderField::Label, direction: OrderDirection::Asc });
        let sort = match order.field {
            TelegramAccountOrderField::Label => Sort::by(Column::Label),
            TelegramAccountOrderField::CreatedAt => Sort::by_id(),
        };
        sort.descending(order.direction.is_desc())
    }
}

/// Reads Telegram accounts.
#[derive(Default)]
pub struct TelegramAccountQuery;

#[Object]
impl TelegramAccountQuery {
    /// The Telegram accounts that send, by label unless told otherwise.
    #[graphql(directive = requires::apply(Permission::TelegramAccounts))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let select = filter.unwrap_or_default().select();
        Connection::read(&ctx.services().db, select, TelegramAccountOrder::sort(order_by), &args).await.map(Some)
    }
}
