//! How many of what: counts over many rows, of many campaigns in one statement.

use sea_orm::entity::prelude::*;
use sea_orm::{QuerySelect, Select};

use super::{campaign_lead, contact_attempt, lead};
use domain::error::Result;
use domain::id::RetentionCampaignId;
use domain::retention::words::{CampaignLeadStatus, ContactChannel, LeadStatus};

/// Sources of leads that are told apart: more than anybody has, so that the answer is never large.
const SOURCES: u64 = 200;

/// A campaign, what was counted, and how many there are.
pub type Count<W> = (RetentionCampaignId, W, i64);

/// The leads of some campaigns, by how far they are.
pub async fn leads(
    db: &impl ConnectionTrait,
    campaigns: &[RetentionCampaignId],
) -> Result<Vec<Count<CampaignLeadStatus>>> {
    use campaign_lead::Column;
    let found = campaign_lead::Entity::find().filter(Column::CampaignId.is_in(campaigns.iter().copied())).select_only();
    let found = found.column(Column::CampaignId).column(Column::Status).column_as(Column::Id.count(), "count");
    Ok(found.group_by(Column::CampaignId).group_by(Column::Status).into_tuple().all(db).await?)
}

/// The contacts of some campaigns, by channel.
pub async fn attempts(
    db: &impl ConnectionTrait,
    campaigns: &[RetentionCampaignId],
) -> Result<Vec<Count<ContactChannel>>> {
    use contact_attempt::Column;
    let found = contact_attempt::Entity::find().filter(Column::CampaignId.is_in(campaigns.iter().copied()));
    let found = found.select_only().column(Column::CampaignId).column(Column::Channel);
    let found = found.column_as(Column::Id.count(), "count");
    Ok(found.group_by(Column::CampaignId).group_by(Column::Channel).into_tuple().all(db).await?)
}

/// The leads that `found` selects, by status.
pub async fn by_status(db: &impl ConnectionTrait, found: Select<lead::Entity>) -> Result<Vec<(LeadStatus, i64)>> {
    use lead::Column;
    let found = found.select_only().column(Column::Status).column_as(Column::Id.count(), "count");
    Ok(found.group_by(Column::Status).into_tuple().all(db).await?)
}

/// Those of `names` that some lead has as its source.
pub async fn sources(db: &impl ConnectionTrait, names: &[String]) -> Result<Vec<String>> {
    use lead::Column;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = lead::Entity::find().filter(Column::Source.is_in(names)).select_only().column(Column::Source);
    Ok(found.distinct().into_tuple().all(db).await?)
}

/// The leads that `found` selects, by source: the sources with the most leads first.
pub async fn by_source(db: &impl ConnectionTrait, found: Select<lead::Entity>) -> Result<Vec<(String, i64)>> {
    use lead::Column;
    use sea_orm::QueryOrder;
    let found = found.select_only().column(Column::Source).column_as(Column::Id.count(), "count");
    let found = found.group_by(Column::Source).order_by_desc(Column::Id.count()).order_by_asc(Column::Source);
    Ok(found.limit(SOURCES).into_tuple().all(db).await?)
}
