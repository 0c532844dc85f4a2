//! A retention campaign, as it is shown.

use sea_orm::Iterable;

use crate::engine::connection::Count;
use crate::prelude::*;
use ::service::retention::meta::without_secrets;
use domain::id::RetentionCampaignId;
use domain::retention::hours;
use domain::retention::words::{CampaignLeadStatus, ContactChannel, ContactDay, RetentionCampaignStatus};
use storage::retention::{ab_test, campaign, campaign_lead, contact_attempt, conversion, counts, script, sequence};

pub mod instantly;
pub mod list;
pub mod mutations;

/// Who is contacted, on which channels, and when.
#[derive(Description)]
pub struct RetentionCampaign(campaign::Model);

node!(RetentionCampaign: RetentionCampaignId, campaign::Model);

#[Object(use_type_description)]
impl RetentionCampaign {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Notes for people; leads never see them.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How far it is.
    async fn status(&self) -> RetentionCampaignStatus {
        self.0.status
    }

    /// By which ways its leads are contacted.
    async fn channels(&self) -> &[ContactChannel] {
        &self.0.channels.0
    }

    /// From when on leads may be contacted, by the clock where they live: `09:00`. Null: the default.
    async fn contact_hours_start(&self) -> Option<String> {
        self.0.contact_hours_start.map(hours::shown)
    }

    /// Until when leads may be contacted: `18:00`. Before the start it means the next morning. Null: the default.
    async fn contact_hours_end(&self) -> Option<String> {
        self.0.contact_hours_end.map(hours::shown)
    }

    /// On which days leads may be contacted; empty: every day.
    async fn contact_days(&self) -> &[ContactDay] {
        &self.0.contact_days.0
    }

    /// The clock of leads whose own time zone is not known, as an IANA name. Null: UTC.
    async fn time_zone(&self) -> Option<&str> {
        self.0.time_zone.as_deref()
    }

    /// Contacts that a lead gets in a day at most. Null: no limit of its own.
    async fn max_contacts_per_day(&self) -> Option<i32> {
        self.0.max_contacts_per_day
    }

    /// Milliseconds between contacts to a lead on two different channels. Null: none.
    async fn delay_between_channels(&self) -> Option<i32> {
        self.0.delay_between_channels.and_then(|delay| i32::try_from(delay).ok())
    }

    /// Whether leads that become known while it is ACTIVE are assigned to it.
    async fn auto_assign(&self) -> bool {
        self.0.auto_assign
    }

    /// Whether its emails go by Instantly.
    async fn instantly_sync(&self) -> bool {
        self.0.instantly_sync
    }

    /// What Instantly calls it; null before it was synchronised.
    async fn instantly_campaign_id(&self) -> Option<&str> {
        self.0.instantly_campaign_id.as_deref()
    }

    /// Whether the links of its emails and text messages are Herald's own, which tell of clicks: see the manual's page for people who
    /// keep customers. What was sent before it was switched on tells nothing.
    async fn track_clicks(&self) -> bool {
        self.0.track_clicks
    }

    /// Whether its emails in HTML end with a picture of Herald's that tells that they were opened.
    async fn track_opens(&self) -> bool {
        self.0.track_opens
    }

    /// The texts of Instantly's emails, in order, each written in HTML.
    async fn email_sequence(&self) -> &[String] {
        &self.0.email_sequence.0
    }

    /// What replaces parts of the assistant of VAPI's calls.
    async fn vapi_config(&self) -> Option<Json> {
        self.0.vapi_config.clone().map(|config| Json(without_secrets(config)))
    }

    /// When it becomes ACTIVE by itself.
    async fn start_date(&self) -> Option<DateTime> {
        self.0.start_date.map(Into::into)
    }

    /// When it becomes COMPLETED by itself.
    async fn end_date(&self) -> Option<DateTime> {
        self.0.end_date.map(Into::into)
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When its settings or its status were last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// How many leads are in it.
    async fn lead_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let counts = ctx.loaders().one(LeadCountsOf(self.0.id)).await?.unwrap_or_default();
        Ok(int(counts.iter().map(|(_, count)| count).sum::<i64>()))
    }

    /// How many of its leads are how far; every status is listed.
    async fn lead_counts(&self, ctx: &Context<'_>) -> Result<Vec<CampaignLeadCount>> {
        let counts = ctx.loaders().one(LeadCountsOf(self.0.id)).await?.unwrap_or_default();
        let count = |status| counts.iter().find(|(known, _)| *known == status).map_or(0, |(_, count)| *count);
        let line = |status| CampaignLeadCount { status, count: int(count(status)) };
        Ok(CampaignLeadStatus::iter().map(line).collect())
    }

