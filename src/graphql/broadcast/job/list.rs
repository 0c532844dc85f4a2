//! Lists of jobs: of all campaigns, and of each of many campaigns in one statement.

use crate::broadcast::campaign::{BroadcastCampaign, ProgressOf};
use crate::engine::connection::{Count, shows_page};
use crate::engine::order::OrderField;
use crate::prelude::*;
use ::service::broadcast::campaign::reasons;
use domain::broadcast::{JobStatus, SentChangeStatus};
use domain::id::{BroadcastCampaignId, ChannelId};
use storage::broadcast::campaign;
use storage::broadcast::job::{self, Column};
use storage::broadcast::job_list;
use storage::page::Page;

/// Which jobs are wanted. All that is given must hold.
#[derive(InputObject, Default)]
pub struct JobFilter {
    /// In one of these states.
    statuses: Option<Vec<JobStatus>>,
    /// Failed for one of these reasons: errors as Telegram spells them, such as `CHAT_WRITE_FORBIDDEN`, whatever their number; at
    /// most 100.
    errors: Option<Vec<String>>,
    /// The id of the campaign that made them.
    campaign_id: Option<ID>,
    /// The id of the channel that they write to.
    channel_id: Option<ID>,
    /// Whose messages were to be edited, deleted or found, where that is in one of these states.
    sent_change_statuses: Option<Vec<SentChangeStatus>>,
}

order! {
    /// What jobs can be sorted by.
    pub enum JobOrderField of job::Entity {
        /// The place in the campaign.
        Position => Sort::by(Column::Position),
        /// The instant of creation; jobs of one campaign were created together, in the order of their places.
        CreatedAt => Sort::by_id(),
    }
    /// How jobs are sorted.
    JobOrder, falling CreatedAt
}

impl JobFilter {
    fn read(self) -> Result<job::JobFilter> {
        let Self { statuses, errors, campaign_id, channel_id, sent_change_statuses } = self;
        let reasons = errors.map(|errors| reasons(&errors).map_err(|why| elsewhere("errors", &why))).transpose()?;
        Ok(job::JobFilter {
            reasons,
            campaign: campaign_id.argument("filter.campaignId")?,
            channel: channel_id.argument("filter.channelId")?,
            statuses: statuses.map(each),
            sent_changes: sent_change_statuses.map(each),
        })
    }
}

/// The jobs of one campaign.
pub(crate) async fn jobs_of(
    ctx: &Context<'_>,
    row: &campaign::Model,
    args: PageArgs,
    filter: Option<JobFilter>,
    order: Option<JobOrder>,
) -> Result<Connection<Job>> {
    let (campaign, mut filter) = (row.id, filter.unwrap_or_default().read()?);
    if filter.campaign.take().is_some_and(|other| other != campaign) {
        return Err(elsewhere("campaignId", "these are the jobs of another campaign"));
    }
    let order = order.unwrap_or(Order::rising(JobOrderField::Position));
    jobs_in(ctx, campaign, row.jobs_removed_at.is_none(), args, filter, order).await
}

/// The jobs of one campaign that are wanted. Its counters tell how many these are unless they were removed (`are_kept`).
async fn jobs_in(
    ctx: &Context<'_>,
    campaign: BroadcastCampaignId,
    are_kept: bool,
    args: PageArgs,
    filter: job::JobFilter,
    order: JobOrder,
) -> Result<Connection<Job>> {
    // One campaign's jobs lie in the order of their places whatever they are sorted by: ids rise with the places.
    let sort = job_list::WITHIN.descending(order.direction.is_desc());
    if filter.statuses.is_some() && shows_page(ctx) {
        let row = ctx.loaders().one(ProgressOf(campaign)).await?;
        if row.is_some_and(|row| row.jobs(filter.statuses.as_deref()) == 0) {
            // A walk through all jobs would find that there are none.
            let count: Count = Box::new(|_| Box::pin(std::future::ready(Ok(Length::default()))));
            return Connection::new(Page::none(), sort, &args.window(&sort)?, count);
        }
    }
    let list = List { below: job::Entity::of, filter, sort };
    let count: Count = {
        let list = list.clone();
        Box::new(move |ctx| {
            let list = list.clone();
            Box::pin(async move {
                let job::JobFilter { campaign: _, statuses, channel: None, reasons: None, sent_changes: None } =
                    &list.filter
                else {
                    return nested::length(ctx, campaign.0, list).await;
                };
                match ctx.loaders().one(ProgressOf(campaign)).await? {
                    Some(row) if are_kept => Ok(Length::exactly(row.jobs(statuses.as_deref()))),
                    _ => nested::length(ctx, campaign.0, list).await,
                }
            })
        })
    };
    with_channels(ctx, nested::connection_counted(ctx, campaign, list, args, count).await?).await
}

