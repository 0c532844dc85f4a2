//! What Instantly was told last of each campaign that is there.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use domain::error::Result;
use domain::id::RetentionCampaignId;

/// What a campaign is there.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instantly_campaigns")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: RetentionCampaignId,
    /// Its name, hours and texts, as they were told; None: told by an earlier version.
    pub described: Option<String>,
    /// Whether it was told to run; None: nobody knows.
    pub runs: Option<bool>,
}

joins_nothing!();

impl Entity {
    /// Notes what was told, in place of what was told before.
    pub async fn note(tx: &impl ConnectionTrait, row: Model) -> Result<()> {
        let latest =
            OnConflict::column(Column::CampaignId).update_columns([Column::Described, Column::Runs]).to_owned();
        Self::insert(row.into_active_model()).on_conflict(latest).exec_without_returning(tx).await?;
        Ok(())
    }
}
