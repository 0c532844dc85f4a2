//! A broadcast campaign, as it is shown.

use crate::broadcast::campaign::sent::{SentChanges, SentChangesOf};
use crate::broadcast::job::failure::{FailureCount, FailuresOf};
use crate::broadcast::job::list::{JobFilter, JobOrder, jobs_of};
use crate::prelude::*;
use domain::broadcast::{CampaignMode, CampaignStatus, MediaType, ParseMode, PausedBy};
use domain::id::{BatchId, BroadcastCampaignId};
use storage::broadcast::{batch_channel, campaign, failures, progress};

pub mod list;
pub mod live;
pub mod mutations;
pub mod preflight;
pub mod retry;
pub mod sent;

/// One message to many channels, at a promised rate.
///
/// QUEUED goes to RUNNING or CANCELLED; RUNNING to PAUSED, COMPLETED, FAILED or CANCELLED; PAUSED to RUNNING or CANCELLED;
/// COMPLETED and FAILED back to RUNNING when jobs are retried.
#[derive(Description)]
pub struct BroadcastCampaign(campaign::Model);

node!(BroadcastCampaign: BroadcastCampaignId, campaign::Model);

#[Object(use_type_description)]
impl BroadcastCampaign {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Notes for people; recipients never see them.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How far it is.
    async fn status(&self) -> CampaignStatus {
        self.0.status
    }

    /// Who has paused it; null unless it is PAUSED. What Herald has paused waits for somebody to mend what `pauseReason` says.
    async fn paused_by(&self) -> Option<PausedBy> {
        self.0.paused_by()
    }

    /// Why it paused by itself; null if it did not.
    async fn pause_reason(&self) -> Option<&str> {
        self.0.pause_reason.as_deref()
    }

    /// Whom it writes to. It is fixed at the creation.
    async fn mode(&self) -> CampaignMode {
        self.0.mode
    }

    /// Whether its messages go nowhere, because this installation only pretends to send.
    async fn is_simulated(&self) -> bool {
        self.0.is_simulated
    }

    /// The channels that it was made for. The start copies them into jobs: later changes of the batch don't touch it.
    async fn batch(&self, ctx: &Context<'_>) -> Result<Option<Batch>> {
        Batch::by_id(ctx, self.0.batch_id).await
    }

    /// The template that it was made with. The start copies it: later changes of the template don't touch the campaign.
    async fn template(&self, ctx: &Context<'_>) -> Result<Option<Template>> {
        Template::by_id(ctx, self.0.template_id).await
    }

    /// Values of the template's placeholders: an object of strings.
    async fn params(&self) -> Json {
        Json(self.0.params.clone())
    }

    /// Messages a minute: never more in any 60 seconds, evenly spaced.
    async fn delivery_rate(&self) -> i32 {
        self.0.delivery_rate
    }

    /// How often a message is tried again after a failure that may pass.
    async fn retry_limit(&self) -> i32 {
        self.0.retry_limit
    }

    /// The Telegram accounts that it was given, in order; empty: it goes by all that are active. Null if your role may not see
    /// accounts.
    async fn telegram_accounts(&self, ctx: &Context<'_>) -> Result<Option<Vec<TelegramAccount>>> {
        if !ctx.viewer().role.may(Permission::TelegramAccounts) {
            return Ok(None);
        }
        TelegramAccount::of(ctx, self.0.id).await.map(Some)
    }

    /// Whether untouched messages of a parked account may go by the others.
    async fn account_failover(&self) -> bool {
        self.0.account_failover
    }

    /// How many messages are sent at most in TEST mode.
    async fn test_limit(&self) -> i32 {
        self.0.test_limit
    }

    /// The text as it was at the start; null before.
    async fn content(&self) -> Option<&str> {
        self.0.content.as_deref()
    }

    /// How the text is read; null before the start.
    async fn parse_mode(&self) -> Option<ParseMode> {
        self.0.parse_mode
    }

    /// What is attached; null before the start, and if nothing is.
    async fn media_type(&self) -> Option<MediaType> {
        self.0.media_type
    }

    /// Where the attachment comes from; null if it was uploaded.
    async fn media_url(&self) -> Option<&str> {
        self.0.media_url.as_deref()
    }

    /// The upload that is attached.
    async fn media_upload_id(&self) -> Option<ID> {
        self.0.media_upload_id.map(GlobalId::global)
    }

    /// How far `editSentMessages` or `deleteSentMessages` is; null if neither was asked for.
    async fn sent_changes(&self, ctx: &Context<'_>) -> Result<Option<SentChanges>> {
        Ok(ctx.loaders().one(SentChangesOf(self.0.id)).await?.map(Into::into))
    }

    /// When it starts by itself; null if somebody has to start it.
    async fn scheduled_at(&self) -> Option<DateTime> {
        self.0.scheduled_at.map(Into::into)
    }

    /// When its schedule was given up, because it was overdue for too long or the campaign could not be started.
    async fn schedule_missed_at(&self) -> Option<DateTime> {
        self.0.schedule_missed_at.map(Into::into)
    }

