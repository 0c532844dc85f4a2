//! A lead in a retention campaign, as it is shown.

use crate::prelude::*;
use domain::id::CampaignLeadId;
use domain::retention::words::CampaignLeadStatus;
use storage::retention::campaign_lead;

/// A lead in a retention campaign: a lead is in each campaign once at most.
#[derive(Description)]
pub struct CampaignLead(campaign_lead::Model);

node!(CampaignLead: CampaignLeadId, campaign_lead::Model);

#[Object(use_type_description)]
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
