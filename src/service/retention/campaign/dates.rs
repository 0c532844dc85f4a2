//! Campaigns begin and end by themselves at the dates that they were given.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, QuerySelect};
use serde_json::json;

use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::Result;
use domain::id::RetentionCampaignId;
use domain::retention::states::State;
use domain::retention::words::RetentionCampaignStatus;
use events::Event;
use storage::Noun;
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
    let has_gone = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let row = campaign::Entity::require(tx, id).await?;
            let is_first = !is_start || row.status == RetentionCampaignStatus::Draft;
            let date = if is_start { row.start_date } else { row.end_date };
            if !is_first || !row.status.may_become(to) || date.is_none_or(|date| date > now) {
                return Ok(false);
            }
            let metadata = json!({ "name": row.name, "from": row.status, "to": to, "due": date });
            let mut row = row.changed(now);
            row.status = Set(to);
            row.update(tx).await?;
            let action = if is_start { Action::RetentionCampaignActivated } else { Action::RetentionCampaignCompleted };
            audit::record(on, tx, &Actor::system(), action, Subject("RetentionCampaign", id.0), metadata).await?;
            Ok(true)
        })
        .await?;
    if has_gone {
        on.tell(Event::Audit);
    }
    Ok(())
}
