//! Live progress of imports of leads, read once for all who watch (R22).

use futures_util::Stream;
use sea_orm::EntityTrait;

use crate::Services;
use crate::hub::{Hub, Reader, Seen};
use domain::broadcast::ImportStatus;
use domain::error::Result;
use domain::id::LeadImportId;
use events::Event;
use storage::retention::lead_import;

/// The imports that are watched in this process. There must be one of it only; copies of it are the same.
#[derive(Clone)]
pub struct LeadImports(Hub<ImportReader>);

impl LeadImports {
    /// Nothing is watched yet.
    pub fn new(services: &Services) -> Self {
        Self(Hub::new(services.clone()))
    }

    /// The progress of an import of leads: what it is now, what it becomes, and at last how it ended.
    ///
    /// # Errors
    /// There is no such import, or the database is away.
    pub async fn progress(
        &self,
        import: LeadImportId,
    ) -> Result<impl Stream<Item = Result<lead_import::Model>> + Send + use<>> {
        self.0.watch(import).await
    }
}

struct ImportReader(LeadImportId);

impl Reader for ImportReader {
    const KIND: &'static str = "lead import";
    type Id = LeadImportId;
    type State = lead_import::Model;

    fn of(id: LeadImportId) -> Self {
        Self(id)
    }

    async fn read(&mut self, on: &Services) -> Result<Option<Seen<lead_import::Model>>> {
        let row = lead_import::Entity::find_by_id(self.0).one(on.db.reader()).await?;
        Ok(row.map(|row| Seen {
            version: row.version,
            is_last: matches!(row.status, ImportStatus::Completed | ImportStatus::Failed),
            state: row,
        }))
    }

    fn is_woken_by(&self, event: Event) -> bool {
        event == Event::LeadImport(self.0)
    }
}
