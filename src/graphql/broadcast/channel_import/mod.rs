//! Imports of channels.

use crate::prelude::*;
use domain::broadcast::ImportStatus;
use domain::id::ChannelImportId;
use storage::broadcast::{channel_import, channel_import_error};

pub mod list;
pub mod mutations;

/// An import of channels from an uploaded list. Its counts always hold: `inserted + duplicates + invalid = lines`.
#[derive(Description)]
pub struct ChannelImport(channel_import::Model);

node!(ChannelImport: ChannelImportId, channel_import::Model);

#[Object(use_type_description)]
impl ChannelImport {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// How far it is.
    async fn status(&self) -> ImportStatus {
        self.0.status
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

    /// The first 1,000 lines that could not be understood, by their number in the file.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<ImportError>> {
        let errors = ctx.loaders().one(ErrorsOf(self.0.id)).await?.unwrap_or_default();
        Ok(errors.into_iter().map(Into::into).collect())
    }

    /// Bytes of the file read so far.
    async fn bytes_read(&self) -> BigInt {
        self.0.bytes_read.into()
    }

    /// The size of the file in bytes; null if it is not known any more.
    async fn bytes_total(&self, ctx: &Context<'_>) -> Result<Option<BigInt>> {
        Ok(ctx.loaders().one(self.0.upload_id).await?.map(|file| file.bytes.into()))
    }

    /// Why it FAILED; null otherwise.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// The upload that is imported.
    async fn upload_id(&self) -> ID {
        self.0.upload_id.global()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it began; null if it waits.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// When it ended; null if it has not.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(Into::into)
    }

    /// Who asked for it; null if your role may not see users.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::if_visible(ctx, self.0.created_by_id).await
    }

    /// Rises with each change, so that an old state can be told from a new one.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A line that could not be imported.
#[derive(SimpleObject)]
pub(crate) struct ImportError {
    /// Its number in the file, from 1; empty lines count here.
    line: i32,
    /// What is wrong with it.
    message: String,
}

impl From<channel_import_error::Model> for ImportError {
    fn from(row: channel_import_error::Model) -> Self {
        Self::new(row.line, row.message)
    }
}

impl ImportError {
    /// What is wrong with the line of this number.
    pub(crate) fn new(line: i64, message: String) -> Self {
        Self { line: int(line), message }
    }
}

question! {
    /// The errors of an import, by line.
    ErrorsOf(ChannelImportId) -> Vec<channel_import_error::Model> = |db, imports| {
        let rows = channel_import_error::Entity::of(&imports).all(db).await?;
        grouped(rows.into_iter().map(|row| (row.import_id, row)))
    }
}
