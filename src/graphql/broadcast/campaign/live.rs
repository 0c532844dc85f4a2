//! What can be watched of broadcasting: campaigns, their jobs, imports.

use async_graphql::ComplexObject;
use futures_util::{Stream, StreamExt, TryStreamExt, future, stream};

use crate::engine::shared_frames::Given;
use crate::prelude::*;
use domain::broadcast::CampaignStatus;
use domain::id::{BroadcastCampaignId, ChannelId, NounId};
use service::broadcast::follow::{self, Chunk, Cursor, JobLogs};
use service::broadcast::live::{Live, Progress};
use service::imports::Watch;
use storage::Db;
use storage::broadcast::{channel, channel_import};

/// How far a campaign is: a full set of counters, so that nothing is lost with a lost event. Select `campaign` with its id, and
/// a cache that knows things by their ids moves by itself.
#[derive(SimpleObject)]
#[graphql(complex)]
struct BroadcastCampaignProgress {
    #[graphql(skip)]
    campaign: BroadcastCampaignId,
    /// Whose counters these are.
    campaign_id: ID,
    /// Rises with each event of this campaign.
    version: i32,
    /// How far the campaign is.
    status: CampaignStatus,
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
    /// Messages accepted a minute, measured over the last seconds.
    rate_per_minute: i32,
    /// Seconds until the last job has ended, as far as can be said; null while the campaign does not run.
    eta_seconds: Option<i32>,
    /// When these counters were read.
    at: DateTime,
}

impl From<Progress> for BroadcastCampaignProgress {
    fn from(progress: Progress) -> Self {
        let Progress {
            campaign_id,
            version,
            status,
            total,
            total_jobs,
            queued,
            sending,
            sent,
            failed,
            cancelled,
            unknown,
            rate_per_minute,
            eta_seconds,
            at,
        } = progress;
        Self {
            campaign: campaign_id,
            campaign_id: campaign_id.global(),
            version,
            status,
            total,
            total_jobs,
            queued,
            sending,
            sent,
            failed,
            cancelled,
            unknown,
            rate_per_minute,
            eta_seconds,
            at: at.into(),
        }
    }
}

#[ComplexObject]
impl BroadcastCampaignProgress {
    /// The campaign as it is now: as far as these counters at least.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<BroadcastCampaign> {
        BroadcastCampaign::by_id(ctx, self.campaign).await?.ok_or(Error::NotFound(BroadcastCampaignId::WORD))
    }
}

/// A job as it is after a change.
#[derive(SimpleObject)]
struct JobUpdate {
    /// The update's place among all of the campaign. Give the last one that you have seen as `after` to go on behind it.
    cursor: String,
    /// The job in its present state.
    job: Job,
}

/// The permission that watching a campaign's progress needs.
pub const WATCH_PROGRESS: Permission = Permission::ReadBroadcast;

/// Watches campaigns, jobs and imports.
#[derive(Default)]
pub struct CampaignSubscription;

#[Subscription]
impl CampaignSubscription {
    /// How far a campaign is: at first as it is now, then each change, with rising versions and at most some events a second;
    /// at last how it ended, and then the stream completes. Of a campaign that has ended: its last state, then complete.
    #[graphql(directive = requires::apply(WATCH_PROGRESS))]
    async fn broadcast_campaign_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<BroadcastCampaignProgress>> + use<>> {
        let id = id.argument("id")?;
        let progress = match ctx.data_opt::<Given>() {
            Some(Given::Progress(state)) => stream::once(future::ready(Ok(*state))).left_stream(),
            _ => ctx.data_unchecked::<Live>().progress(id).await?.right_stream(),
        };
        Ok(progress.map(|progress: Result<Progress>| Ok(progress?.into())))
    }

    /// The changes of a campaign's jobs. At first the present state of each job, or of those that changed after a cursor;
    /// then each change as it comes. A job that changes quickly may skip states, but its last state is always told, and none
    /// is told twice. When the campaign has ended and all was told, the stream completes.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn job_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The campaign's id.")] campaign_id: ID,
        #[graphql(desc = "Only what came after this update's cursor. Without it, from the beginning.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = async_graphql::Result<JobUpdate>> + use<>> {
        let campaign: BroadcastCampaignId = campaign_id.argument("campaignId")?;
        let after = after.map(|after| Cursor::read(&after, campaign)).transpose()?;
        let shows_channels = ctx.look_ahead().field("job").field("channel").exists();
        let db = ctx.services().db.clone();
        let chunks = match ctx.data_opt::<Given>() {
            Some(Given::Jobs(chunk)) => stream::once(future::ready(Ok(chunk.clone()))).left_stream(),
            _ => ctx.data_unchecked::<JobLogs>().follow(campaign, after).boxed().await?.right_stream(),
        };
        let updates = chunks.and_then(move |chunk| {
            let db = db.clone();
            async move { Ok(stream::iter(dressed(&db, &chunk, shows_channels).await?.into_iter().map(Ok))) }
        });
        Ok(updates.try_flatten().map(|update: Result<JobUpdate>| Ok(update?)))
    }

    /// How far an import of channels is: at first as it is now, then each change, at last how it ended; then complete.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn channel_import_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The import's id.")] id: ID,
    ) -> Result<impl Stream<Item = async_graphql::Result<ChannelImport>> + use<>> {
        let progress = ctx.data_unchecked::<Watch<channel_import::Entity>>().progress(id.argument("id")?).await?;
        Ok(progress.map(|import| Ok(import?.into())))
    }
}

/// Updates with the channels of their jobs, if these are shown: one statement for many, not one for each.
async fn dressed(db: &Db, chunk: &Chunk, shows_channels: bool) -> Result<Vec<JobUpdate>> {
    let channels: HashMap<ChannelId, channel::Model> = if shows_channels {
        let ids: Vec<ChannelId> = chunk.updates.iter().map(|update| update.job.channel_id).collect();
        Reader { db: db.clone() }.load(&ids).await.map_err(Error::Shared)?
    } else {
        HashMap::new()
    };
    let dress = |update: &follow::JobUpdate| {
        let channel = channels.get(&update.job.channel_id).cloned();
        JobUpdate { cursor: update.cursor.to_string(), job: Job::with_channel(update.job.clone(), channel) }
    };
    Ok(chunk.updates.iter().map(dress).collect())
}
