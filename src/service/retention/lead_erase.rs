//! A person wants to be forgotten: whatever tells who it was goes, what was done for it stays as a number.

use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;
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
            empty(row, now).update(tx).await?;
            let metadata = json!({ "attempts": erased.attempts, "conversions": erased.conversions,
            "webhookEvents": erased.webhook_events });
            audit::record(on, tx, actor, Action::LeadErased, Subject("Lead", id.0), metadata).await
        })
        .await?;
    on.tell(Event::Report);
    on.tell(Event::Audit);
    Ok(())
}

fn empty(row: lead::Model, now: chrono::DateTime<chrono::Utc>) -> lead::ActiveModel {
    let mut row = row.changed(now);
    row.external_id = Set(None);
    row.first_name = Set(None);
    row.last_name = Set(None);
    row.phone = Set(None);
    row.email = Set(None);
    row.telegram_username = Set(None);
    row.source = Set(SOURCE.into());
    row.status = Set(LeadStatus::DoNotContact);
    row.status_before = Set(None);
    row.no_email = Set(true);
    row.no_sms = Set(true);
    row.no_call = Set(true);
    row.no_webhook = Set(true);
    row.no_telegram = Set(true);
    row.meta = Set(json!({}));
    row.notes = Set(None);
    row.time_zone = Set(None);
    row.language = Set(None);
    row
}
