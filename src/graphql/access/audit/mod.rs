//! The audit log: who did what to what, when, and from where.

use crate::engine::id;
use crate::prelude::*;
use domain::audit::{Action, Severity};
use domain::id::AuditLogId;
use storage::access::audit_log;

pub mod list;

/// A line of the audit log. Lines are never changed; each is chained to the one before it.
#[derive(Description)]
pub struct AuditLog(audit_log::Model);

node!(AuditLog: AuditLogId, audit_log::Model);

#[Object(use_type_description)]
impl AuditLog {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What happened.
    async fn action(&self) -> Action {
        self.0.action
    }

    /// How much it matters.
    async fn severity(&self) -> Severity {
        self.0.severity
    }

    /// When it happened.
    async fn timestamp(&self) -> DateTime {
        self.0.timestamp.into()
    }

    /// Who did it; null for what Herald did by itself, and for failed logins.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::by_id(ctx, self.0.user_id).await
    }

    /// The type of what it was done to, such as `BroadcastCampaign`; null if to nothing in particular.
    async fn resource_type(&self) -> Option<&str> {
        self.0.resource_type.as_deref()
    }

    /// The id of what it was done to. It may have been deleted since.
    async fn resource_id(&self) -> Option<ID> {
        Some(id::encode(self.0.resource_type.as_deref()?, self.0.resource_id?))
    }

    /// Details; their shape depends on the action.
    async fn metadata(&self) -> Option<Json> {
        self.0.metadata.clone().map(Json)
    }

    /// The address that the request came from.
    async fn ip_address(&self) -> Option<&str> {
        self.0.ip_address.as_deref()
    }

    /// The line's place in the chain, without gaps; null for the moment until it is sealed.
    async fn seq(&self) -> Option<BigInt> {
        self.0.seq.map(BigInt)
    }

    /// SHA-256 over the line and the hash of the line before it, in hexadecimal digits.
    async fn hash(&self) -> Option<&str> {
        self.0.hash.as_deref()
    }
}
