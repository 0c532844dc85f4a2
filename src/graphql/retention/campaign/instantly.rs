//! Campaigns at Instantly.

use crate::prelude::*;
use ::service::retention::instantly_sync as service;
use providers::instantly::Analytics;

/// A campaign's figures, as Instantly counts them.
#[derive(Description)]
struct InstantlyAnalytics(Analytics);

#[Object(use_type_description)]
impl InstantlyAnalytics {
    /// Leads in the campaign.
    async fn leads(&self) -> i32 {
        int(self.0.leads_count)
    }

    /// Leads that were written to.
    async fn contacted(&self) -> i32 {
        int(self.0.contacted_count)
    }

    /// How many left Instantly, all steps of all leads together.
    async fn emails_sent(&self) -> i32 {
        int(self.0.emails_sent_count)
    }

    /// Leads who opened an email.
    async fn opened(&self) -> i32 {
        int(self.0.open_count_unique)
    }

    /// Leads who clicked on a link.
    async fn clicked(&self) -> i32 {
        int(self.0.link_click_count_unique)
    }

    /// Leads who replied.
    async fn replied(&self) -> i32 {
        int(self.0.reply_count_unique)
    }

    /// Emails that came back.
    async fn bounced(&self) -> i32 {
        int(self.0.bounced_count)
    }

    /// Leads who want no more emails.
    async fn unsubscribed(&self) -> i32 {
        int(self.0.unsubscribed_count)
    }
}

/// The campaign that is to be brought to Instantly.
#[derive(InputObject)]
struct SyncRetentionCampaignInput {
    /// Which campaign; its `instantlySync` must be set.
    id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// What the synchronisation did.
#[derive(SimpleObject)]
struct SyncRetentionCampaignPayload {
    /// The campaign, which has its `instantlyCampaignId` now.
    campaign: RetentionCampaign,
    /// The time zone that Instantly works by: of those that it knows, one with the campaign's clock.
    time_zone: String,
    /// Leads that were added now.
    pushed: i32,
    /// Leads that are still to be added: synchronise again.
    remaining: i32,
    /// The figures; null before anything was sent.
    analytics: Option<InstantlyAnalytics>,
}

/// Brings campaigns to Instantly.
#[derive(Default)]
pub struct InstantlyMutation;

#[Object]
impl InstantlyMutation {
    /// Makes the campaign at Instantly unless it is there, adds its leads if it has an `emailSequence`, brings what has changed, starts
    /// it if it is ACTIVE, and asks for its figures.
    /// It can be repeated at any time: nothing is added twice.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn sync_retention_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: SyncRetentionCampaignInput,
    ) -> Result<SyncRetentionCampaignPayload> {
        let id = input.id.input("id")?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let synced = once(on, &actor, service::sync(on, &actor, id)).await?;
        Ok(SyncRetentionCampaignPayload {
            campaign: synced.campaign.into(),
            time_zone: synced.time_zone.into(),
            pushed: int(synced.pushed),
            remaining: int(synced.remaining),
            analytics: synced.analytics.map(InstantlyAnalytics),
        })
    }
}
