//! A job, as it is shown, and why it has not been sent yet.

use crate::broadcast::campaign::ProgressOf;
use crate::broadcast::job::failure::JobFailure;
use crate::engine::nodes::Linked;
use crate::prelude::*;
use domain::broadcast::{AccountStatus, CampaignMode, JobStatus, SentChangeKind, SentChangeStatus};
use domain::explanation::{self, Reason};
use domain::id::{BroadcastCampaignId, ChannelId, JobId, TelegramAccountId};
use storage::broadcast::{account_peer, campaign_account, channel, job, sent_change, telegram_account};

pub mod failure;
pub mod list;
pub mod mutations;

/// One message of a campaign to one channel.
///
/// QUEUED goes to SENDING; SENDING to SENT, FAILED or UNKNOWN, or back to QUEUED for a wait or a retry; QUEUED to CANCELLED.
/// FAILED and CANCELLED go back to QUEUED by a retry, UNKNOWN to SENT or QUEUED by `resolveUnknownJobs`.
#[derive(Description)]
pub struct Job {
    row: job::Model,
    /// The channel, where it was read ahead for many jobs.
    channel: Option<channel::Model>,
}

node!(Job: JobId, job::Model, |row| Job { row, channel: None }, {});

#[Object(use_type_description)]
impl Job {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.row.id.global()
    }

    /// What it is a part of.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<BroadcastCampaign>> {
        BroadcastCampaign::by_id(ctx, self.row.campaign_id).await
    }

    /// The channel that it writes to.
    async fn channel(&self, ctx: &Context<'_>) -> Result<Option<Linked<Channel>>> {
        let channel = match &self.channel {
            Some(channel) => Some(channel.clone().into()),
            None => Channel::by_id(ctx, self.row.channel_id).await?,
        };
        Ok(channel.map(Linked))
    }

    /// Its place in the campaign, from 1.
    async fn position(&self) -> i32 {
        self.row.position
    }

    /// How far it is.
    async fn status(&self) -> JobStatus {
        self.row.status
    }

    /// Sends that ended in an answer. It fails for good after 1 + `retryLimit` of them.
    async fn attempts(&self) -> i32 {
        self.row.attempts
    }

    /// How often a crash or a lost connection to the database took it from its sender. That costs no attempt.
    async fn leases(&self) -> i32 {
        self.row.leases
    }

    /// What became of the last attempt, as Telegram spells it, such as `FLOOD_WAIT_30`, or why Herald made none, such as
    /// `CHANNEL_INACTIVE`; null once it is sent.
    async fn error_message(&self) -> Option<&str> {
        self.row.error_message.as_deref()
    }

    /// What Telegram said last, such as `CHAT_WRITE_FORBIDDEN`, whatever Herald decided later; null if it said nothing, and once
    /// it has accepted the message.
    async fn telegram_error(&self) -> Option<&str> {
        self.row.telegram_error.as_deref()
    }

    /// Why it was not sent, and what can be done about it; null unless it is FAILED or UNKNOWN.
    async fn failure(&self) -> Option<JobFailure> {
        JobFailure::of(&self.row)
    }

    /// Telegram's number of the message, where it was told.
    async fn message_id(&self) -> Option<BigInt> {
        self.row.message_id.map(BigInt)
    }

    /// Where the message can be read; null unless it was sent to a channel, Telegram told its number, and it was not deleted.
    async fn link(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let Some(number) = self.row.message_id.filter(|_| self.row.status == JobStatus::Sent) else { return Ok(None) };
        let campaign = ctx.loaders().one(self.row.campaign_id).await?;
        if campaign.is_none_or(|campaign| campaign.mode == CampaignMode::Test || campaign.is_simulated) {
            return Ok(None);
        }
        let sent = SentChangeAt(self.row.campaign_id, self.row.position);
        let (change, peer) = match self.row.account_id {
            Some(account) => {
                let peer = ctx.loaders().one(PeerOf(account, self.row.channel_id));
                futures_util::try_join!(ctx.loaders().one(sent), peer)?
            }
            None => (ctx.loaders().one(sent).await?, None),
        };
        let is_deleted = change
            .is_some_and(|change| change.kind == SentChangeKind::Delete && change.status == SentChangeStatus::Done);
        // What was written to a person is seen by two.
        if is_deleted || peer.is_some_and(|peer| peer.is_user) {
            return Ok(None);
        }
        let channel = match &self.channel {
            Some(channel) => Some(channel.clone()),
            None => ctx.loaders().one(self.row.channel_id).await?,
        };
        Ok(channel.map(|channel| format!("https://t.me/{}/{number}", channel.username)))
    }

    /// What was asked for its message after it was sent, and what became of that; null if nothing was.
    async fn sent_change(&self, ctx: &Context<'_>) -> Result<Option<JobSentChange>> {
        let change = ctx.loaders().one(SentChangeAt(self.row.campaign_id, self.row.position)).await?;
        let Some(sent_change::Model { kind, status, error, account_id, .. }) = change else { return Ok(None) };
        let is_waiting = status == SentChangeStatus::Queued && account_id != sent_change::NO_ACCOUNT;
        let account = if is_waiting { ctx.loaders().one(account_id).await? } else { None };
        // Only the account that sent a message can change it.
        let parked = account
            .filter(|account| !matches!(account.status, AccountStatus::Active | AccountStatus::FloodWait))
            .map(|account| format!("ACCOUNT_{}", account.status));
        Ok(Some(JobSentChange { kind, status, error: parked.or(error) }))
    }

    /// Queued, but not to be sent before this instant; otherwise null.
    async fn not_before(&self) -> Option<DateTime> {
        self.row.not_before.map(Into::into)
    }

    /// When the campaign's start made it.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When the last send call began.
    async fn started_at(&self) -> Option<DateTime> {
        self.row.started_at.map(Into::into)
    }

    /// When Telegram accepted it.
    async fn sent_at(&self) -> Option<DateTime> {
        self.row.sent_at.map(Into::into)
    }

    /// When it failed for good.
    async fn failed_at(&self) -> Option<DateTime> {
        self.row.failed_at.map(Into::into)
    }

    /// Why it has not been sent yet; null once it has ended.
    async fn explanation(&self, ctx: &Context<'_>) -> Result<Option<JobExplanation>> {
        if !matches!(self.row.status, JobStatus::Queued | JobStatus::Sending) {
            return Ok(None);
        }
        let (campaign, hot) =
            (ctx.loaders().one(self.row.campaign_id), ctx.loaders().one(ProgressOf(self.row.campaign_id)));
        let (stop, late) =
            (ctx.loaders().one(StopOf(self.row.campaign_id)), ctx.loaders().one(LatenessOf(self.row.campaign_id)));
        let (campaign, hot, stop, late) = futures_util::try_join!(campaign, hot, stop, late)?;
        let (Some(campaign), Some(hot)) = (campaign, hot) else { return Ok(None) };
        let accounts = if campaign.is_simulated { None } else { Some(self.accounts(ctx).await?) };
        let (accounts, slow_until) = accounts.map_or((None, None), |(accounts, slow)| (Some(accounts), slow));
        let campaign = explanation::Campaign {
            status: hot.status,
            scheduled_at: campaign.scheduled_at.filter(|_| campaign.schedule_missed_at.is_none()),
            delivery_rate: hot.delivery_rate,
            last_slot: hot.last_slot,
            not_before: hot.not_before,
            past_the_queue: hot.done() + hot.sending,
            is_stopped: stop.is_some(),
            is_late: late.is_some_and(|at| ctx.services().now() - at < LATELY),
            accounts: accounts.as_deref(),
        };
        let job = explanation::Job { slow_until, ..known(&self.row) };
        let told = explanation::explain(&job, &campaign, ctx.services().now());
        Ok(told.map(|told| JobExplanation { reason: told.reason, until: told.until.map(Into::into) }))
    }
}

