//! Making and revoking API tokens.

use secrecy::ExposeSecret;

use crate::access::session::session;
use crate::prelude::*;
use ::service::access::api_token as service;
use domain::role::Role;

/// The API token that is wanted.
#[derive(InputObject)]
struct CreateApiTokenInput {
    /// What people call it, such as `nightly import`: 1 to 200 characters.
    name: String,
    /// The most that it may do; not above your own role.
    role: Role,
    /// When it ends, in the future. Without it, it holds until it is revoked or its user is deleted.
    expires_at: Option<DateTime>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The API token that was made.
#[derive(SimpleObject)]
struct CreateApiTokenPayload {
    /// Goes with each request: `Authorization: Bearer herald_...`. It is told now only, and to the same request
    /// repeated under its `idempotencyKey`.
    token: String,
    /// The entity, which does not have the token in it.
    api_token: ApiToken,
}

/// The API token that is to end.
#[derive(InputObject)]
struct RevokeApiTokenInput {
    /// Which token.
    id: ID,
}

/// The API token that has ended.
#[derive(SimpleObject)]
struct RevokeApiTokenPayload {
    /// The token, which has a `revokedAt` now.
    api_token: ApiToken,
}

/// Makes and ends API tokens.
#[derive(Default)]
pub struct ApiTokenMutation;

#[Object]
impl ApiTokenMutation {
    /// Makes an API token for a script of yours. It needs a session: an API token makes no others. A user has at most 100.
    #[graphql(directive = requires::apply(Permission::OwnApiTokens), directive = needs_login::apply())]
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: CreateApiTokenInput,
    ) -> Result<CreateApiTokenPayload> {
        let CreateApiTokenInput { name, role, expires_at, repeat } = input;
        let new = service::New { name, role, expires_at: expires_at.map(|end| end.0) };
        let actor = ctx.actor_once(repeat)?;
        let made = service::create(ctx.services(), &actor, session(ctx)?, new).boxed().await?;
        Ok(CreateApiTokenPayload { token: made.token.expose_secret().to_owned(), api_token: made.row.into() })
    }

    /// Ends an API token of yours, or of anybody if you are an admin: it is refused from now on, and what it watches over
    /// sockets ends. An API token ends no other than itself.
    #[graphql(directive = requires::apply(Permission::OwnApiTokens))]
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: RevokeApiTokenInput,
    ) -> Result<RevokeApiTokenPayload> {
        let row = service::revoke(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(RevokeApiTokenPayload { api_token: row.into() })
    }
}
