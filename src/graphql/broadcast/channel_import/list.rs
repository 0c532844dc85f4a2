//! Reading imports of channels.

use crate::prelude::*;

/// Reads imports.
#[derive(Default)]
pub struct ChannelImportQuery;

#[Object]
impl ChannelImportQuery {
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
