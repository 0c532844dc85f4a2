//! Campaigns begin and end by themselves at the dates that they were given.

use chrono::{DateTime, Utc};
use sea_orm::QuerySelect;
use serde_json::json;

use crate::Services;
use domain::audit::Action;
use domain::error::Result;
use domain::id::RetentionCampaignId;
use domain::retention::states::State;
use domain::retention::words::RetentionCampaignStatus;
use storage::retention::campaign;

/// Campaigns that one round looks at: the others are for the next.
const ROUND: u64 = 100;

/// Activates the DRAFT campaigns whose start has come, and completes those whose end has. Any number of processes may do it.
pub async fn keep_dates(on: &Services) -> Result<()> {
    let now = on.now();
    for row in campaign::Entity::to_start(now).limit(ROUND).all(on.db.reader()).await? {
        // Without a channel it can't be ACTIVE: it stays a DRAFT until it has one.
        if !row.channels.0.is_empty() {
            go(on, row.id, RetentionCampaignStatus::Active, now).await?;
        }
    }
    for row in campaign::Entity::to_end(now).limit(ROUND).all(on.db.reader()).await? {
        go(on, row.id, RetentionCampaignStatus::Completed, now).await?;
    }
    Ok(())
}

/// Moves one campaign, unless somebody else has moved it meanwhile, or changed its dates.
async fn go(on: &Services, id: RetentionCampaignId, to: RetentionCampaignStatus, now: DateTime<Utc>) -> Result<()> {
    let is_start = to == RetentionCampaignStatus::Active;
    on.system_write(|w| async move {
        let old = w.require(id).await?;
        let is_first = !is_start || old.status == RetentionCampaignStatus::Draft;
        let date = if is_start { old.start_date } else { old.end_date };
        if !is_first || !old.status.may_become(to) || date.is_none_or(|date| date > now) {
            return Ok(());
        }
        let metadata = json!({ "name": old.name, "from": old.status, "to": to, "due": date });
        w.replace(&old, campaign::Model { status: to, ..old.clone() }).await?;
        let action = if is_start { Action::RetentionCampaignActivated } else { Action::RetentionCampaignCompleted };
        w.note(action, id, metadata).await
    })
    .await
}
