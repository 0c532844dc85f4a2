//! Refusals: who tried what his role does not allow.

use serde_json::json;

use crate::{Actor, Services};
use domain::audit::{Action, Subject};
use domain::error::Result;

/// Notes in the audit log that `actor` was refused `field` of the API.
pub async fn record(on: &Services, actor: &Actor, field: &str) -> Result<()> {
    on.write(actor, |w| async move { w.note(Action::PermissionDenied, Subject::NONE, json!({ "field": field })).await })
        .await
}
