//! What becomes of campaigns whose database was restored: it does not know what they have sent since.

use chrono::{DateTime, Utc};
use sea_orm::EntityTrait;

use super::transition::{self, Ending, Reason};
use crate::{Services, Write};
use domain::broadcast::{CampaignStatus, ProgressStatus};
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use storage::broadcast::{campaign, progress, queue};

/// Jobs of one transaction.
const CHUNK: i32 = 5_000;

/// Doubts all campaigns: what runs is paused and what is scheduled does not start by itself, both with the reason `why`; and each message
/// that is not known to be sent is looked for before it is sent, whoever lets it go on or tries it again. Doing it twice changes nothing.
/// Returns how many were paused or will not start.
pub async fn doubt_all(on: &Services, span: (DateTime<Utc>, DateTime<Utc>), why: &str) -> Result<usize> {
    let mut stopped = 0;
    for row in progress::Entity::find().all(on.db.reader()).await? {
        if row.total > 0 && row.sent == row.total {
            continue;
        }
        let id = row.campaign_id;
        let doubted = on.system_write(|w| async move { doubt(&w, id, span, why).await }).await;
        let (was_stopped, since) = match doubted {
            Err(Error::NotFound(_)) => continue,
            doubted => doubted?,
        };
        stopped += usize::from(was_stopped);
        let mut after = 0;
        while after < row.total {
            let until = after.saturating_add(CHUNK);
            on.system_write(|w| async move { queue::doubt::jobs(&w, id, (after, until), since).await }).await?;
            after = until;
        }
    }
    Ok(stopped)
}

/// Doubts one campaign; whether it was stopped by this, and since when it is doubted: if an earlier doubt is still open, since that.
/// Else what was sent before the later restore would be forgotten a second time.
async fn doubt(
    w: &Write,
    id: BroadcastCampaignId,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
    why: &str,
) -> Result<(bool, DateTime<Utc>)> {
    let hot = queue::lock(w, id).await?;
    let old = w.require(id).await?;
    if old.doubted_until == Some(until) {
        // It was interrupted after this.
        return Ok((false, old.doubted_since.unwrap_or(since)));
    }
    let since = match old.doubted_since {
        Some(first) if first < since && queue::doubt::is_open(w, id, first).await? => first,
        _ => since,
    };
    let new = campaign::Model { doubted_since: Some(since), doubted_until: Some(until), ..old.clone() };
    let row = w.replace(&old, new).await?;
    if hot.status == ProgressStatus::Running {
        transition::end(w, id, &Ending::Paused(Reason::Restored(why.to_owned()))).await?;
        return Ok((true, since));
    }
    let is_scheduled = row.scheduled_at.is_some() && row.schedule_missed_at.is_none();
    if row.status == CampaignStatus::Queued && is_scheduled {
        super::start::note_missed(w, &row, why).await?;
        return Ok((true, since));
    }
    Ok((false, since))
}
