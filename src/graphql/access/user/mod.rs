//! A user, as it is shown: who may sign in, and as what.

use crate::prelude::*;
use domain::id::UserId;
use domain::role::Role;
use storage::access::user;

pub mod list;
pub mod mutations;

/// Who signs in. A deleted user stays: what was done in that name keeps its author.
#[derive(Description)]
pub struct User(user::Model);

node!(User: UserId, user::Model);

#[Object(use_type_description)]
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
    /// The user `id`, if the viewer is that user, or may see users.
    pub async fn if_visible(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        let viewer = ctx.viewer();
        let may_see = viewer.id == id || viewer.role.may(Permission::ReadUsers);
        Self::by_id(ctx, may_see.then_some(id)).await
    }
}
