//! Takes away rows that are older than they are to be kept, some at a time, and nothing that is still needed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Services;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::broadcast::{channel_import, old_jobs, queue};
use storage::prune::{self, Place, Round};
use storage::retention::lead_import;
use storage::sums::{self, Summed};

/// How often to look.
const LOOK: Duration = Duration::from_hours(6);
/// Between two rounds, so that others get their turn.
const PAUSE: Duration = Duration::from_millis(50);

/// How long rows are kept that nothing needs any more; for ever where there is None.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Contacts, since they began.
    pub attempts: Option<TimeDelta>,
    /// The steps of enrollments that have ended, since they were due.
    pub executions: Option<TimeDelta>,
    /// Imports and their errors, since they ended.
    pub imports: Option<TimeDelta>,
    /// The jobs of broadcast campaigns, since these ended.
    pub jobs: Option<TimeDelta>,
}

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gone {
    /// Contacts.
    pub attempts: u64,
    /// Steps of enrollments.
    pub executions: u64,
    /// Imports.
    pub imports: u64,
    /// Jobs of broadcast campaigns.
    pub jobs: u64,
}

/// Looks until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    if on.rules.keep == Keep::default() {
        stop.cancelled().await;
        return;
    }
    loop {
        let looked = stop.run_until_cancelled(prune(&on)).await;
        match looked {
            None => return,
            Some(Ok(gone)) if gone != Gone::default() => tracing::info!(?gone, "old rows were taken away"),
            Some(Ok(_)) => {}
            Some(Err(error)) => tracing::warn!(error = ?error, "old rows can't be taken away now"),
        }
        if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

/// Takes away what is too old. Several processes may do it at once: each passes over what another is at.
///
/// # Errors
/// The database is away; what was taken away before stays away.
pub async fn prune(on: &Services) -> Result<Gone> {
    let (Keep { attempts, executions, imports, jobs }, now) = (on.rules.keep, on.now());
    let mut gone = Gone::default();
    // First, for a contact stays while a step names it that is not over.
    if let Some(kept) = executions {
        gone.executions = rounds(on, Old::Steps, now - kept).await?;
    }
    if let Some(kept) = attempts {
        // Conversions are credited to contacts of so long ago.
        let kept = kept.max(on.rules.attribution.window + TimeDelta::days(1));
        gone.attempts = rounds(on, Old::Contacts, now - kept).await?;
    }
    if let Some(kept) = imports {
        gone.imports = all_imports(on, now - kept).await?;
    }
    if let Some(kept) = jobs {
        gone.jobs = all_jobs(on, now - kept).await?;
    }
    Ok(gone)
}

#[derive(Clone, Copy)]
enum Old {
    Contacts,
    Steps,
}

async fn rounds(on: &Services, old: Old, before: DateTime<Utc>) -> Result<u64> {
    let (mut place, mut gone) = (Place::START, 0);
    loop {
        let round: Round = on
            .db
            .write(|tx| async move {
                match old {
                    Old::Contacts => prune::contacts(&tx, before, place).await,
                    Old::Steps => prune::steps(&tx, before, place).await,
                }
            })
            .await?;
        gone += round.gone;
        let Some(next) = round.place else { return Ok(gone) };
        place = next;
        // What was taken away and noted again is nothing in the sums.
        sums::add_up(&on.db).await?;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn all_imports(on: &Services, before: DateTime<Utc>) -> Result<u64> {
    let mut gone = 0;
    loop {
        let channels =
            on.db.write(|tx| async move { prune::imports::<channel_import::Entity>(&tx, before).await }).await?;
        let leads = on.db.write(|tx| async move { prune::imports::<lead_import::Entity>(&tx, before).await }).await?;
        if channels + leads == 0 {
            return Ok(gone);
        }
        gone += channels + leads;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes away the jobs of campaigns that ended before `before`.
async fn all_jobs(on: &Services, before: DateTime<Utc>) -> Result<u64> {
    let mut gone = 0;
    loop {
        let campaigns = old_jobs::campaigns(on.db.reader(), before).await?;
        let gone_before = gone;
        for id in campaigns {
            while let Some(some) = some_jobs(on, id, before).await? {
                gone += some;
                sums::add_up(&on.db).await?;
                tokio::time::sleep(PAUSE).await;
            }
            on.tell(Event::Campaign(id));
        }
        if gone == gone_before {
            return Ok(gone);
        }
    }
}

async fn some_jobs(on: &Services, id: BroadcastCampaignId, before: DateTime<Utc>) -> Result<Option<u64>> {
    let removed = on.db.write(|tx| async move {
        queue::lock(&tx, id).await?;
        old_jobs::remove_some(&tx, id, before, on.now()).await
    });
    match removed.await {
        // Somebody has deleted it meanwhile.
        Err(Error::NotFound(_)) => Ok(None),
        other => other,
    }
}

/// The first instant since which credit for conversions can be computed again, with contacts of `window` before them; None if that
/// is any.
pub(crate) async fn computable_since(on: &Services, window: TimeDelta) -> Result<Option<DateTime<Utc>>> {
    let until = sums::pruned_until(on.db.reader(), Summed::Contacts).await?;
    Ok(until.map(|until| until + window))
}
