//! Imports of leads.

use crate::broadcast::channel_import::ImportError;
use crate::prelude::*;
use domain::broadcast::ImportStatus;
use domain::id::LeadImportId;
use domain::retention::words::LeadImportFormat;
use storage::retention::{lead_import, lead_import_error};

pub mod list;
pub mod mutations;

/// An import of leads from an uploaded list. Its counts always hold: `inserted + duplicates + invalid = lines`.
#[derive(Description)]
pub struct LeadImport(lead_import::Model);

node!(LeadImport: LeadImportId, lead_import::Model);

#[Object(use_type_description)]
impl LeadImport {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// How far it is.
    async fn status(&self) -> ImportStatus {
        self.0.status
    }

    /// What the file looks like.
    async fn format(&self) -> LeadImportFormat {
        self.0.format
    }

    /// The campaign that the leads are assigned to; null if there is none.
    async fn campaign_id(&self) -> Option<ID> {
        self.0.campaign_id.map(|id| id.global())
    }

    /// Whether its people must never be contacted. Then `inserted` counts those who were not known as such.
    async fn is_suppression_list(&self) -> bool {
        self.0.is_suppression_list
    }

    /// Lines read so far, without empty ones and without the names of columns.
    async fn lines(&self) -> i32 {
        int(self.0.lines)
    }

    /// Leads that are new.
    async fn inserted(&self) -> i32 {
        int(self.0.inserted)
    }

    /// Lines whose person was there already, by email or by phone, or came in an earlier line.
    async fn duplicates(&self) -> i32 {
        int(self.0.duplicates)
    }

    /// Lines that did not go in: not understood, of a person who must not come back, or of two leads at once.
    async fn invalid(&self) -> i32 {
        int(self.0.invalid)
    }

    /// The first 1,000 lines that did not go in, by their number in the file. They quote no more than the field.
    async fn errors(&self, ctx: &Context<'_>) -> Result<Vec<ImportError>> {
        let errors = ctx.loaders().one(ErrorsOf(self.0.id)).await?.unwrap_or_default();
        Ok(errors.into_iter().map(|error| ImportError::new(error.line, error.message)).collect())
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

question! {
    /// The errors of an import, by line.
    ErrorsOf(LeadImportId) -> Vec<lead_import_error::Model> = |db, imports| {
        let rows = lead_import_error::Entity::of(&imports).all(db).await?;
        grouped(rows.into_iter().map(|row| (row.import_id, row)))
    }
}
