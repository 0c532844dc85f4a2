//! Imports: a list of channels (JSONL) goes into the catalog, however long it is.
//!
//! The row of an import says how many bytes of its file are in the database, in the transaction that put them there. So an
//! import that was cut off, by a crash or by a database that went away, goes on exactly where it stopped.

mod reader;
mod runner;

use sea_orm::{EntityTrait, IntoActiveModel};

pub use self::runner::{Progress, run, run_pending};
use super::upload;
use crate::access::audit::Subject;
use crate::{Actor, Services, imports, once};
use domain::broadcast::ImportStatus;
use domain::error::{Error, Result};
use domain::id::{ChannelImportId, UploadId};
use events::Event;
use storage::broadcast::{channel_import, channel_import_error};

/// Asks for the import of an uploaded file; the node that has the file does the work.
///
/// # Errors
/// `NOT_FOUND` if there is no such upload, [`Error::Precondition`] if its file is no longer there.
pub async fn create(on: &Services, actor: &Actor, id: UploadId) -> Result<channel_import::Model> {
    let user = actor.signed_in()?;
    let created = on
        .db
        .write(|tx| async move {
            let file = upload::mark_used(on, &tx, id).await?;
            if file.node_id == on.node && !tokio::fs::try_exists(upload::path(on, id)).await.unwrap_or(false) {
                return Err(Error::Precondition(imports::GONE.into()));
            }
            let row = channel_import::Model {
                id: ChannelImportId::generate(),
                upload_id: id,
                node_id: file.node_id,
                status: ImportStatus::Queued,
                lines: 0,
                inserted: 0,
                duplicates: 0,
                invalid: 0,
                bytes_read: 0,
                error_message: None,
                created_at: on.now(),
                started_at: None,
                completed_at: None,
                created_by_id: user,
                version: 1,
            };
            channel_import::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*tx).await?;
            // Its audit line comes when it is done.
            once::note(on, &*tx, actor, Some(Subject("ChannelImport", row.id.0)), None).await?;
            Ok(row)
        })
        .await?;
    on.tell(Event::Import(created.id));
    Ok(created)
}

/// An import, as it is now.
pub async fn read(on: &Services, id: ChannelImportId) -> Result<channel_import::Model> {
    let found = channel_import::Entity::find_by_id(id).one(on.db.reader()).await?;
    found.ok_or(Error::NotFound("channel import"))
}

/// The first 1,000 lines of an import that were wrong, and why.
pub async fn errors(on: &Services, id: ChannelImportId) -> Result<Vec<channel_import_error::Model>> {
    Ok(channel_import_error::Entity::of(&[id]).all(on.db.reader()).await?)
}
