//! The audit log: one line for each write, in the write's own transaction.

use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::audit::Action;
use crate::domain::error::Result;
use crate::domain::id::AuditLogId;
use crate::service::{Actor, Services};
use crate::storage::access::audit_log;

/// What a line is about: the kind of thing, and which.
#[derive(Debug, Clone, Copy)]
pub struct Subject(pub &'static str, pub Uuid);

/// Adds a line. It is the last statement of its transaction but for the campaign's row: the lock order of R7.
pub async fn record(
    on: &Services,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    action: Action,
    subject: impl Into<Option<Subject>>,
    metadata: impl Into<Option<Json>>,
) -> Result<()> {
    let subject = subject.into();
    let line = audit_log::Model {
        id: AuditLogId::generate(),
        user_id: actor.user,
        action,
        resource_type: subject.map(|Subject(kind, _)| kind.to_owned()),
        resource_id: subject.map(|Subject(_, id)| id),
        metadata: metadata.into(),
        severity: action.severity(),
        timestamp: on.now(),
        ip_address: actor.address.clone(),
        seq: None,
        hash: None,
    };
    line.into_active_model().insert(tx).await?;
    Ok(())
}
