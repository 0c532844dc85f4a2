//! Refusals: who tried what his role does not allow.

use serde_json::json;

use super::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::Result;
use events::Event;

/// Notes in the audit log that `actor` was refused `field` of the API.
pub async fn record(on: &Services, actor: &Actor, field: &str) -> Result<()> {
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            audit::record(on, tx, actor, Action::PermissionDenied, None::<Subject>, json!({ "field": field })).await
        })
        .await?;
    on.tell(Event::Audit);
    Ok(())
}
