//! Reading and watching imports of leads.

use futures_util::{Stream, StreamExt};

use crate::prelude::*;
use ::service::imports::Watch;
use storage::retention::lead_import;

/// Reads imports of leads.
#[derive(Default)]
pub struct LeadImportQuery;

#[Object]
impl LeadImportQuery {
    /// The import of leads with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's id.")] id: ID,
    ) -> Result<Option<LeadImport>> {
        LeadImport::by_argument(ctx, &id).await
    }
}

/// Watches imports of leads.
#[derive(Default)]
pub struct LeadImportSubscription;

#[Subscription]
impl LeadImportSubscription {
    /// How far an import of leads is: at first as it is now, then each change, at last how it ended; then complete.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead_import_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's id.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<LeadImport>> + use<>> {
        let progress = ctx.data_unchecked::<Watch<lead_import::Entity>>().progress(id.argument("id")?).await?;
        Ok(progress.map(|import| Ok(import?.into())))
    }
}
