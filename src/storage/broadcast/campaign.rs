//! Broadcast campaigns: what changes seldom. What changes with every batch of jobs is in `progress`.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait};

use crate::broadcast::{campaign_account, job, progress};
use crate::folded::{self, Folded, FoldedFrom};
use crate::noun::noun;
use domain::broadcast::{CampaignMode, CampaignStatus, MediaType, ParseMode, PausedBy};
use domain::error::Result;
use domain::id::{BatchId, BroadcastCampaignId, ChannelId, TelegramAccountId, TemplateId, UploadId, UserId};

/// A broadcast campaign.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "broadcast_campaigns")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BroadcastCampaignId,
    pub name: String,
    pub description: Option<String>,
    pub batch_id: BatchId,
    pub template_id: TemplateId,
    /// Values of placeholders, an object of strings.
    pub params: Json,
    pub mode: CampaignMode,
    /// Messages a minute.
    pub delivery_rate: i32,
    pub retry_limit: i32,
    /// Messages that a campaign in TEST mode sends at most.
    pub test_limit: i32,
    /// Whether its messages go nowhere.
    pub is_simulated: bool,
    /// Whether untouched jobs of a parked account may go by its other accounts.
    pub account_failover: bool,
    /// Always changed together with `progress.status`.
    pub status: CampaignStatus,
    /// Why it paused by itself.
    pub pause_reason: Option<String>,
    pub scheduled_at: Option<DateTimeUtc>,
    pub schedule_missed_at: Option<DateTimeUtc>,
    /// Why it did not start then.
    pub schedule_missed_reason: Option<String>,
    /// The template's content as it was at the start (R21); None before.
    pub content: Option<String>,
    pub parse_mode: Option<ParseMode>,
    pub media_type: Option<MediaType>,
    pub media_url: Option<String>,
    pub media_upload_id: Option<UploadId>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub created_by_id: UserId,
    pub version: i32,
    /// From when on its messages may have been sent without the database's knowing, because it was restored: those that it has not
    /// as sent are looked for before they are sent.
    pub doubted_since: Option<DateTimeUtc>,
    /// Until when.
    pub doubted_until: Option<DateTimeUtc>,
    /// Since when its jobs are kept no longer: they are gone, or going.
    pub jobs_removed_at: Option<DateTimeUtc>,
    /// The name as it is searched and sorted.
    pub name_fold: Folded,
}

crate::rows::row!(
    id, name, batch_id, template_id, params, mode, delivery_rate, retry_limit, test_limit, is_simulated,
    account_failover, status, created_at, updated_at, created_by_id, version,
    name_fold;
    description, pause_reason, scheduled_at, schedule_missed_at, schedule_missed_reason, content, parse_mode, media_type, media_url,
    media_upload_id, started_at, completed_at, doubted_since, doubted_until, jobs_removed_at,
);

joins_nothing!();

noun!(BroadcastCampaignId {
    const FOLDED: &'static [FoldedFrom<Column>] = &[(Column::NameFold, &[Column::Name])];
});

impl Entity {
    /// Campaigns whose scheduled instant has come, and which are not being started already.
    pub fn due(now: DateTimeUtc) -> Select<Self> {
        Self::find()
            .filter(Column::Status.eq(CampaignStatus::Queued))
            .filter(Column::ScheduledAt.lte(now))
            .filter(Column::ScheduleMissedAt.is_null())
            .filter(Column::Id.not_in_subquery(progress::Entity::starting().into_query()))
            .order_by_asc(Column::ScheduledAt)
    }

    /// Campaigns that write to a batch.
    pub fn of_batch(batch: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::BatchId)).eq(batch))
    }

    /// Campaigns that send a template.
    pub fn of_template(template: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::TemplateId)).eq(template))
    }

    /// Campaigns that have a job for a channel.
    pub fn with_job_for(channel: ChannelId) -> Select<Self> {
        let jobs = job::Entity::find().filter(job::Column::ChannelId.eq(channel));
        let jobs = jobs.select_only().column(job::Column::CampaignId);
        Self::find().filter(Column::Id.in_subquery(jobs.into_query()))
    }

    /// The ids of campaigns in a state whose messages go nowhere.
    pub fn simulated(status: CampaignStatus) -> Select<Self> {
        let all = Self::find().select_only().column(Column::Id);
        all.filter(Column::Status.eq(status)).filter(Column::IsSimulated.eq(true))
    }

    /// Campaigns that have not ended and were given an account.
    pub fn waiting_for(account: TelegramAccountId) -> Select<Self> {
        let chosen = campaign_account::Entity::find().filter(campaign_account::Column::AccountId.eq(account));
        let chosen = chosen.select_only().column(campaign_account::Column::CampaignId);
        let waiting = [CampaignStatus::Queued, CampaignStatus::Running, CampaignStatus::Paused];
        Self::in_status(waiting).filter(Column::Id.in_subquery(chosen.into_query()))
    }

    /// Campaigns in one of the states.
    pub fn in_status(statuses: impl IntoIterator<Item = CampaignStatus>) -> Select<Self> {
        Self::find().filter(Column::Status.is_in(statuses))
    }
}

impl Model {
    /// How many jobs the start makes, if so many channels of its batch are active then.
    pub const fn jobs_of(&self, active: i32) -> i32 {
        match self.mode {
            CampaignMode::Test if self.test_limit < active => self.test_limit,
            CampaignMode::Live | CampaignMode::Test => active,
        }
    }

    /// By whom it was paused; None unless it is.
    pub fn paused_by(&self) -> Option<PausedBy> {
        let by = if self.pause_reason.is_some() { PausedBy::Herald } else { PausedBy::Person };
        (self.status == CampaignStatus::Paused).then_some(by)
    }
}

/// A campaign that paused by itself has a reason.
fn is_paused_by(by: PausedBy) -> sea_orm::Condition {
    let is_paused = sea_orm::Condition::all().add(Column::Status.eq(CampaignStatus::Paused));
    is_paused.add(match by {
        PausedBy::Herald => Column::PauseReason.is_not_null(),
        PausedBy::Person => Column::PauseReason.is_null(),
    })
}

crate::filter::filter! {
    /// Which campaigns are wanted.
    CampaignFilter of Entity {
        statuses: Vec<CampaignStatus> => |statuses| Column::Status.is_in(statuses),
        paused_by: PausedBy => is_paused_by,
        mode: CampaignMode => |mode| Column::Mode.eq(mode),
        batch: BatchId => |id| Column::BatchId.eq(id),
        template: TemplateId => |id| Column::TemplateId.eq(id),
        created_by: UserId => |id| Column::CreatedById.eq(id),
        name_contains: String => |part: String| folded::has(Column::NameFold, &part),
        created_after: DateTimeUtc => |at| Column::CreatedAt.gte(at),
        created_before: DateTimeUtc => |at| Column::CreatedAt.lt(at),
    }
}
