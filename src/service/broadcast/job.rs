//! Single jobs: retry, cancel, and the word of an operator on what became of those of unknown fate.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::campaign;
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::{CampaignMode, JobStatus};
use domain::error::{Error, Result};
use domain::id::{BroadcastCampaignId, JobId};
use events::Event;
use storage::Noun;
use storage::broadcast::{channel, job, queue, sent_change};

/// Jobs that one call of [`resolve_unknown`] takes.
pub const MOST: usize = 1_000;

/// An operator's word on a job of unknown fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The message is there.
    Sent,
    /// The message is not there: send it, unless the history shows it after all.
    Queued,
    /// Herald is to look for it in the history of its channel; nothing is sent.
    History,
}

/// Queues a failed or cancelled job anew.
pub async fn retry(on: &Services, actor: &Actor, id: JobId) -> Result<job::Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        if !matches!(row.status, JobStatus::Failed | JobStatus::Cancelled) {
            return Err(Error::transition("job", row.status, JobStatus::Queued));
        }
        require_active(&w, &row).await?;
        queue::requeue::anew(&w, row.campaign_id, &[row.position], row.status, w.now).await?;
        campaign::run_again(&w, row.campaign_id).await?;
        tell(&w, row.campaign_id);
        w.note(Action::JobRetried, id, json!({ "campaignId": row.campaign_id, "from": row.status })).await
    })
    .await?;
    job::Entity::get(on.db.reader(), id).await
}

/// A job of an inactive channel would fail without being sent, and what Telegram had said of it would be lost.
async fn require_active(w: &Write, row: &job::Model) -> Result<()> {
    let is_test = storage::broadcast::campaign::Entity::get(w, row.campaign_id).await?.mode == CampaignMode::Test;
    let channel = channel::Entity::get(w, row.channel_id).await?;
    if channel.is_active || is_test {
        return Ok(());
    }
    let why = format!("the channel @{} is inactive: make it active first (updateChannel)", channel.username);
    Err(Error::Precondition(why))
}

/// Cancels a queued job.
pub async fn cancel(on: &Services, actor: &Actor, id: JobId) -> Result<job::Model> {
    on.write(actor, |w| async move {
        let row = w.require(id).await?;
        if row.status != JobStatus::Queued {
            return Err(Error::transition("job", row.status, JobStatus::Cancelled));
        }
        if row.ambiguous_since.is_some() {
            let why = "the job may have been sent already, so it cannot go from QUEUED to CANCELLED";
            return Err(Error::Precondition(why.into()));
        }
        queue::requeue::cancelled(&w, row.campaign_id, &[row.position]).await?;
        let hot = queue::lock(&w, row.campaign_id).await?;
        campaign::complete_if_spent(&w, &hot).await?;
        tell(&w, row.campaign_id);
        w.note(Action::JobCancelled, id, json!({ "campaignId": row.campaign_id, "from": row.status })).await
    })
    .await?;
    job::Entity::get(on.db.reader(), id).await
}

/// Takes an operator's word on jobs of one campaign whose fate is unknown. Returns them as they are then.
pub async fn resolve_unknown(
    on: &Services,
    actor: &Actor,
    ids: &[JobId],
    resolution: Resolution,
) -> Result<Vec<job::Model>> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Error::invalid("jobIds", "must name 1 to 1,000 jobs"));
    }
    on.write(actor, |w| async move {
        let rows = unknown(&w, ids).await?;
        let campaign = rows[0].campaign_id;
        if rows.iter().any(|row| row.campaign_id != campaign) {
            return Err(Error::invalid("jobIds", "must be of one campaign"));
        }
        let positions: Vec<i32> = rows.iter().map(|row| row.position).collect();
        match resolution {
            Resolution::Sent => queue::requeue::seen(&w, campaign, &positions, w.now).await?,
            Resolution::History => {
                if rows.iter().any(|row| row.account_id.is_none()) {
                    let why = "no Telegram account has sent these jobs, so there is no history to look into";
                    return Err(Error::Precondition(why.into()));
                }
                // The row of the campaign is the last lock (R7).
                queue::lock(&w, campaign).await?;
                sent_change::Entity::seek(&w, campaign, &positions).await?;
            }
            Resolution::Queued => {
                queue::requeue::not_sent(&w, campaign, &positions, w.now).await?;
                campaign::run_again(&w, campaign).await?;
            }
        }
        tell(&w, campaign);
        let metadata = json!({ "jobs": positions.len(), "as": format!("{resolution:?}").to_uppercase() });
        w.note(Action::JobsResolved, campaign, metadata).await
    })
    .await?;
    by_ids(on, ids).await
}

/// The jobs `ids`, in the order of their places.
pub async fn by_ids(on: &Services, ids: &[JobId]) -> Result<Vec<job::Model>> {
    Ok(job::Entity::find().filter(is_in(ids)).order_by_asc(job::Column::Position).all(on.db.reader()).await?)
}

async fn unknown(w: &Write, ids: &[JobId]) -> Result<Vec<job::Model>> {
    let mut rows =
        job::Entity::find().filter(is_in(ids)).order_by_asc(job::Column::Position).lock_exclusive().all(w).await?;
    if rows.len() < ids.len() {
        return Err(Error::NotFound("job"));
    }
    if let Some(row) = rows.iter().find(|row| row.status != JobStatus::Unknown) {
        return Err(Error::transition("job", row.status, "a resolution: only UNKNOWN jobs have one"));
    }
    rows.sort_unstable_by_key(|row| row.position);
    Ok(rows)
}

fn is_in(ids: &[JobId]) -> sea_orm::sea_query::SimpleExpr {
    job::Column::Id.is_in(ids.iter().copied())
}

fn tell(w: &Write, campaign: BroadcastCampaignId) {
    w.tell(Event::Work(campaign));
    w.tell(Event::Campaign(campaign));
}
