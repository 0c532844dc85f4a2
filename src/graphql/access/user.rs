//! Users: who may sign in, and as what.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::engine::connection::{Connection, OrderDirection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::loaders::Load;
use crate::engine::scalar::DateTime;
use ::service::access::user as service;
use ::service::once::once;
use domain::error::Result;
use domain::id::UserId;
use domain::role::{Permission, Role};
use storage::access::user;
use storage::page::Sort;

/// Who signs in. A deleted user stays: what was done in that name keeps its author.
pub struct User(user::Model);

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self(row)
    }
}

/// Who signs in. A deleted user stays: what was done in that name keeps its author.
#[Object]
impl User {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// The name to sign in with, in lower case.
    async fn username(&self) -> &str {
        &self.0.username
    }

    /// What the user may do.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// When the user was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When the role, the password or the deletion was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// When the user last signed in; null if never.
    async fn last_login_at(&self) -> Option<DateTime> {
        self.0.last_login_at.map(Into::into)
    }

    /// When the user was deleted; null if not.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.deleted_at.map(Into::into)
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

impl User {
    /// The user `id`, a deleted one too.
    pub async fn by_id(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
}

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

/// Who is to be created.
#[derive(InputObject)]
struct CreateUserInput {
    /// The name to sign in with: 3 to 64 of a-z, 0-9, dot, dash and underscore; capitals are made small.
    username: String,
    /// 12 to 128 characters of any kind.
    #[graphql(secret)]
    password: String,
    /// What the user may do.
    role: Role,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
}

/// The user who was created.
#[derive(SimpleObject)]
struct CreateUserPayload {
    /// The new user, who can sign in at once.
    user: User,
}

/// What is to change of a user. What is left out stays.
#[derive(InputObject)]
struct UpdateUserInput {
    /// Which user.
    id: ID,
    /// The new role; it acts at once.
    role: Option<Role>,
    /// The new password, 12 to 128 characters of any kind. All sessions of the user end.
    #[graphql(secret)]
    password: Option<String>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The user who was changed.
#[derive(SimpleObject)]
struct UpdateUserPayload {
    /// The user as changed, with a new version.
    user: User,
}

/// Who is to be deleted.
#[derive(InputObject)]
struct DeleteUserInput {
    /// Which user.
    id: ID,
}

/// The user who was deleted.
#[derive(SimpleObject)]
struct DeleteUserPayload {
    /// The user, who has a `deletedAt` now.
    user: User,
}

/// Changes users.
#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Gives somebody access, in a role. CONFLICT if the name was ever given before.
    #[graphql(directive = requires::apply(Permission::WriteUsers))]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name, password and role.")] input: CreateUserInput,
    ) -> Result<CreateUserPayload> {
        let CreateUserInput { username, password, role, idempotency_key } = input;
        let new = service::NewUser { username, password: password.into(), role };
        let (on, actor) = (ctx.services(), ctx.actor_once(idempotency_key)?);
        let user = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(CreateUserPayload { user: user.into() })
    }

    /// Gives a user another role or password. The last admin stays one.
    #[graphql(directive = requires::apply(Permission::WriteUsers))]
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to change, and how.")] input: UpdateUserInput,
    ) -> Result<UpdateUserPayload> {
        let UpdateUserInput { id, role, password, expected_version } = input;
        let change = service::Change { role, password: password.map(Into::into), expected_version };
        let user = service::update(ctx.services(), &ctx.actor(), id.input("id")?, change).await?;
        Ok(UpdateUserPayload { user: user.into() })
    }

    /// Deletes a user: sessions end, the name is not given again, and what was done stays under it. The last admin stays.
    #[graphql(directive = requires::apply(Permission::WriteUsers))]
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to delete.")] input: DeleteUserInput,
    ) -> Result<DeleteUserPayload> {
        let user = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).await?;
        Ok(DeleteUserPayload { user: user.into() })
    }
}
