//! Creating, changing and deleting users.

use crate::prelude::*;
use ::service::access::user as service;
use domain::role::Role;

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
    #[graphql(flatten)]
    repeat: Repeatable,
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
    #[graphql(directive = requires::apply(Permission::WriteUsers), directive = needs_login::apply())]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name, password and role.")] input: CreateUserInput,
    ) -> Result<CreateUserPayload> {
        let CreateUserInput { username, password, role, repeat } = input;
        let new = service::NewUser { username, password: password.into(), role };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let user = once(on, &actor, service::create(on, &actor, new)).await?;
        Ok(CreateUserPayload { user: user.into() })
    }

    /// Gives a user another role or password. The last admin stays one.
    #[graphql(directive = requires::apply(Permission::WriteUsers), directive = needs_login::apply())]
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to change, and how.")] input: UpdateUserInput,
    ) -> Result<UpdateUserPayload> {
        let UpdateUserInput { id, role, password, expected_version } = input;
        let change = service::Change { role, password: password.map(Into::into), expected_version };
        let user = service::update(ctx.services(), &ctx.actor(), id.input("id")?, change).boxed().await?;
        Ok(UpdateUserPayload { user: user.into() })
    }

    /// Deletes a user: sessions end, the name is not given again, and what was done stays under it. The last admin stays.
    #[graphql(directive = requires::apply(Permission::WriteUsers), directive = needs_login::apply())]
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to delete.")] input: DeleteUserInput,
    ) -> Result<DeleteUserPayload> {
        let user = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteUserPayload { user: user.into() })
    }
}
