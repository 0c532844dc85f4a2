//! Why a job has not been sent yet, and when it can be.

use chrono::{DateTime, Utc};

use super::broadcast::{JobStatus, ProgressStatus};
use super::clock::{instant, nanos};
use super::pacing::{interval, next_slot};

/// The one binding reason why a job has not been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "JobExplanationReason")]
pub enum Reason {
    /// The campaign has not been started, or is just being started.
    NotStarted,
    /// The campaign starts by itself at its scheduled instant.
    Scheduled,
    /// Everything is stopped; somebody has to resume it (`resumeAll`).
    Stopped,
    /// The campaign is paused; somebody has to resume it.
    Paused,
    /// The campaign has ended without this job, which is about to be ended too.
    CampaignEnded,
    /// Telegram told the sender to wait (`FLOOD_WAIT`).
    FloodWait,
    /// The channel accepts messages of one sender only so often (`SLOWMODE_WAIT`).
    SlowMode,
    /// The last attempt failed in a way that may pass; it is repeated after a while.
    Backoff,
    /// The last attempt may have gone through; after a while it is repeated in a way that can't send the message twice.
    Unconfirmed,
    /// Its account has written to as many new channels today, or looked as many up, as it may. A day ends at midnight in UTC.
    DailyBudget,
    /// The account that it stays with can't send, or none of the campaign's can; somebody has to mend it.
    NoAccount,
    /// The database answers so slowly that in the last seconds more messages came back unsent than went out. They are claimed again
    /// by themselves; if it stays so, somebody has to look at the database or at the network before it.
    DatabaseTooSlow,
    /// Other jobs of the campaign are before it, at the campaign's rate.
    Pacing,
    /// It is being sent right now.
    Sending,
}

/// A reason, and how long it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// Why.
    pub reason: Reason,
    /// The earliest instant at which the job can be sent; None where that depends on a person.
    pub until: Option<DateTime<Utc>>,
}

/// The facts of a job that explain why it waits.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// How far it is.
    pub status: JobStatus,
    /// Its place in the campaign, from 1.
    pub position: i32,
    /// Not to be sent before.
    pub not_before: Option<DateTime<Utc>>,
    /// Since when it may have been sent.
    pub ambiguous_since: Option<DateTime<Utc>>,
    /// The error of the last attempt.
    pub error: Option<&'a str>,
    /// The end of its channel's slow mode, for its account.
    pub slow_until: Option<DateTime<Utc>>,
}

/// The facts of an account that may send the job.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Whether the account sends at all.
    pub can_send: bool,
    /// The end of the server's wait.
    pub waits_until: Option<DateTime<Utc>>,
    /// Whether the day's budget does not allow this job any more.
    pub is_spent: bool,
}

/// The facts of the job's campaign.
#[derive(Debug, Clone, Copy)]
pub struct Campaign<'a> {
    /// The status of the hot row.
    pub status: ProgressStatus,
    /// When it starts by itself; None if it was missed.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// Messages a minute.
    pub delivery_rate: i64,
    /// The last slot taken, in nanoseconds since 1970.
    pub last_slot: i64,
    /// The end of the server's wait, in nanoseconds since 1970.
    pub not_before: i64,
    /// Jobs that have ended or are being sent.
    pub past_the_queue: i32,
    /// Whether everything is stopped.
    pub is_stopped: bool,
    /// Whether the database has been too slow for a sender lately.
    pub is_late: bool,
    /// The accounts by which the job may go; None where messages go nowhere.
    pub accounts: Option<&'a [Account]>,
}

