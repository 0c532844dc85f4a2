//! Lists of users.

use sea_orm::Select;

use crate::prelude::*;
use domain::role::Role;
use domain::text::{self, Bounds};
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
        let all = if is_deleted == Some(true) { user::Entity::deleted() } else { user::Entity::present() };
        user::UserFilter { roles, username_contains }.cut(all)
    }
}

/// By what a user is known.
#[derive(OneofObject)]
enum UserKey {
    /// The name to sign in with, in any case.
    Name(String),
}

order! {
    /// What users can be sorted by.
    enum UserOrderField of user::Entity {
        /// In the order of the alphabet.
        Username => Sort::by(user::Column::Username),
        /// The instant of creation.
        CreatedAt => Sort::by_id(),
    }
    /// How users are sorted.
    UserOrder, rising Username
}

/// Reads users.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// The users, by name unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadUsers))]
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
        Connection::read(ctx, select, UserOrder::sort(order_by), &args).await.map(Some)
    }

    /// The user with this name, also a deleted one: nobody else can have the name. Null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadUsers))]
    async fn user_by(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what the user is known.")] key: UserKey,
    ) -> Result<Option<User>> {
        let UserKey::Name(name) = key;
        let name = lookup::key("name", text::line(&name, Bounds::NAME))?.to_lowercase();
        lookup::only(ctx, user::Entity::any_named(&name)).boxed().await
    }
}
