//! Campaigns at Instantly.

use crate::prelude::*;
use ::service::retention::instantly_sync as service;
use providers::instantly::Analytics;

/// A campaign's figures, as Instantly counts them.
struct InstantlyAnalytics(Analytics);

/// A campaign's figures, as Instantly counts them.
#[Object]
impl InstantlyAnalytics {
    /// Leads in the campaign.
    async fn leads(&self) -> i32 {
        count(self.0.leads_count)
    }

    /// Leads that were written to.
    async fn contacted(&self) -> i32 {
        count(self.0.contacted_count)
    }

    /// How many left Instantly, all steps of all leads together.
    async fn emails_sent(&self) -> i32 {
        count(self.0.emails_sent_count)
    }

    /// Leads who opened an email.
    async fn opened(&self) -> i32 {
        count(self.0.open_count_unique)
    }

    /// Leads who clicked on a link.
    async fn clicked(&self) -> i32 {
        count(self.0.link_click_count_unique)
    }

    /// Leads who replied.
    async fn replied(&self) -> i32 {
        count(self.0.reply_count_unique)
    }

    /// Emails that came back.
    async fn bounced(&self) -> i32 {
        count(self.0.bounced_count)
    }

    /// Leads who want no more emails.
    async fn unsubscribed(&self) -> i32 {
        count(self.0.unsubscribed_count)
    }
}

fn count(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The campaign that is to be brought to Instantly.
#[derive(InputObject)]
struct SyncRetentionCampaignInput {
    /// Which campaign; its `instantlySync` must be set.
    id: ID,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
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
    /// Makes the campaign at Instantly unless it is there, adds its leads, starts it if it is ACTIVE, and asks for its figures.
    /// It can be repeated at any time: nothing is added twice.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn sync_retention_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: SyncRetentionCampaignInput,
    ) -> Result<SyncRetentionCampaignPayload> {
        let id = input.id.input("id")?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.idempotency_key)?);
        let synced = once(on, &actor, service::sync(on, &actor, id)).await?;
        Ok(SyncRetentionCampaignPayload {
            campaign: synced.campaign.into(),
            time_zone: synced.time_zone.into(),
            pushed: i32::try_from(synced.pushed).unwrap_or(i32::MAX),
            remaining: i32::try_from(synced.remaining).unwrap_or(i32::MAX),
            analytics: synced.analytics.map(InstantlyAnalytics),
        })
    }
}
