//! A person wants to be forgotten: whatever tells who it was goes, what was done for it stays as a number.

use sea_orm::ActiveModelTrait;
use serde_json::json;

use super::effects::{self, Ending};
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::Result;
use domain::id::LeadId;
use domain::retention::words::LeadStatus;
use events::Event;
use storage::Noun;
use storage::retention::{lead, lead_erasure, suppression};

/// What an erased lead says of where it came from.
const SOURCE: &str = "ERASED";

/// Erases a lead. Its row stays, empty and never to be contacted, so that attempts, conversions and reports still add up; its
/// addresses leave a keyed hash each, so that no import brings them back. Neither the audit line nor anything else says who
/// it was.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn erase(on: &Services, actor: &Actor, id: LeadId) -> Result<()> {
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            let row = lead::Entity::require(tx, id).await?;
            let now = on.now();
            for (kind, address) in [(suppression::Kind::Email, &row.email), (suppression::Kind::Phone, &row.phone)] {
                if let Some(address) = address {
                    let hash = suppression::hash(&on.key, kind, address);
                    suppression::Entity::keep(tx, kind, hash, "ERASED", now).await?;
                }
            }
            effects::end(on, tx, id, Ending::OptOut).await?;
            let erased = lead_erasure::traces(tx, &row).await?;
            empty(row).changed(now).reset_all().update(tx).await?;
            let metadata = json!({ "attempts": erased.attempts, "conversions": erased.conversions,
                "webhookEvents": erased.webhook_events });
            audit::record(on, tx, actor, Action::LeadErased, Subject("Lead", id.0), metadata).await
        })
        .await?;
    on.tell(Event::Report);
    on.tell(Event::Audit);
    Ok(())
}

/// Nothing of the person. Each field is named: a new one must be decided on here.
fn empty(row: lead::Model) -> lead::Model {
    lead::Model {
        id: row.id,
        external_id: None,
        first_name: None,
        last_name: None,
        phone: None,
        email: None,
        telegram_username: None,
        source: SOURCE.into(),
        status: LeadStatus::DoNotContact,
        status_before: None,
        no_email: true,
        no_sms: true,
        no_call: true,
        no_webhook: true,
        no_telegram: true,
        meta: json!({}),
        notes: None,
        time_zone: None,
        language: None,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
    }
}
