//! Lists of API tokens.

use crate::prelude::*;
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
    fn read(self, now: chrono::DateTime<chrono::Utc>) -> Result<api_token::ApiTokenFilter> {
        let Self { user_id, is_active } = self;
        let user = user_id.argument("filter.userId")?;
        Ok(api_token::ApiTokenFilter { user, holding: is_active.map(|is_active| (is_active, now)) })
    }
}

order! {
    /// What API tokens can be sorted by.
    enum ApiTokenOrderField of api_token::Entity {
        /// In the order of the alphabet.
        Name => Sort::by_text(api_token::Column::NameFold, api_token::Column::Name),
        /// The instant of creation.
        CreatedAt => Sort::by_id(),
    }
    /// How API tokens are sorted.
    ApiTokenOrder, falling CreatedAt
}

/// Reads API tokens.
#[derive(Default)]
pub struct ApiTokenQuery;

#[Object]
impl ApiTokenQuery {
    /// The viewer's API tokens, those of all users for an admin; the newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::OwnApiTokens))]
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
        let select = filter.unwrap_or_default().read(on.now())?.cut(visible);
        Connection::read(ctx, select, ApiTokenOrder::sort(order_by), &args).await.map(Some)
    }
}
