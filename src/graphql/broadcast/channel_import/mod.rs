//! Imports of channels.

use async_graphql::MergedObject;

use crate::imports::{self, ImportError, ImportFields, import_fields, int};
use crate::prelude::*;
use domain::id::ChannelImportId;
use storage::broadcast::channel_import::{Entity, Model};
use storage::imports::ImportTable;

pub mod list;
pub mod mutations;

/// An import of channels from an uploaded list. Its counts always hold: `inserted + duplicates + invalid = lines`.
#[derive(MergedObject)]
pub struct ChannelImport(ChannelCounts, ImportFields);

/// What became of the lines.
struct ChannelCounts(Model);

node!(ChannelImport: ChannelImportId, Model, |row| {
    let fields = ImportFields(Entity::import(&row));
    ChannelImport(ChannelCounts(row), fields)
}, {});

#[Object]
impl ChannelCounts {
    /// The id, opaque and unique among all types.
    async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Lines read so far, without empty ones.
    async fn lines(&self) -> i32 {
        int(self.0.lines)
    }

    /// Channels that are new in the catalog.
    async fn inserted(&self) -> i32 {
        int(self.0.inserted)
    }

    /// Lines whose channel was there already, or came in an earlier line.
    async fn duplicates(&self) -> i32 {
        int(self.0.duplicates)
    }

    /// Lines that could not be understood.
    async fn invalid(&self) -> i32 {
        int(self.0.invalid)
    }

    /// The first 1,000 lines that could not be understood, or were taken without a field that was wrong, by their number in the
    /// file.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<ImportError>> {
        imports::errors(ctx, self.0.id).await
    }
}

impl ChannelImport {
    /// The id, as [`Node`](crate::node::Node) asks for it.
    pub(crate) async fn id(&self, ctx: &Context<'_>) -> async_graphql::Result<ID> {
        self.0.id(ctx).await
    }
}

import_fields!(ChannelImport);
