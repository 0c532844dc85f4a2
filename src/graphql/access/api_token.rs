//! API tokens: what scripts sign in with.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, QueryFilter, Select};
use secrecy::ExposeSecret;

use super::session::session;
use super::user::User;
use crate::engine::connection::{Connection, OrderDirection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::loaders::{Load, LoadError, Reader};
use crate::engine::scalar::DateTime;
use ::service::Services;
use ::service::access::api_token as service;
use domain::error::{Error, Result};
use domain::id::{ApiTokenId, UserId};
use domain::role::{Permission, Role};
use storage::access::api_token;
use storage::page::Sort;

/// What a script signs in with.
pub struct ApiToken(api_token::Model);

impl From<api_token::Model> for ApiToken {
    fn from(row: api_token::Model) -> Self {
        Self(row)
    }
}

/// What a script signs in with, in place of a session: `Authorization: Bearer herald_...`. It acts in the name of the user who
/// made it, and ends with him. The token itself was told once, when it was made.
#[Object]
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

impl ApiToken {
    /// The token `id`, if the viewer may see it.
    pub async fn by_id(ctx: &Context<'_>, id: ApiTokenId) -> Result<Option<Self>> {
        let row = ctx.loaders().one(id).await?;
        Ok(row.filter(|row| service::is_visible(row, &ctx.actor())).map(Self))
    }
}

/// API tokens by id.
impl Loader<ApiTokenId> for Reader {
    type Value = api_token::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[ApiTokenId]) -> Result<HashMap<ApiTokenId, api_token::Model>, LoadError> {
        let rows = api_token::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

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

/// The API token that is wanted.
#[derive(InputObject)]
struct CreateApiTokenInput {
    /// What people call it, such as `nightly import`: 1 to 200 characters.
    name: String,
    /// The most that it may do; not above your own role.
    role: Role,
    /// When it ends, in the future. Without it, it holds until it is revoked or its user is deleted.
    expires_at: Option<DateTime>,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
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
    #[graphql(directive = requires::apply(Permission::OwnApiTokens))]
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: CreateApiTokenInput,
    ) -> Result<CreateApiTokenPayload> {
        let CreateApiTokenInput { name, role, expires_at, idempotency_key } = input;
        let new = service::New { name, role, expires_at: expires_at.map(|end| end.0) };
        let actor = ctx.actor_once(idempotency_key)?;
        let made = service::create(ctx.services(), &actor, session(ctx)?, new).await?;
        Ok(CreateApiTokenPayload { token: made.token.expose_secret().to_owned(), api_token: made.row.into() })
    }

    /// Ends an API token of yours, or of anybody if you are an admin: it is refused from now on, and what it watches over
    /// sockets ends.
    #[graphql(directive = requires::apply(Permission::OwnApiTokens))]
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: RevokeApiTokenInput,
    ) -> Result<RevokeApiTokenPayload> {
        let row = service::revoke(ctx.services(), &ctx.actor(), input.id.input("id")?).await?;
        Ok(RevokeApiTokenPayload { api_token: row.into() })
    }
}
