//! Ends an import by hand.

use serde_json::json;

use super::Importable;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::ImportStatus;
use domain::error::{Error, Result};
use storage::imports::Import;

/// Ends an import that has not ended: no line goes in after the answer, what went in stays. A second time changes nothing.
///
/// # Errors
/// `NOT_FOUND`, or [`Error::Transition`] if it has ended in another way.
pub async fn cancel<I: Importable>(on: &Services, actor: &Actor, id: I::Id) -> Result<I::Model> {
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        let import = I::import(&old);
        match import.status {
            ImportStatus::Queued | ImportStatus::Running => {}
            ImportStatus::Cancelled => return Ok(old),
            ended @ (ImportStatus::Completed | ImportStatus::Failed) => {
                return Err(Error::transition("import", ended, ImportStatus::Cancelled));
            }
        }
        let metadata = json!({
            "lines": import.lines, "inserted": import.inserted,
            "duplicates": import.duplicates, "invalid": import.invalid,
        });
        let ended = Import { status: ImportStatus::Cancelled, completed_at: Some(w.now), ..import };
        let row = w.replace(&old, I::with(&old, ended)).await?;
        w.tell(I::event(id));
        w.note(Action::ImportCancelled, id, metadata).await?;
        Ok(row)
    })
    .await
}
