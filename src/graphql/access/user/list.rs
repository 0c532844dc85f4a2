//! Lists of users.

use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::prelude::*;
use domain::role::Role;
use storage::access::user;

/// Which users are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct UserFilter {
    /// In one of these roles.
    roles: Option<Vec<Role>>,
    /// This is part of the username, in any case.
    username_contains: Option<String>,
    /// Deleted or not. Without it, deleted users are left out.
    is_deleted: Option<bool>,
}

impl UserFilter {
    fn select(self) -> Select<user::Entity> {
        let Self { roles, username_contains, is_deleted } = self;
        let mut select = if is_deleted == Some(true) { user::Entity::deleted() } else { user::Entity::present() };
        if let Some(roles) = roles {
            select = select.filter(user::Column::Role.is_in(roles));
        }
        if let Some(part) = username_contains {
            select = select.filter(user::Column::Username.contains(part.to_lowercase()));
        }
        select
    }
}

/// What users can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum UserOrderField {
    /// In the order of the alphabet.
    Username,
    /// The instant of creation.
    CreatedAt,
}

/// How users are sorted.
#[derive(InputObject)]
struct UserOrder {
    /// What decides the order.
    field: UserOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl UserOrder {
    fn sort(order: Option<Self>) -> Sort<user::Entity> {
        let order = order.unwrap_or(Self { field: UserOrderField::Username, direction: OrderDirection::Asc });
        let sort = match order.field {
            UserOrderField::Username => Sort::by(user::Column::Username),
            UserOrderField::CreatedAt => Sort::by_id(),
        };
        sort.descending(order.direction.is_desc())
    }
}

/// Reads users.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// The users, by name unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadUsers))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which users.")] filter: Option<UserFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<UserOrder>,
    ) -> Result<Option<Connection<User>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().select();
        Connection::read(&ctx.services().db, select, UserOrder::sort(order_by), &args).await.map(Some)
    }
}