fn known(row: &job::Model) -> explanation::Job<'_> {
    explanation::Job {
        status: row.status,
        position: row.position,
        not_before: row.not_before,
        ambiguous_since: row.ambiguous_since,
        error: row.error_message.as_deref(),
        slow_until: None,
    }
}

impl Job {
    /// The facts of the accounts by which a job may go, and the end of its channel's slow mode.
    async fn accounts(
        &self,
        ctx: &Context<'_>,
    ) -> Result<(Vec<explanation::Account>, Option<chrono::DateTime<chrono::Utc>>)> {
        let all = ctx.loaders().one(AccountsOf(self.row.campaign_id)).await?.unwrap_or_default();
        let peer = match self.row.account_id {
            Some(account) => ctx.loaders().one(PeerOf(account, self.row.channel_id)).await?,
            None => None,
        };
        let now = ctx.services().now();
        let account = |account: &telegram_account::Model| {
            let today = account.today(now);
            let is_new = peer.as_ref().is_none_or(|peer| peer.written_at.is_none());
            let is_unknown = peer.as_ref().is_none_or(|peer| peer.access_hash.is_none());
            explanation::Account {
                can_send: matches!(account.status, AccountStatus::Active | AccountStatus::FloodWait),
                waits_until: account.send_not_before,
                is_spent: is_new && today.new_peers >= account.new_peers_per_day
                    || is_unknown && today.resolves >= account.resolves_per_day,
            }
        };
        let may = |id| self.row.account_id.is_none_or(|own| own == id);
        let accounts = all.iter().filter(|row| may(row.id)).map(account).collect();
        Ok((accounts, peer.and_then(|peer| peer.not_before)))
    }

