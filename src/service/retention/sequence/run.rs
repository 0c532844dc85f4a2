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

/// Why a sequence should not be activated without a look; None if there is no such reason.
pub async fn caution(on: &Services, id: RetentionSequenceId) -> Result<Option<String>> {
    let found = sequence::Entity::by_ids(&[id]).one(on.db.reader()).await?;
    Ok(found.filter(|row| idle_status(row.status)).and_then(|row| row.pause_reason))
}

/// Pauses a sequence. No step starts after this has returned.
pub async fn pause(on: &Services, actor: &Actor, id: RetentionSequenceId) -> Result<sequence::Model> {
    let to = RetentionSequenceStatus::Paused;
    let paused = enter(on, actor, id, to, Action::RetentionSequencePaused, None).await?;
    barrier::wait(on).await;
    Ok(paused)
}

/// Pauses all active sequences in Herald's own name, for the reason `why`, which those that may be activated later keep as well.
/// Returns how many were paused.
pub async fn pause_all(on: &Services, why: &str) -> Result<usize> {
    let active = sequence::Entity::find().filter(sequence::Column::Status.eq(RetentionSequenceStatus::Active));
    let paused = pause_each(on, &active.all(on.db.reader()).await?, why).await?;
    let idle = [RetentionSequenceStatus::Draft, RetentionSequenceStatus::Paused];
    let idle = sequence::Entity::present().filter(sequence::Column::Status.is_in(idle));
    for row in idle.filter(sequence::Column::PauseReason.is_null()).all(on.db.reader()).await? {
        let warned = on.system_write(|w| async move {
            let old = w.require(row.id).await?;
            let is_idle = idle_status(old.status);
            let pause_reason = if is_idle { Some(why.to_owned()) } else { old.pause_reason.clone() };
            w.replace(&old, sequence::Model { pause_reason, ..old.clone() }).await.map(drop)
        });
        match warned.await {
            Ok(()) | Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(paused)
}

const fn idle_status(status: RetentionSequenceStatus) -> bool {
    matches!(status, RetentionSequenceStatus::Draft | RetentionSequenceStatus::Paused)
}

/// Pauses the active sequences that were activated in the other world: where contacts go nowhere, or where they go out. What was tried
/// out must not go out because a setting is missing at the next start, nor may it be pretended that it has.
///
/// # Errors
/// The database is away.
pub async fn pause_other_world(on: &Services) -> Result<()> {
    let is_simulated = on.rules.endpoints.is_simulated;
    let active = sequence::Entity::find().filter(sequence::Column::Status.eq(RetentionSequenceStatus::Active));
    let active = active.filter(sequence::Column::IsSimulated.ne(is_simulated)).all(on.db.reader()).await?;
    let why = if is_simulated {
        "it was activated to contact people, and contacts go nowhere here (HERALD_PROVIDERS or HERALD_TELEGRAM is simulated); \
         activate it again if that is to be pretended"
    } else {
        "it was activated where contacts go nowhere (HERALD_PROVIDERS or HERALD_TELEGRAM was simulated): nobody has got anything; \
         activate it again if people are to be contacted now"
    };
    if active.is_empty() {
        return Ok(());
    }
    let paused = pause_each(on, &active, why).await?;
    tracing::warn!(sequences = paused, "paused: {why}");
    Ok(())
}

async fn pause_each(on: &Services, active: &[sequence::Model], why: &str) -> Result<usize> {
    let mut paused = 0;
    for row in active {
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
        let is_active = to == RetentionSequenceStatus::Active;
        let is_simulated = if is_active { Some(on.rules.endpoints.is_simulated) } else { old.is_simulated };
        let new = sequence::Model { status: to, pause_reason, is_simulated, ..old.clone() };
        let row = w.replace(&old, new).await?;
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
            let still = enrollment::Entity::find().filter(enrollment::Column::Id.is_in(ids));
            let still = still.filter(is_live()).all(&w).await?;
            endings::end(on, &w, &still, EnrollmentStatus::Cancelled, EndReason::Archived).await
        })
        .await?;
    }
}
