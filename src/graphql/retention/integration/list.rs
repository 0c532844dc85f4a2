//! Lists of integrations.

use crate::prelude::*;
use domain::retention::credentials::Provider;
use storage::retention::integration_config::{self, Column, Entity};

/// Which integrations are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct IntegrationConfigFilter {
    /// Of these providers.
    providers: Option<Vec<Provider>>,
    /// Whether they are used.
    is_active: Option<bool>,
}

order! {
    /// What integrations can be sorted by.
    enum IntegrationConfigOrderField of Entity {
        /// The provider's name, in the order of the alphabet.
        Provider => Sort::by(Column::Provider),
        /// The instant at which they were first saved.
        CreatedAt => Sort::by_id(),
    }
    /// How integrations are sorted.
    IntegrationConfigOrder, rising Provider
}

/// Reads integrations.
#[derive(Default)]
pub struct IntegrationQuery;

#[Object]
impl IntegrationQuery {
    /// The providers that are set up, in the order of the alphabet unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations))]
    async fn integration_configs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which integrations.")] filter: Option<IntegrationConfigFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<IntegrationConfigOrder>,
    ) -> Result<Option<Connection<IntegrationConfig>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let IntegrationConfigFilter { providers, is_active } = filter.unwrap_or_default();
        let providers = providers.map(|all| all.into_iter().map(Provider::name).collect());
        let select = integration_config::IntegrationConfigFilter { providers, is_active }.cut(Entity::all());
        Connection::read(ctx, select, IntegrationConfigOrder::sort(order_by), &args).await.map(Some)
    }
}
