//! A lead in a retention campaign, as it is shown.

use crate::prelude::*;
use domain::id::CampaignLeadId;
use domain::retention::words::CampaignLeadStatus;
use storage::retention::campaign_lead;

/// A lead in a retention campaign.
pub struct CampaignLead(campaign_lead::Model);

impl From<campaign_lead::Model> for CampaignLead {
    fn from(row: campaign_lead::Model) -> Self {
        Self(row)
    }
}

/// A lead in a retention campaign: a lead is in each campaign once at most.
#[Object]
impl CampaignLead {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Where it was assigned to.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_id(ctx, self.0.campaign_id).await
    }

    /// The person that was assigned.
    async fn lead(&self, ctx: &Context<'_>) -> Result<Option<Lead>> {
        Lead::by_id(ctx, self.0.lead_id).await
    }

    /// How far the campaign is with it.
    async fn status(&self) -> CampaignLeadStatus {
        self.0.status
    }

    /// Since when it is in the campaign.
    async fn assigned_at(&self) -> DateTime {
        self.0.assigned_at.into()
    }

    /// Since when the campaign is done with it.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(Into::into)
    }
}

impl CampaignLead {
    /// The assignment `id`.
    pub async fn by_id(ctx: &Context<'_>, id: CampaignLeadId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
}

/// Assignments by id.
#[async_trait]
impl Loader<CampaignLeadId> for Reader {
    type Value = campaign_lead::Model;
    type Error = LoadError;

    async fn load(&self, ids: &[CampaignLeadId]) -> Result<HashMap<CampaignLeadId, campaign_lead::Model>, LoadError> {
        let rows = campaign_lead::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}
