//! A retention campaign, as it is shown.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Iterable, QueryFilter, Select};

use crate::prelude::*;
use crate::retention::lists_below::{ConversionsOf, SequencesOf, TestsOf};
use domain::id::RetentionCampaignId;
use domain::retention::hours;
use domain::retention::words::{CampaignLeadStatus, ContactChannel, ContactDay, RetentionCampaignStatus};
use storage::retention::counts::{self, Count};
use storage::retention::{campaign, campaign_lead, contact_attempt, script};

pub mod instantly;
pub mod list;
pub mod mutations;

/// Who is contacted, on which channels, and when.
pub struct RetentionCampaign(campaign::Model);

impl From<campaign::Model> for RetentionCampaign {
    fn from(row: campaign::Model) -> Self {
        Self(row)
    }
}

/// Who is contacted, on which channels, and when.
#[Object]
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

    /// The texts of Instantly's emails, in order.
    async fn email_sequence(&self) -> &[String] {
        &self.0.email_sequence.0
    }

    /// What replaces parts of the assistant of VAPI's calls.
    async fn vapi_config(&self) -> Option<Json> {
        self.0.vapi_config.clone().map(Json)
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
        Ok(shown(counts.iter().map(|(_, count)| count).sum()))
    }

    /// How many of its leads are how far; every status is listed.
    async fn lead_counts(&self, ctx: &Context<'_>) -> Result<Vec<CampaignLeadCount>> {
        let counts = ctx.loaders().one(LeadCountsOf(self.0.id)).await?.unwrap_or_default();
        let count = |status| counts.iter().find(|(known, _)| *known == status).map_or(0, |(_, count)| *count);
        let line = |status| CampaignLeadCount { status, count: shown(count(status)) };
        Ok(CampaignLeadStatus::iter().map(line).collect())
    }

    /// How many contacts were attempted on which channel; every channel is listed.
    async fn attempt_counts(&self, ctx: &Context<'_>) -> Result<Vec<ChannelAttemptCount>> {
        let counts = ctx.loaders().one(AttemptCountsOf(self.0.id)).await?.unwrap_or_default();
        let count = |channel| counts.iter().find(|(known, _)| *known == channel).map_or(0, |(_, count)| *count);
        let line = |channel| ChannelAttemptCount { channel, count: shown(count(channel)) };
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
        // Each once, however often it was given.
        let wanted = |statuses: Vec<_>| CampaignLeadStatus::iter().filter(|one| statuses.contains(one)).collect();
        let list = LeadsOf { statuses: statuses.map(wanted) };
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
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
        nested::connection(ctx, self.0.id, ScriptsOf, PageArgs::new(ctx, first, after, last, before)).await
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
        nested::connection(ctx, self.0.id, AttemptsOf, PageArgs::new(ctx, first, after, last, before)).await
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
        nested::connection(ctx, self.0.id, ConversionsOf, PageArgs::new(ctx, first, after, last, before)).await
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
        nested::connection(ctx, self.0.id, SequencesOf, PageArgs::new(ctx, first, after, last, before)).await
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
        nested::connection(ctx, self.0.id, TestsOf, PageArgs::new(ctx, first, after, last, before)).await
    }
}

impl RetentionCampaign {
    /// The retention campaign `id`.
    pub async fn by_id(ctx: &Context<'_>, id: RetentionCampaignId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
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

/// A count as GraphQL's integers can hold it.
pub(super) fn shown(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Retention campaigns by id.
#[async_trait]
impl Loader<RetentionCampaignId> for Reader {
    type Value = campaign::Model;
    type Error = LoadError;

    async fn load(
        &self,
        ids: &[RetentionCampaignId],
    ) -> Result<HashMap<RetentionCampaignId, campaign::Model>, LoadError> {
        let rows = campaign::Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How many leads of a campaign are how far.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct LeadCountsOf(RetentionCampaignId);

#[async_trait]
impl Loader<LeadCountsOf> for Reader {
    type Value = Vec<(CampaignLeadStatus, i64)>;
    type Error = LoadError;

    async fn load(&self, keys: &[LeadCountsOf]) -> Result<HashMap<LeadCountsOf, Self::Value>, LoadError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        Ok(by_campaign(counts::leads(self.db.reader(), &ids).await?, LeadCountsOf))
    }
}

/// How many contacts of a campaign went by which way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct AttemptCountsOf(RetentionCampaignId);

#[async_trait]
impl Loader<AttemptCountsOf> for Reader {
    type Value = Vec<(ContactChannel, i64)>;
    type Error = LoadError;

    async fn load(&self, keys: &[AttemptCountsOf]) -> Result<HashMap<AttemptCountsOf, Self::Value>, LoadError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        Ok(by_campaign(counts::attempts(self.db.reader(), &ids).await?, AttemptCountsOf))
    }
}

fn by_campaign<K: Eq + std::hash::Hash, W>(
    counts: Vec<Count<W>>,
    key: impl Fn(RetentionCampaignId) -> K,
) -> HashMap<K, Vec<(W, i64)>> {
    let mut found: HashMap<K, Vec<(W, i64)>> = HashMap::new();
    for (campaign, word, count) in counts {
        found.entry(key(campaign)).or_default().push((word, count));
    }
    found
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct LeadsOf {
    statuses: Option<Vec<CampaignLeadStatus>>,
}

impl Nested for LeadsOf {
    type Entity = campaign_lead::Entity;

    fn select(&self, campaign: Expr) -> Select<campaign_lead::Entity> {
        let all = campaign_lead::Entity::of(campaign);
        match &self.statuses {
            Some(statuses) => all.filter(campaign_lead::Column::Status.is_in(statuses.iter().copied())),
            None => all,
        }
    }

    fn sort(&self) -> Sort<campaign_lead::Entity> {
        Sort::by(campaign_lead::Column::AssignedAt).descending(true)
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ScriptsOf;

impl Nested for ScriptsOf {
    type Entity = script::Entity;

    fn select(&self, campaign: Expr) -> Select<script::Entity> {
        script::Entity::of(campaign)
    }

    fn sort(&self) -> Sort<script::Entity> {
        Sort::by_id().descending(true)
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct AttemptsOf;

impl Nested for AttemptsOf {
    type Entity = contact_attempt::Entity;

    fn select(&self, campaign: Expr) -> Select<contact_attempt::Entity> {
        contact_attempt::Entity::of(campaign)
    }

    fn sort(&self) -> Sort<contact_attempt::Entity> {
        Sort::by(contact_attempt::Column::StartedAt).descending(true)
    }
}
