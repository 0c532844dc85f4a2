//! Triggers: leads that are new, or old without a conversion, are enrolled by themselves, each at most once in a sequence.

use serde_json::json;

use super::enrollment::enroll_many;
use super::schedule;
use crate::Services;
use domain::audit::Action;
use domain::error::Result;
use domain::id::{LeadId, SequenceEnrollmentId};
use domain::retention::trigger::{Span, TriggerConfig};
use storage::retention::queue;
use storage::retention::queue::enroll::{Candidate, NewEnrollment, candidates};
use storage::retention::sequence;

/// Leads of one transaction.
const CHUNK: i64 = 500;

/// Enrolls the leads that the triggers of all active sequences want. Any number of workers may do it at once.
pub async fn enroll_all(on: &Services) -> Result<()> {
    let sequences = sequence::Entity::triggered().all(on.db.reader()).await?;
    for sequence in sequences {
        // One sequence's trouble is not the others'.
        if let Err(error) = enroll_new(on, &sequence).await {
            tracing::warn!(sequence = %sequence.id, ?error, "a trigger could not enroll its leads");
        }
    }
    Ok(())
}

async fn enroll_new(on: &Services, sequence: &sequence::Model) -> Result<()> {
    let config: TriggerConfig = serde_json::from_value(sequence.trigger_config.clone()).unwrap_or_default();
    let now = schedule::now(on).await?.max(on.now());
    let Some(span) = config.span(sequence.trigger_type, sequence.watermark, now) else { return Ok(()) };
    let mut after: Option<Candidate> = None;
    loop {
        let found = candidates(on.db.reader(), sequence, &config, &span, after, CHUNK).await?;
        if found.is_empty() {
            break;
        }
        after = found.last().copied();
        enroll_chunk(on, sequence, &found).await?;
    }
    advance(on, sequence, &span).await
}

/// Each lead at most once: an attempt number that is there makes the database pass it over.
async fn enroll_chunk(on: &Services, sequence: &sequence::Model, found: &[Candidate]) -> Result<()> {
    let leads: Vec<LeadId> = found.iter().map(|candidate| candidate.id).collect();
    let wanted = |lead: &LeadId| NewEnrollment { id: SequenceEnrollmentId::generate(), lead_id: *lead, attempt: 1 };
    let wanted: Vec<NewEnrollment> = leads.iter().map(wanted).collect();
    let (leads, wanted) = (&leads, &wanted);
    on.system_write(|w| async move {
        queue::lock_leads(&w, leads).await?;
        let made = enroll_many(on, &w, sequence, wanted).await?;
        if made.is_empty() {
            return Ok(());
        }
        let metadata = json!({ "name": sequence.name, "enrolled": made.len() });
        w.note(Action::LeadsEnrolled, sequence.id, metadata).await
    })
    .await
}

/// Everything up to the end of the span has been looked at.
async fn advance(on: &Services, sequence: &sequence::Model, span: &Span) -> Result<()> {
    on.system_write(|w| async move {
        sequence::Entity::looked(sequence.id, span.until).exec(&w).await?;
        Ok(())
    })
    .await
}
