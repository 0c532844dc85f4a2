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
    /// To which address it was told to tell of the emails, and by which version of the integration, whose secret that is; None: it was not
    /// told, or by an earlier version.
    pub hook: Option<String>,
}

impl Model {
    /// A campaign of which nothing is known yet.
    pub const fn unknown(campaign_id: RetentionCampaignId) -> Self {
        Self { campaign_id, described: None, runs: None, hook: None }
    }

    /// Whether it sends nothing there: it is held, or was made and never started.
    pub fn is_held(&self) -> bool {
        self.runs == Some(false) || (self.runs.is_none() && self.described.is_some())
    }
}

joins_nothing!();

impl Entity {
    /// Notes what was told, in place of what was told before.
    pub async fn note(tx: &impl ConnectionTrait, row: Model) -> Result<()> {
        let latest = OnConflict::column(Column::CampaignId)
            .update_columns([Column::Described, Column::Runs, Column::Hook])
            .to_owned();
        Self::insert(row.into_active_model()).on_conflict(latest).exec_without_returning(tx).await?;
        Ok(())
    }
}
