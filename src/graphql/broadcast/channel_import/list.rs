//! Reading imports of channels.

use crate::imports::{self, ImportFilter};
use crate::prelude::*;
use storage::broadcast::channel_import;

/// Reads imports.
#[derive(Default)]
pub struct ChannelImportQuery;

#[Object]
impl ChannelImportQuery {
    /// The imports of channels, the latest first: those that wait or run, and how the others ended.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channel_imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which imports.")] filter: Option<ImportFilter>,
    ) -> Result<Option<Connection<ChannelImport>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        imports::list::<channel_import::Entity, _>(ctx, &args, filter).await.map(Some)
    }

    /// The import with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channel_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's id.")] id: ID,
    ) -> Result<Option<ChannelImport>> {
        ChannelImport::by_argument(ctx, &id).await
    }
}