    /// Why its schedule was given up; null if it was not.
    async fn schedule_missed_reason(&self) -> Option<&str> {
        self.0.schedule_missed_reason.as_deref()
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When its settings or its status were last changed; progress does not count.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// When it was started.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(Into::into)
    }

    /// Since when its messages are kept no longer, as `HERALD_KEEP_JOBS` says: they are gone or going, its numbers stay. Null while they are
    /// there.
    async fn jobs_removed_at(&self) -> Option<DateTime> {
        self.0.jobs_removed_at.map(Into::into)
    }

    /// When it ended.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(Into::into)
    }

    /// Who created it; null if your role may not see users.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::if_visible(ctx, self.0.created_by_id).await
    }

    /// Rises with each change of its settings or its status; progress has a version of its own. Give it as `expectedVersion`
    /// to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Jobs that have ended: sent, failed, cancelled and unknown.
    async fn progress(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.done())
    }

    /// The number of its jobs. Before the start it is a preview: how many channels of the batch are active now, and `testLimit` at
    /// most in TEST mode. The start counts again.
    async fn total_jobs(&self, ctx: &Context<'_>) -> Result<i32> {
        if let Some(total) = self.row(ctx).await?.total_jobs() {
            return Ok(total);
        }
        let active = ctx.loaders().one(ActiveIn(self.0.batch_id)).await?.unwrap_or_default();
        Ok(self.0.jobs_of(active))
    }

    /// How many of its jobs are in which state, at one instant.
    async fn counters(&self, ctx: &Context<'_>) -> Result<BroadcastCampaignCounters> {
        let total_jobs = self.total_jobs(ctx).await?;
        Ok(BroadcastCampaignCounters::of(&self.row(ctx).await?, total_jobs))
    }

    /// Why jobs of it failed, the most frequent reason first. A retry takes jobs out.
    async fn failures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many reasons, from 1 to 100.", default = 25)] first: i32,
    ) -> Result<Vec<FailureCount>> {
        let most = usize::try_from(first).ok().filter(|most| (1..=100).contains(most));
        let most = most.ok_or_else(|| {
            Error::Invalid(vec![Violation { path: vec!["first".into()], message: "must be from 1 to 100".into() }])
        })?;
        let Some(mut counts) = ctx.loaders().one(FailuresOf(self.0.id)).await? else { return Ok(Vec::new()) };
        failures::complete(&mut counts, self.row(ctx).await?.failed.into());
        Ok(counts.iter().take(most).map(|count| FailureCount::of(&count.reason, count.jobs)).collect())
    }

    /// Its jobs, in the order in which they are sent unless told otherwise. There are none before the start.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which jobs.")] filter: Option<JobFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<JobOrder>,
    ) -> Result<Connection<Job>> {
        jobs_of(ctx, &self.0, PageArgs::new(ctx, first, after, last, before), filter, order_by).await
    }
}

impl BroadcastCampaign {
    /// Whether its jobs are there, as many as its counters say.
    pub(crate) const fn keeps_jobs(&self) -> bool {
        self.0.jobs_removed_at.is_none()
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<progress::Model> {
        ctx.loaders().one(ProgressOf(self.0.id)).await?.ok_or(Error::NotFound("broadcast campaign"))
    }
}

/// How many jobs are in which state.
#[derive(SimpleObject)]
pub struct BroadcastCampaignCounters {
    /// Rises with each change; the progress events of the campaign carry the same one.
    version: i32,
    /// All jobs; 0 before the start.
    #[graphql(deprecation = "It is 0 before the start. Use totalJobs, which is the same number wherever it stands.")]
    total: i32,
    /// The number of its jobs, as `totalJobs` of the campaign: before the start a preview, after it what the counters add up to.
    total_jobs: i32,
    /// Not sent yet.
    queued: i32,
    /// Handed over, or about to be.
    sending: i32,
    /// Accepted by Telegram.
    sent: i32,
    /// Refused by Telegram, and not to be tried again.
    failed: i32,
    /// Cancelled before they were sent.
    cancelled: i32,
    /// Perhaps sent; nobody can know.
    unknown: i32,
}

impl BroadcastCampaignCounters {
    fn of(row: &progress::Model, total_jobs: i32) -> Self {
        let progress::Model { version, total, queued, sending, sent, failed, cancelled, unknown, .. } = *row;
        Self { version, total, total_jobs, queued, sending, sent, failed, cancelled, unknown }
    }
}

question! {
    /// How many active channels a batch has.
    ActiveIn(BatchId) -> i32 = |db, batches| {
        batch_channel::active(db, &batches).await?
    }
}

question! {
    /// The hot row of a campaign.
    pub(super) ProgressOf(BroadcastCampaignId) -> progress::Model = |db, campaigns| {
        let rows = storage::rows::all(progress::Entity::by_ids(&campaigns), db).await?;
        rows.into_iter().map(|row| (row.campaign_id, row)).collect()
    }
}
