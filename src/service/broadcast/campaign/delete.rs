//! Deleting a campaign: it is gone at once, its million jobs in chunks.

use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;

use super::transition;
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::CampaignStatus;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::Noun;
use storage::broadcast::queue::freeze::remove_jobs;
use storage::broadcast::{campaign, job_change, leftover, progress, queue};

/// Jobs removed in one transaction.
const CHUNK: i32 = 5_000;

/// Deletes a campaign that does not run, with its jobs.
pub async fn delete(on: &Services, actor: &Actor, id: BroadcastCampaignId) -> Result<()> {
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            let hot = queue::lock(tx, id).await?;
            let status = transition::status_of(&hot)?;
            if matches!(status, CampaignStatus::Running | CampaignStatus::Paused) {
                return Err(Error::Precondition(format!("the campaign is {status}; cancel it before you delete it")));
            }
            if hot.sending > 0 {
                return Err(Error::Precondition(format!(
                    "{} messages are still being sent; try again in a moment",
                    hot.sending
                )));
            }
            let row = campaign::Entity::require(tx, id).await?;
            progress::Entity::delete_by_id(id).exec(tx).await?;
            campaign::Entity::delete_by_id(id).exec(tx).await?;
            let leftover = leftover::Model { campaign_id: id }.into_active_model();
            leftover::Entity::insert(leftover).exec_without_returning(tx).await?;
            audit::record(
                on,
                tx,
                actor,
                Action::CampaignDeleted,
                Subject("BroadcastCampaign", id.0),
                json!({ "name": row.name }),
            )
            .await
        })
        .await?;
    on.tell(Event::Campaign(id));
    remove(on, id).await
}

/// Removes what a crash left of deleted campaigns.
pub async fn sweep_leftovers(on: &Services) -> Result<()> {
    for row in leftover::Entity::find().all(on.db.reader()).await? {
        remove(on, row.campaign_id).await?;
    }
    Ok(())
}

async fn remove(on: &Services, id: BroadcastCampaignId) -> Result<()> {
    while on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            remove_jobs(tx, id, CHUNK).await
        })
        .await?
        > 0
    {}
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            job_change::Entity::forget(id).exec(tx).await?;
            leftover::Entity::delete_by_id(id).exec(tx).await?;
            Ok(())
        })
        .await
}