    /// How many contacts were attempted on which channel; every channel is listed.
    async fn attempt_counts(&self, ctx: &Context<'_>) -> Result<Vec<ChannelAttemptCount>> {
        let counts = ctx.loaders().one(AttemptCountsOf(self.0.id)).await?.unwrap_or_default();
        let count = |channel| counts.iter().find(|(known, _)| *known == channel).map_or(0, |(_, count)| *count);
        let line = |channel| ChannelAttemptCount { channel, count: int(count(channel)) };
        Ok(ContactChannel::iter().map(line).collect())
    }

    /// Its leads, the latest assignment first.
    async fn campaign_leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that are this far.")] statuses: Option<Vec<CampaignLeadStatus>>,
    ) -> Result<Connection<CampaignLead>> {
        let filter = campaign_lead::CampaignLeadFilter { statuses: statuses.map(each) };
        let (campaign, wanted) = (self.0.id, filter.statuses.clone());
        let list = List::latest(campaign_lead::Entity::of, campaign_lead::Column::AssignedAt).filtered(filter);
        let count: Count = Box::new(move |ctx| {
            let wanted = wanted.clone();
            Box::pin(async move {
                let counts = ctx.loaders().one(LeadCountsOf(campaign)).await?.unwrap_or_default();
                let is_wanted = |status| wanted.as_ref().is_none_or(|wanted| wanted.contains(status));
                Ok(Length::exactly(total(
                    counts.iter().filter(|(status, _)| is_wanted(status)).map(|(_, count)| *count),
                )))
            })
        });
        let args = PageArgs::new(ctx, first, after, last, before);
        nested::connection_counted(ctx, campaign, list, args, count).await
    }

    /// Its own scripts, newest first.
    async fn scripts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Script>> {
        nested::connection(
            ctx,
            self.0.id,
            List::newest(script::Entity::of),
            PageArgs::new(ctx, first, after, last, before),
        )
        .await
    }

    /// Every contact for it on any channel, the latest first.
    async fn contact_attempts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ContactAttempt>> {
        let (campaign, args) = (self.0.id, PageArgs::new(ctx, first, after, last, before));
        let list = List::latest(contact_attempt::Entity::of, contact_attempt::Column::StartedAt);
        let count: Count = Box::new(move |ctx| {
            Box::pin(async move {
                let counts = ctx.loaders().one(AttemptCountsOf(campaign)).await?.unwrap_or_default();
                Ok(Length::exactly(total(counts.iter().map(|(_, count)| *count))))
            })
        });
        nested::connection_counted(ctx, campaign, list, args, count).await
    }

    /// What came of its contacts: sales, sign-ups and the like, the latest first.
    async fn conversions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Conversion>> {
        let list = List::latest(conversion::Entity::of, conversion::Column::CreatedAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// The sequences whose contacts it governs, the latest first.
    async fn sequences(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RetentionSequence>> {
        let list = List::latest(sequence::Entity::of, sequence::Column::CreatedAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// The tests that divide its contacts between two scripts, the latest first.
    async fn ab_tests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AbTest>> {
        let list = List::latest(ab_test::Entity::of, ab_test::Column::CreatedAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }
}

fn total(counts: impl Iterator<Item = i64>) -> u64 {
    u64::try_from(counts.sum::<i64>()).unwrap_or_default()
}

/// How many leads of a campaign are this far.
#[derive(SimpleObject)]
pub struct CampaignLeadCount {
    /// How far they are.
    status: CampaignLeadStatus,
    /// How many there are.
    count: i32,
}

/// How many contacts were attempted on one channel.
#[derive(SimpleObject)]
pub struct ChannelAttemptCount {
    /// By which way.
    channel: ContactChannel,
    /// How many there were, failed ones too.
    count: i32,
}

question! {
    /// How many leads of a campaign are how far.
    LeadCountsOf(RetentionCampaignId) -> Vec<(CampaignLeadStatus, i64)> = |db, campaigns| {
        let counts = counts::leads(db, &campaigns).await?;
        grouped(counts.into_iter().map(|(id, status, count)| (id, (status, count))))
    }
}

question! {
    /// How many contacts of a campaign went by which way.
    AttemptCountsOf(RetentionCampaignId) -> Vec<(ContactChannel, i64)> = |db, campaigns| {
        let counts = counts::attempts(db, &campaigns).await?;
        grouped(counts.into_iter().map(|(id, channel, count)| (id, (channel, count))))
    }
}
