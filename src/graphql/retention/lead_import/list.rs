//! Reading and watching imports of leads.

use futures_util::{Stream, StreamExt};

use crate::imports::{self, ImportFilter};
use crate::prelude::*;
use ::service::imports::Watch;
use storage::retention::lead_import;

/// Reads imports of leads.
#[derive(Default)]
pub struct LeadImportQuery;

#[Object]
impl LeadImportQuery {
    /// The imports of leads, the latest first: those that wait or run, and how the others ended.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    async fn lead_imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which imports.")] filter: Option<ImportFilter>,
    ) -> Result<Option<Connection<LeadImport>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        imports::list::<lead_import::Entity, _>(ctx, &args, filter).await.map(Some)
    }

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