    /// A job whose channel has been read.
    pub(super) const fn with_channel(row: job::Model, channel: Option<channel::Model>) -> Self {
        Self { row, channel }
    }
}

/// What was asked for a message after it was sent.
#[derive(SimpleObject)]
struct JobSentChange {
    /// What is to become of it.
    kind: SentChangeKind,
    /// How far that is.
    status: SentChangeStatus,
    /// Why it is not done, as Telegram spells it, such as `MESSAGE_EDIT_TIME_EXPIRED`; null while nothing is in the way. Herald's own
    /// are `NOT_IN_HISTORY` (no answer brought the message's number, and it is not found by its text and time), `HISTORY_TOO_LONG`
    /// (nor is it among the last messages of that time), `CHANNEL_MOVED` (the name leads to another channel now),
    /// `ACCOUNT_REMOVED`, and `ACCOUNT_` with the status of the account that sent it, which alone can change it: it is done when
    /// that can send again.
    error: Option<String>,
}

/// Why a job has not been sent yet.
#[derive(SimpleObject)]
struct JobExplanation {
    /// The one reason that binds.
    reason: Reason,
    /// The earliest instant at which it can be sent, as far as is known; null while it is being sent, and where that depends
    /// on a person.
    until: Option<DateTime>,
}

/// How long ago it may have been that the database was too slow.
const LATELY: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

question! {
    /// When the database was last too slow for a sender, which holds for each campaign.
    LatenessOf(BroadcastCampaignId) -> chrono::DateTime<chrono::Utc> = |db, campaigns| {
        let late = ::storage::broadcast::sender::Entity::last_late(db).await?;
        campaigns.into_iter().filter_map(|campaign| Some((campaign, late?))).collect()
    }
}

question! {
    /// The stop of everything, which holds for each campaign.
    StopOf(BroadcastCampaignId) -> () = |db, campaigns| {
        let stop = ::storage::stop::Entity::present(db).await?;
        campaigns.into_iter().filter(|_| stop.is_some()).map(|campaign| (campaign, ())).collect()
    }
}

question! {
    /// The accounts that a campaign goes by.
    AccountsOf(BroadcastCampaignId) -> Vec<telegram_account::Model> = |db, campaigns| {
        let all = telegram_account::Entity::all().all(db).await?;
        let chosen = campaign_account::Entity::of_all(&campaigns).all(db).await?;
        let of = |campaign| {
            let choice: Vec<_> = chosen.iter().filter(|row| row.campaign_id == campaign).collect();
            let is_in = |id| choice.is_empty() || choice.iter().any(|row| row.account_id == id);
            all.iter().filter(|account| is_in(account.id)).cloned().collect()
        };
        campaigns.iter().map(|campaign| (*campaign, of(*campaign))).collect()
    }
}

/// The key for what an account knows of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PeerOf(TelegramAccountId, ChannelId);

#[async_trait]
impl Loader<PeerOf> for Reader {
    type Value = account_peer::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PeerOf]) -> Result<HashMap<PeerOf, account_peer::Model>, LoadError> {
        let accounts: Vec<_> = keys.iter().map(|key| key.0).collect();
        let channels: Vec<_> = keys.iter().map(|key| key.1).collect();
        let rows = account_peer::Entity::among(&accounts, &channels).all(self.db.reader()).await;
        let rows = rows.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (PeerOf(row.account_id, row.channel_id), row)).collect())
    }
}

/// The edit, recall or search of the message of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SentChangeAt(BroadcastCampaignId, i32);

#[async_trait]
impl Loader<SentChangeAt> for Reader {
    type Value = sent_change::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[SentChangeAt]) -> Result<HashMap<SentChangeAt, sent_change::Model>, LoadError> {
        let campaigns: Vec<_> = keys.iter().map(|key| key.0).collect();
        let positions: Vec<_> = keys.iter().map(|key| key.1).collect();
        let rows = sent_change::Entity::at(&campaigns, &positions).all(self.db.reader()).await;
        let rows = rows.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (SentChangeAt(row.campaign_id, row.position), row)).collect())
    }
}
