//! Activate, pause, archive: each acts at once (R5).

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::{Value as Json, json};

use super::preflight;
use crate::retention::endings::{self, is_live};
use crate::{Actor, Services, barrier, picked};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::RetentionSequenceId;
use domain::retention::states::State;
use domain::retention::trigger::TriggerConfig;
use domain::retention::words::{EndReason, EnrollmentStatus, RetentionSequenceStatus, TriggerType};
use events::Event;
use storage::Noun;
use storage::retention::{enrollment, queue, sequence, sequence_progress};

/// Enrollments that one transaction ends.
const CHUNK: u64 = 500;

/// Lets leads go through a sequence, for the first time or again. What is overdue by then runs at the pace of its channel.
///
/// # Errors
/// [`Error::Precondition`] if it has no active step, if one of them can't go, or if it is archived.
pub async fn activate(on: &Services, actor: &Actor, id: RetentionSequenceId) -> Result<sequence::Model> {
    let to = RetentionSequenceStatus::Active;
    enter(on, actor, id, to, Action::RetentionSequenceActivated, None).await
}

/// What may be wrong with whom the sequence's trigger enrolls: a sentence for each. Leads to come may prove it right.
pub async fn doubts(on: &Services, row: &sequence::Model) -> Result<Vec<String>> {
    let config: TriggerConfig = serde_json::from_value(row.trigger_config.clone()).unwrap_or_default();
    let source = config.source.filter(|_| row.trigger_type != TriggerType::Manual);
    let Some(source) = source else { return Ok(Vec::new()) };
    let doubt = picked::unknown_source(on.db.reader(), &source).await?;
    Ok(doubt.into_iter().map(|doubt| format!("the trigger enrolls nobody as yet: {doubt}")).collect())
}

/// Pauses a sequence. No step starts after this has returned.
pub async fn pause(on: &Services, actor: &Actor, id: RetentionSequenceId) -> Result<sequence::Model> {
    let to = RetentionSequenceStatus::Paused;
    let paused = enter(on, actor, id, to, Action::RetentionSequencePaused, None).await?;
    barrier::wait(on).await;
    Ok(paused)
}

/// Pauses all active sequences in Herald's own name, for the reason `why`. Returns how many.
pub async fn pause_all(on: &Services, why: &str) -> Result<usize> {
    let active = sequence::Entity::find().filter(sequence::Column::Status.eq(RetentionSequenceStatus::Active));
    let active = active.all(on.db.reader()).await?;
    let mut paused = 0;
    for row in &active {
        let (to, action) = (RetentionSequenceStatus::Paused, Action::RetentionSequencePaused);
        match enter(on, &Actor::system(), row.id, to, action, Some(why)).await {
            Ok(_) => paused += 1,
            // Somebody was first.
            Err(Error::NotFound(_) | Error::Transition(_)) => {}
            Err(error) => return Err(error),
        }
    }
    barrier::wait(on).await;
    Ok(paused)
}

/// Ends a sequence for good. No step starts after this has returned; enrollments that are left are cancelled, many of them in
/// the seconds that follow.
pub async fn archive(on: &Services, actor: &Actor, id: RetentionSequenceId) -> Result<sequence::Model> {
    let to = RetentionSequenceStatus::Archived;
    let archived = enter(on, actor, id, to, Action::RetentionSequenceArchived, None).await?;
    barrier::wait(on).await;
    sweep(on, id).await?;
    Ok(archived)
}

/// The status stands twice: on the hot row, where leases see it, and on the sequence, where lists have an index.
async fn enter(
    on: &Services,
    actor: &Actor,
    id: RetentionSequenceId,
    to: RetentionSequenceStatus,
    action: Action,
    why: Option<&str>,
) -> Result<sequence::Model> {
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        old.status.require(to)?;
        if to == RetentionSequenceStatus::Active {
            preflight::require(on, &w, &old).await?;
        }
        let pause_reason = why.map(ToOwned::to_owned);
        let row = w.replace(&old, sequence::Model { status: to, pause_reason, ..old.clone() }).await?;
        sequence_progress::Entity::enter(id, to).exec(&w).await?;
        w.tell(Event::Sequence(id));
        w.note(action, id, noted(&row.name, why)).await?;
        Ok(row)
    })
    .await
}

fn noted(name: &str, why: Option<&str>) -> Json {
    match why {
        Some(why) => json!({ "name": name, "reason": why }),
        None => json!({ "name": name }),
    }
}

/// Ends enrollments of archived sequences, wherever a crash or a large number left some. Any worker may do it.
pub async fn sweep_archived(on: &Services) -> Result<()> {
    let left = sequence_progress::Entity::unswept().all(on.db.reader()).await?;
    for row in left {
        sweep(on, row.sequence_id).await?;
    }
    Ok(())
}

async fn sweep(on: &Services, id: RetentionSequenceId) -> Result<()> {
    loop {
        let live = &enrollment::Entity::of(id).filter(is_live()).limit(CHUNK).all(on.db.reader()).await?;
        if live.is_empty() {
            return Ok(());
        }
        on.system_write(|w| async move {
            let leads: Vec<_> = live.iter().map(|row| row.lead_id).collect();
            queue::lock_leads(&w, &leads).await?;
            let ids: Vec<_> = live.iter().map(|row| row.id).collect();
            let still = enrollment::Entity::by_ids(&ids).filter(is_live()).all(&w).await?;
            endings::end(on, &w, &still, EnrollmentStatus::Cancelled, EndReason::Archived).await
        })
        .await?;
    }
}
