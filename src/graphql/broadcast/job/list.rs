//! Lists of jobs: of all campaigns, and of each of many campaigns in one statement.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, Select};
use uuid::Uuid;

use crate::broadcast::campaign::ProgressOf;
use crate::prelude::*;
use domain::broadcast::JobStatus;
use domain::id::{BroadcastCampaignId, ChannelId};
use storage::broadcast::job::{self, Column};
use storage::broadcast::progress;

/// Which jobs are wanted. All that is given must hold.
#[derive(InputObject, Default)]
pub struct JobFilter {
    /// In one of these states.
    statuses: Option<Vec<JobStatus>>,
    /// The id of the campaign that made them.
    campaign_id: Option<ID>,
    /// The id of the channel that they write to.
    channel_id: Option<ID>,
}

/// What jobs can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
enum JobOrderField {
    /// The place in the campaign.
    Position,
    /// The instant of creation; jobs of one campaign were created together, in the order of their places.
    CreatedAt,
}

/// How jobs are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, InputObject)]
pub struct JobOrder {
    /// What decides the order.
    field: JobOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

const NEWEST: JobOrder = JobOrder { field: JobOrderField::CreatedAt, direction: OrderDirection::Desc };

impl JobOrder {
    fn sort(self) -> Sort<job::Entity> {
        let sort = match self.field {
            JobOrderField::Position => Sort::by(Column::Position),
            JobOrderField::CreatedAt => Sort::by_id(),
        };
        sort.descending(self.direction.is_desc())
    }
}

/// A filter whose ids have been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Wanted {
    campaign: Option<BroadcastCampaignId>,
    channel: Option<ChannelId>,
    statuses: Option<Vec<JobStatus>>,
}

impl Wanted {
    fn read(filter: Option<JobFilter>) -> Result<Self> {
        let JobFilter { statuses, campaign_id, channel_id } = filter.unwrap_or_default();
        Ok(Self {
            campaign: campaign_id.map(|id| id.argument("filter.campaignId")).transpose()?,
            channel: channel_id.map(|id| id.argument("filter.channelId")).transpose()?,
            statuses,
        })
    }

    fn cut(&self, mut select: Select<job::Entity>) -> Select<job::Entity> {
        if let Some(campaign) = self.campaign {
            select = select.filter(Column::CampaignId.eq(campaign));
        }
        if let Some(channel) = self.channel {
            select = select.filter(Column::ChannelId.eq(channel));
        }
        if let Some(statuses) = &self.statuses {
            select = select.filter(Column::Status.is_in(statuses.iter().copied()));
            if statuses.iter().all(|status| *status == JobStatus::Failed) {
                // There is an index of these only: a few failures among a million jobs are found at once.
                select = select.filter(Column::FailedAt.is_not_null());
            }
        }
        select
    }

    /// How many these are, where the campaign's counters know.
    fn counted(&self, row: &progress::Model) -> u64 {
        let count = |status: &JobStatus| match status {
            JobStatus::Queued => row.queued,
            JobStatus::Sending => row.sending,
            JobStatus::Sent => row.sent,
            JobStatus::Failed => row.failed,
            JobStatus::Cancelled => row.cancelled,
            JobStatus::Unknown => row.unknown,
        };
        let count = match &self.statuses {
            None => row.total,
            Some(statuses) => {
                let mut distinct = statuses.clone();
                distinct.sort_unstable_by_key(ToString::to_string);
                distinct.dedup();
                distinct.iter().map(count).sum()
            }
        };
        u64::try_from(count).unwrap_or_default()
    }
}

/// Below which nodes a list of jobs lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Below {
    Campaigns,
    Channels,
}

/// The jobs of one campaign or of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct JobsOf {
    below: Below,
    wanted: Wanted,
    order: JobOrder,
}

impl Nested for JobsOf {
    type Entity = job::Entity;

    fn select(&self, parent: Expr) -> Select<job::Entity> {
        self.wanted.cut(match self.below {
            Below::Campaigns => job::Entity::of(parent),
            Below::Channels => job::Entity::to(parent),
        })
    }

    fn sort(&self) -> Sort<job::Entity> {
        self.order.sort()
    }

    async fn ahead(&self, ctx: &Context<'_>, rows: &[job::Model]) -> Result<()> {
        let selected = ctx.look_ahead();
        let in_nodes = [selected.field("nodes"), selected.field("edges").field("node")];
        if in_nodes.iter().any(|node| node.field("channel").exists()) {
            ctx.loaders().ahead(rows.iter().map(|row| row.channel_id)).await?;
        }
        Ok(())
    }

    async fn known_count(&self, ctx: &Context<'_>, parent: Uuid) -> Result<Option<u64>> {
        let (Below::Campaigns, None) = (self.below, self.wanted.channel) else { return Ok(None) };
        let row = ctx.loaders().one(ProgressOf(BroadcastCampaignId(parent))).await?;
        Ok(row.map(|row| self.wanted.counted(&row)))
    }
}

/// The jobs of one campaign.
pub(crate) async fn jobs_of(
    ctx: &Context<'_>,
    campaign: BroadcastCampaignId,
    args: PageArgs,
    filter: Option<JobFilter>,
    order: Option<JobOrder>,
) -> Result<Connection<Job>> {
    let mut wanted = Wanted::read(filter)?;
    if wanted.campaign.take().is_some_and(|other| other != campaign) {
        return Err(elsewhere("campaignId", "these are the jobs of another campaign"));
    }
    let order = order.unwrap_or(JobOrder { field: JobOrderField::Position, direction: OrderDirection::Asc });
    nested::connection(ctx, campaign, JobsOf { below: Below::Campaigns, wanted, order }, args).await
}

/// The jobs that write to one channel.
pub(crate) async fn jobs_to(
    ctx: &Context<'_>,
    channel: ChannelId,
    args: PageArgs,
    filter: Option<JobFilter>,
    order: Option<JobOrder>,
) -> Result<Connection<Job>> {
    let mut wanted = Wanted::read(filter)?;
    if wanted.channel.take().is_some_and(|other| other != channel) {
        return Err(elsewhere("channelId", "these are the jobs to another channel"));
    }
    let list = JobsOf { below: Below::Channels, wanted, order: order.unwrap_or(NEWEST) };
    nested::connection(ctx, channel, list, args).await
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
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
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
        let (select, sort) = (Wanted::read(filter)?.cut(job::Entity::all()), order_by.unwrap_or(NEWEST).sort());
        Connection::read(&ctx.services().db, select, sort, &args).await.map(Some)
    }

    /// The job with this id; null if there is none.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn job(&self, ctx: &Context<'_>, #[graphql(desc = "The job's id.")] id: ID) -> Result<Option<Job>> {
        Job::by_id(ctx, id.argument("id")?).await
    }
}
