//! Senders: registering, giving leases back, taking over those of the dead (R10, R15, R16).

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::json;

use crate::{Actor, Services, retention};
use domain::audit::{Action, Subject};
use domain::error::{Error, Result};
use domain::id::SenderId;
use events::Event;
use storage::broadcast::queue::accounts;
use storage::broadcast::queue::senders::{self, Fate};
use storage::broadcast::{job_change, sender};

/// How long an ended sender is remembered: longer than any job is ambiguous.
const MEMORY: TimeDelta = TimeDelta::days(1);

/// How long after a takeover from a silent process its accounts are not connected.
///
/// That process may stand still, and Telegram keeps a connection for 75 s after the last sign of life of the protocol's library,
/// which gives one every 60 s and overrules Herald's own, of 15 s, until the next of those. It was silent for 24 s before the
/// takeover, and up to 4 s more since its last beat: the other 55 s, and some for clocks and the way.
pub(super) const QUIET: TimeDelta = TimeDelta::seconds(60);

/// How it is known that a process is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The process has ended: the operating system has closed its sockets.
    Ended,
    /// Only by its silence: it may stand still, with its sockets open.
    Silent,
}

/// Registers a process that will lease jobs.
pub async fn register(on: &Services, row: &sender::Model) -> Result<()> {
    on.system_write(|w| async move {
        let w = &w;
        row.clone().into_active_model().insert(w).await?;
        let metadata = json!({ "host": row.host, "pid": row.pid });
        w.note(Action::WorkerStarted, Subject::NONE, metadata).await
    })
    .await
}

/// Notes that a process has given everything back and leases no more.
pub async fn retire(on: &Services, row: &sender::Model) -> Result<()> {
    senders::end(&on.db, row.id, on.now()).await?;
    on.system_write(|w| async move {
        let w = &w;
        let metadata = json!({ "host": row.host, "pid": row.pid });
        w.note(Action::WorkerStopped, Subject::NONE, metadata).await
    })
    .await
}

/// Tells a process to claim nothing more, to settle what is in flight and to give back what it holds, and to stay; or to go on. That
/// holds until it is told otherwise, or starts anew. A second time changes nothing.
///
/// # Errors
/// `NOT_FOUND` if there is no such process; [`Error::Precondition`] if it has ended.
pub async fn drain(on: &Services, actor: &Actor, id: SenderId, is_drained: bool) -> Result<sender::Model> {
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        if old.ended_at.is_some() {
            return Err(Error::Precondition("the process has ended".into()));
        }
        if old.drained_at.is_some() == is_drained {
            return Ok(old);
        }
        let new = sender::Model { drained_at: is_drained.then_some(w.now), ..old.clone() };
        let new = w.replace(&old, new).await?;
        w.tell(Event::Worker);
        let action = if is_drained { Action::WorkerDrained } else { Action::WorkerResumed };
        w.note(action, Subject::NONE, json!({ "host": new.host, "pid": new.pid })).await?;
        Ok(new)
    })
    .await
}

/// Forgets the senders that ended long ago.
pub async fn forget_ended(on: &Services) -> Result<()> {
    let before = on.now() - MEMORY;
    on.system_write(|w| async move { Ok(sender::Entity::forget(before).exec(&w).await.map(drop)?) }).await
}

/// All senders that are remembered.
pub async fn remembered(on: &Services) -> Result<Vec<sender::Model>> {
    Ok(sender::Entity::find().all(on.db.reader()).await?)
}

/// Takes over the leases of a sender that is gone: its jobs may have been sent, so they are repeated under the same identity.
/// False if it gave a sign of life after all, or another process was first.
pub async fn take_over(on: &Services, gone: &sender::Model, how: Gone) -> Result<bool> {
    if !senders::fence(&on.db, gone.id, gone.epoch, gone.beat).await? {
        return Ok(false);
    }
    let mut jobs = give_back(on, gone.id, |_| false, Fate::Lost).await?;
    let quiet_until = (how == Gone::Silent).then(|| on.now() + QUIET);
    for account in accounts::free(&on.db, gone.id, quiet_until).await? {
        // Their next holder would do it too, before it connects them: but there may be none for long.
        jobs += give_back(on, SenderId(account.0), |_| false, Fate::Lost).await?;
    }
    let steps = retention::delivery::give_back::give_back(on, gone.id, |_| false, true).await?;
    senders::end(&on.db, gone.id, on.now()).await?;
    tracing::warn!(sender = %gone.id, host = gone.host, pid = gone.pid, jobs, steps, "took over the leases of a process that is gone");
    Ok(true)
}

/// Gives back all leases of a sender but those whose keys are kept. Returns how many jobs were queued again.
///
/// `is_kept` is asked after the leases were read: one that was committed meanwhile was known to its holder before.
pub async fn give_back(
    on: &Services,
    sender: SenderId,
    is_kept: impl Fn(i64) -> bool + Send + Sync,
    fate: Fate,
) -> Result<usize> {
    let mut jobs = 0;
    for lease in job_change::Entity::held_by(sender).all(on.db.reader()).await? {
        let lease = &lease;
        if !is_kept(lease.key) {
            // One campaign a transaction (R7).
            jobs += on
                .system_write(|w| async move {
                    let w = &w;
                    w.tell(Event::Work(lease.campaign_id));
                    w.tell(Event::Campaign(lease.campaign_id));
                    senders::give_back(w, lease, fate, w.now).await
                })
                .await?;
        }
    }
    Ok(jobs)
}
