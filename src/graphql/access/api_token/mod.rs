//! An API token, as it is shown: what a script signs in with.

use crate::prelude::*;
use ::service::access::api_token as service;
use domain::id::ApiTokenId;
use domain::role::Role;
use storage::access::api_token;

pub mod list;
pub mod mutations;

/// What a script signs in with, in place of a session: `Authorization: Bearer herald_...`. It acts in the name of the user who
/// made it, and ends with him. The token itself was told once, when it was made.
#[derive(Description)]
pub struct ApiToken(api_token::Model);

node!(ApiToken: ApiTokenId, api_token::Model, |row| ApiToken(row), {
    fn is_visible(row: &api_token::Model, ctx: &Context<'_>) -> bool {
        service::is_visible(row, &ctx.actor())
    }
});

#[Object(use_type_description)]
impl ApiToken {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The most that it may do. If the user's own role is less, it may do no more than he.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// Who made it, and in whose name it acts.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::by_id(ctx, self.0.user_id).await
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it ends; null if it does not end by itself.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(Into::into)
    }

    /// When it was last used, to the minute; null if never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(Into::into)
    }

    /// When it was revoked; null if it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(Into::into)
    }
}
