//! Deleting a campaign: it is gone at once, its million jobs in chunks.

use std::time::Duration;

use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;

use super::transition;
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::CampaignStatus;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::broadcast::queue::freeze::remove_jobs;
use storage::broadcast::{campaign, job_change, leftover, progress, queue};

/// How much of it a mutation does before it answers.
const SOON: Duration = Duration::from_millis(400);
/// Jobs removed in one transaction.
const CHUNK: i32 = 5_000;

/// Deletes a campaign that does not run, with its jobs.
pub async fn delete(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<()> {
    on.write(actor, |w| async move {
        let hot = queue::lock(&w, id).await?;
        let status = transition::status_of(&hot)?;
        if matches!(status, CampaignStatus::Running | CampaignStatus::Paused) {
            return Err(Error::Precondition(format!("the campaign is {status}; cancel it before you delete it")));
        }
        if hot.sending > 0 {
            let why = format!("{} messages are still being sent; try again in a moment", hot.sending);
            return Err(Error::Precondition(why));
        }
        let row = w.require(id).await?;
        progress::Entity::delete_by_id(id).exec(&w).await?;
        campaign::Entity::delete_by_id(id).exec(&w).await?;
        let leftover = leftover::Model { campaign_id: id }.into_active_model();
        leftover::Entity::insert(leftover).exec_without_returning(&w).await?;
        w.tell(Event::Campaign(id));
        w.note(Action::CampaignDeleted, id, json!({ "name": row.name })).await
    })
    .await?;
    remove(on, id, Some(SOON)).await
}

/// Removes what a crash left of deleted campaigns.
pub async fn sweep_leftovers(on: &Services) -> Result<()> {
    for row in leftover::Entity::find().all(on.db.reader()).await? {
        remove(on, row.campaign_id, None).await?;
    }
    Ok(())
}

/// Removes what is left, for as long as nobody else does it. That a campaign was deleted is forgotten last, with the lock that
/// makes sure that "no more jobs" is not only "no more that nobody else is removing".
async fn remove(on: &Services, id: BroadcastCampaignId, within: Option<Duration>) -> Result<()> {
    let began = on.clock.monotonic();
    let some = || {
        on.system_write(|w| async move {
            if !leftover::Entity::claim(&w, id).await? {
                return Ok(false);
            }
            let is_more = remove_jobs(&w, id, CHUNK).await? > 0;
            if !is_more {
                job_change::Entity::forget(id).exec(&w).await?;
                leftover::Entity::delete_by_id(id).exec(&w).await?;
            }
            Ok(is_more)
        })
    };
    while some().await? {
        if within.is_some_and(|limit| on.clock.monotonic().saturating_sub(began) > limit) {
            // The workers do the rest.
            on.tell(Event::Work(id));
            break;
        }
    }
    Ok(())
}
