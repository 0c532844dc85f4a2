//! Lists of API tokens.

use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::prelude::*;
use ::service::Services;
use domain::id::UserId;
use domain::role::Role;
use storage::access::api_token;

/// Which API tokens are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ApiTokenFilter {
    /// Of this user. Whoever is no admin finds his own only.
    user_id: Option<ID>,
    /// Whether they can be used: neither revoked nor expired. Without it, both kinds.
    is_active: Option<bool>,
}

impl ApiTokenFilter {
    fn select(self, on: &Services, all: Select<api_token::Entity>) -> Result<Select<api_token::Entity>> {
        let Self { user_id, is_active } = self;
        let mut select = all;
        if let Some(id) = user_id {
            let id: UserId = id.argument("filter.userId")?;
            select = select.filter(api_token::Column::UserId.eq(id));
        }
        if let Some(is_active) = is_active {
            let holding = api_token::holding(on.now());
            select = select.filter(if is_active { holding } else { holding.not() });
        }
        Ok(select)
    }
}

/// What API tokens can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ApiTokenOrderField {
    /// In the order of the alphabet.
    Name,
    /// The instant of creation.
    CreatedAt,
}

/// How API tokens are sorted.
#[derive(InputObject)]
struct ApiTokenOrder {
    /// What decides the order.
    field: ApiTokenOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl ApiTokenOrder {
    fn sort(order: Option<Self>) -> Sort<api_token::Entity> {
        let order = order.unwrap_or(Self { field: ApiTokenOrderField::CreatedAt, direction: OrderDirection::Desc });
        let sort = match order.field {
            ApiTokenOrderField::Name => Sort::by(api_token::Column::Name),
            ApiTokenOrderField::CreatedAt => Sort::by_id(),
        };
        sort.descending(order.direction.is_desc())
    }
}

/// Reads API tokens.
#[derive(Default)]
pub struct ApiTokenQuery;

#[Object]
impl ApiTokenQuery {
    /// The viewer's API tokens, those of all users for an admin; the newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::OwnApiTokens))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which tokens.")] filter: Option<ApiTokenFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ApiTokenOrder>,
    ) -> Result<Option<Connection<ApiToken>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let (on, viewer) = (ctx.services(), ctx.viewer());
        let visible = match viewer.role {
            Role::Admin => api_token::Entity::all(),
            _ => api_token::Entity::of(viewer.id),
        };
        let select = filter.unwrap_or_default().select(on, visible)?;
        Connection::read(&on.db, select, ApiTokenOrder::sort(order_by), &args).await.map(Some)
    }
}