/// The jobs of all campaigns that are wanted.
async fn jobs_of_all(
    ctx: &Context<'_>,
    args: PageArgs,
    filter: job::JobFilter,
    sort: Sort<job::Entity>,
) -> Result<Connection<Job>> {
    let window = args.window(&sort)?;
    let page = if shows_page(ctx) {
        job_list::read(ctx.services().db.reader(), &filter, sort, &window).await?
    } else {
        Page::none()
    };
    let count: Count = Box::new(move |ctx| {
        let filter = filter.clone();
        Box::pin(async move { job_list::count(ctx.services().db.reader(), &filter).await })
    });
    Connection::new(page, sort, &window, count)
}

/// The jobs that write to one channel.
pub(crate) async fn jobs_to(
    ctx: &Context<'_>,
    channel: ChannelId,
    args: PageArgs,
    filter: Option<JobFilter>,
    order: Option<JobOrder>,
) -> Result<Connection<Job>> {
    let mut filter = filter.unwrap_or_default().read()?;
    if filter.channel.take().is_some_and(|other| other != channel) {
        return Err(elsewhere("channelId", "these are the jobs to another channel"));
    }
    let list = List { below: job::Entity::to, filter, sort: JobOrder::sort(order) };
    with_channels(ctx, nested::connection(ctx, channel, list, args).await?).await
}

/// Reads the channels of the jobs, if they will be asked for one by one.
async fn with_channels(ctx: &Context<'_>, jobs: Connection<Job>) -> Result<Connection<Job>> {
    let selected = ctx.look_ahead();
    let in_nodes = [selected.field("nodes"), selected.field("edges").field("node")];
    if in_nodes.iter().any(|node| node.field("channel").exists()) {
        ctx.loaders().ahead(jobs.iter().map(|job| job.row.channel_id)).await?;
    }
    Ok(jobs)
}

fn elsewhere(field: &str, message: &str) -> Error {
    Error::Invalid(vec![Violation { path: vec!["filter".into(), field.into()], message: message.into() }])
}

/// Reads jobs.
#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// The jobs of all campaigns, newest first unless told otherwise. A campaign's own are faster found by its field `jobs`.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which jobs.")] filter: Option<JobFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<JobOrder>,
    ) -> Result<Option<Connection<Job>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let mut filter = filter.unwrap_or_default().read()?;
        match filter.campaign.take() {
            Some(campaign) => {
                let row = BroadcastCampaign::by_id(ctx, campaign).await?;
                let are_kept = row.is_none_or(|row| row.keeps_jobs());
                jobs_in(ctx, campaign, are_kept, args, filter, order_by.unwrap_or(JobOrderField::DEFAULT))
                    .await
                    .map(Some)
            }
            None => jobs_of_all(ctx, args, filter, JobOrder::sort(order_by)).await.map(Some),
        }
    }

    /// The job with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn job(&self, ctx: &Context<'_>, #[graphql(desc = "The job's id.")] id: ID) -> Result<Option<Job>> {
        Job::by_argument(ctx, &id).await
    }
}
