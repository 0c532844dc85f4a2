//! How far an import of channels is.

use sea_orm::EntityTrait;

use crate::Services;
use crate::hub::{Reader, Seen};
use domain::broadcast::ImportStatus;
use domain::error::Result;
use domain::id::ChannelImportId;
use events::Event;
use storage::broadcast::channel_import;

pub(super) struct ImportReader(ChannelImportId);

impl Reader for ImportReader {
    const KIND: &'static str = "channel import";
    type Id = ChannelImportId;
    type State = channel_import::Model;

    fn of(id: ChannelImportId) -> Self {
        Self(id)
    }

    async fn read(&mut self, on: &Services) -> Result<Option<Seen<channel_import::Model>>> {
        let row = channel_import::Entity::find_by_id(self.0).one(on.db.reader()).await?;
        Ok(row.map(|row| Seen {
            version: row.version,
            is_last: matches!(row.status, ImportStatus::Completed | ImportStatus::Failed),
            state: row,
        }))
    }

    fn is_woken_by(&self, event: Event) -> bool {
        event == Event::Import(self.0)
    }
}