/// The reason why `job` has not been sent at `now`; None if it has ended.
pub fn explain(job: &Job<'_>, campaign: &Campaign<'_>, now: DateTime<Utc>) -> Option<Explanation> {
    let because = |reason| Some(Explanation { reason, until: None });
    match (job.status, campaign.status) {
        (JobStatus::Sending, _) => because(Reason::Sending),
        (JobStatus::Queued, ProgressStatus::Running) if campaign.is_stopped => because(Reason::Stopped),
        (JobStatus::Queued, ProgressStatus::Running) => Some(waiting(job, campaign, now)),
        (JobStatus::Queued, ProgressStatus::Paused) => because(Reason::Paused),
        (JobStatus::Queued, ProgressStatus::Queued | ProgressStatus::Starting) => match campaign.scheduled_at {
            Some(at) if at > now => Some(Explanation { reason: Reason::Scheduled, until: Some(at) }),
            _ => because(Reason::NotStarted),
        },
        (JobStatus::Queued, _) => because(Reason::CampaignEnded),
        (JobStatus::Sent | JobStatus::Failed | JobStatus::Cancelled | JobStatus::Unknown, _) => None,
    }
}

/// Of the waits that hold, the one that ends last is the binding one. If none holds it is the job's turn that is awaited.
fn waiting(job: &Job<'_>, campaign: &Campaign<'_>, now: DateTime<Utc>) -> Explanation {
    let turn = turn(job, campaign, now);
    let of_account = match campaign.accounts.map(|accounts| first_free(accounts, now)) {
        Some(None) => return Explanation { reason: Reason::NoAccount, until: None },
        Some(Some(wait)) => wait,
        None => (Reason::Pacing, now),
    };
    let waits = [
        (wait_of(job), job.not_before.unwrap_or(now)),
        (Reason::SlowMode, job.slow_until.unwrap_or(now)),
        (Reason::FloodWait, instant(campaign.not_before)),
        of_account,
    ];
    match waits.into_iter().filter(|(_, until)| *until > now).max_by_key(|(_, until)| *until) {
        Some((reason, until)) => Explanation { reason, until: Some(turn.max(until)) },
        None if campaign.is_late => Explanation { reason: Reason::DatabaseTooSlow, until: None },
        None => Explanation { reason: Reason::Pacing, until: Some(turn) },
    }
}

/// The reason for which the account that is free first still waits for; None if none of them can send.
fn first_free(accounts: &[Account], now: DateTime<Utc>) -> Option<(Reason, DateTime<Utc>)> {
    let midnight = now.date_naive().succ_opt().map_or(now, |day| day.and_time(chrono::NaiveTime::MIN).and_utc());
    let wait = |account: &Account| {
        let flood = account.waits_until.filter(|until| *until > now).map(|until| (Reason::FloodWait, until));
        let budget = account.is_spent.then_some((Reason::DailyBudget, midnight));
        flood.into_iter().chain(budget).max_by_key(|(_, until)| *until).unwrap_or((Reason::Pacing, now))
    };
    accounts.iter().filter(|account| account.can_send).map(wait).min_by_key(|(_, until)| *until)
}

/// When its turn comes at the campaign's rate. A job that was tried before goes ahead of those that were not.
fn turn(job: &Job<'_>, campaign: &Campaign<'_>, now: DateTime<Utc>) -> DateTime<Utc> {
    let rate = campaign.delivery_rate.max(1);
    let next = next_slot(nanos(now), campaign.last_slot, campaign.not_before, rate);
    let is_repetition = job.not_before.is_some();
    let ahead = if is_repetition { 0 } else { (job.position - 1 - campaign.past_the_queue).max(0) };
    instant(next.saturating_add(interval(rate).saturating_mul(i64::from(ahead)))).max(now)
}

/// The reason for which a job waits of its own accord.
fn wait_of(job: &Job<'_>) -> Reason {
    match job.error {
        Some(error) if error.starts_with("SLOWMODE_WAIT") => Reason::SlowMode,
        Some(error) if error.starts_with("FLOOD_WAIT") => Reason::FloodWait,
        _ if job.ambiguous_since.is_some() => Reason::Unconfirmed,
        _ => Reason::Backoff,
    }
}

#[cfg(test)]
mod tests;
