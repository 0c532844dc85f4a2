//! A person wants to be forgotten: whatever tells who it was goes, what was done for it stays as a number.

use serde_json::json;

use super::endings::{Ending, end_all};
use super::refusal::{self, Said};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::Result;
use domain::id::LeadId;
use domain::retention::words::LeadStatus;
use events::Event;
use storage::Folded;
use storage::retention::{gone_lead, lead, lead_erasure};

/// The source of an erased lead.
const SOURCE: &str = "ERASED";

/// Erases a lead. Its row stays, empty and never to be contacted, so that attempts, conversions and reports still add up; its
/// addresses leave a keyed hash each, so that no import brings them back. Neither the audit line nor anything else says who
/// it was.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn erase(on: &Services, actor: &Actor, id: LeadId) -> Result<()> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        let said = Said { source: SOURCE.into(), wording: None, at: w.now };
        refusal::keep(on, &w, &row, &said).await?;
        refusal::keep_one(on, &w, &row, None, &said).await?;
        refusal::forget_words(on, &w, &row).await?;
        end_all(on, &w, id, Ending::OptOut).await?;
        gone_lead::Entity::forget(&w, id).await?;
        let erased = lead_erasure::traces(&w, &row).await?;
        w.replace(&row, empty(&row)).await?;
        w.tell(Event::Report);
        let metadata = json!({ "attempts": erased.attempts, "conversions": erased.conversions,
            "webhookEvents": erased.webhook_events });
        w.note(Action::LeadErased, id, metadata).await
    })
    .await
}

/// Whether a lead was erased.
pub fn is_erased(row: &lead::Model) -> bool {
    row.source == SOURCE
}

/// Nothing of the person. Each field is named: a new one must be decided on here.
fn empty(row: &lead::Model) -> lead::Model {
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
        names_fold: Folded::default(),
    }
}
