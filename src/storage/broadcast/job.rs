//! Jobs: one message to one channel each. The row is the queue.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;

use crate::broadcast::sent_change;
use crate::noun::noun;
use domain::broadcast::{JobStatus, SentChangeStatus};
use domain::id::{BroadcastCampaignId, ChannelId, JobId, TelegramAccountId};

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    pub campaign_id: BroadcastCampaignId,
    /// The job's place in the campaign, from 1.
    pub position: i32,
    pub channel_id: ChannelId,
    pub status: JobStatus,
    /// The key of its last change (R8): a lease settles only what still carries its key (R9).
    pub change: i64,
    /// Raised when it is sent anew on purpose: then it has another identity (R13).
    pub epoch: i32,
    /// The number that Telegram refuses to accept twice. None until leased.
    pub random_id: Option<i64>,
    pub account_id: Option<TelegramAccountId>,
    pub message_id: Option<i64>,
    /// Telegram's number of the recipient: one message each, whatever their channels are called (R14). None until leased.
    pub peer_id: Option<i64>,
    /// Sends that ended in an answer.
    pub attempts: i32,
    /// Leases that were lost, by a crash or a takeover.
    pub leases: i32,
    /// How the last attempt ended, or why Herald made none.
    pub error_message: Option<String>,
    /// What Telegram said last; None where it said nothing, and once it has accepted the message.
    pub telegram_error: Option<String>,
    /// Of a failed job the error without its number: what failures are grouped and found by.
    pub reason: Option<String>,
    /// Since when it may have been sent (R11).
    pub ambiguous_since: Option<DateTimeUtc>,
    /// It is to be sent again though it may have been sent since then: first it is looked for.
    pub sought_since: Option<DateTimeUtc>,
    /// Queued, but not to be sent before; None otherwise.
    pub not_before: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    /// The send call began.
    pub started_at: Option<DateTimeUtc>,
    /// When Telegram accepted it.
    pub sent_at: Option<DateTimeUtc>,
    pub failed_at: Option<DateTimeUtc>,
}

crate::rows::row!(
    id, campaign_id, position, channel_id, status, change, epoch, attempts, leases, created_at;
    random_id, account_id, message_id, peer_id, error_message, telegram_error, reason, ambiguous_since, not_before,
    started_at, sent_at, failed_at, sought_since,
);

joins_nothing!();

noun!(JobId);

impl Entity {
    /// The jobs of a campaign.
    pub fn of(campaign: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::CampaignId)).eq(campaign))
    }

    /// The job at a place of a campaign.
    pub fn at(campaign: BroadcastCampaignId, position: i32) -> Select<Self> {
        Self::of(campaign).filter(Column::Position.eq(position))
    }

    /// The jobs that write to a channel.
    pub fn to(channel: impl Into<Expr>) -> Select<Self> {
        Self::find().filter(Expr::col((Self, Column::ChannelId)).eq(channel))
    }
}

crate::filter::filter! {
    /// Which jobs are wanted.
    JobFilter of Entity {
        campaign: BroadcastCampaignId => |id| Column::CampaignId.eq(id),
        channel: ChannelId => |id| Column::ChannelId.eq(id),
        statuses: Vec<JobStatus> => in_states,
        reasons: Vec<String> => failed_for,
        sent_changes: Vec<SentChangeStatus> => sent_change::Entity::is_in,
    }
}

impl JobFilter {
    /// Whether no job can be both: only those that failed have a reason.
    pub fn is_impossible(&self) -> bool {
        self.reasons.is_some() && self.statuses.as_ref().is_some_and(|statuses| !statuses.contains(&JobStatus::Failed))
    }
}

/// In the words of the index of failures.
fn failed_for(reasons: Vec<String>) -> sea_orm::Condition {
    sea_orm::Condition::all().add(Column::FailedAt.is_not_null()).add(Column::Reason.is_in(reasons))
}

/// What the database makes of `status`, for an index: 1 where it is CANCELLED, 2 where it is UNKNOWN, else null. Nothing writes it.
const ASIDE: &str = "aside";

/// There are indexes of jobs that failed, and of those that were put aside: a few of them among a million jobs are found at once. Where
/// what an index has is all that is asked, nothing else is: a second condition would have the database expect fewer than there are, and
/// sort them all.
fn in_states(statuses: Vec<JobStatus>) -> sea_orm::Condition {
    let aside = || Expr::col((Entity, ASIDE));
    let is_aside = |status: &JobStatus| matches!(status, JobStatus::Cancelled | JobStatus::Unknown);
    let all = sea_orm::Condition::all();
    match statuses.as_slice() {
        [JobStatus::Failed] => all.add(Column::FailedAt.is_not_null()),
        [JobStatus::Cancelled] => all.add(aside().eq(1)),
        [JobStatus::Unknown] => all.add(aside().eq(2)),
        some => {
            let aside = some.iter().all(is_aside).then(|| aside().is_not_null());
            all.add(Column::Status.is_in(statuses)).add_option(aside)
        }
    }
}
