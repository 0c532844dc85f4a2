//! Lists of integrations.

use sea_orm::{ColumnTrait, QueryFilter};

use crate::prelude::*;
use domain::retention::credentials::Provider;
use storage::retention::integration_config::{Column, Entity};

/// Which integrations are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct IntegrationConfigFilter {
    /// Of these providers.
    providers: Option<Vec<Provider>>,
    /// Whether they are used.
    is_active: Option<bool>,
}

/// What integrations can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum IntegrationConfigOrderField {
    /// The provider's name, in the order of the alphabet.
    Provider,
    /// The instant at which they were first saved.
    CreatedAt,
}

/// How integrations are sorted.
#[derive(InputObject)]
struct IntegrationConfigOrder {
    /// What decides the order.
    field: IntegrationConfigOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

/// Reads integrations.
#[derive(Default)]
pub struct IntegrationQuery;

#[Object]
impl IntegrationQuery {
    /// The providers that are set up, in the order of the alphabet unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let mut select = Entity::all();
        if let Some(providers) = providers {
            select = select.filter(Column::Provider.is_in(providers.into_iter().map(Provider::name)));
        }
        if let Some(is_active) = is_active {
            select = select.filter(Column::IsActive.eq(is_active));
        }
        let by_name =
            IntegrationConfigOrder { field: IntegrationConfigOrderField::Provider, direction: OrderDirection::Asc };
        let order = order_by.unwrap_or(by_name);
        let sort = match order.field {
            IntegrationConfigOrderField::Provider => Sort::by(Column::Provider),
            IntegrationConfigOrderField::CreatedAt => Sort::by_id(),
        };
        Connection::read(&ctx.services().db, select, sort.descending(order.direction.is_desc()), &args).await.map(Some)
    }
}
