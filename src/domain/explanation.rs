//! Why a job has not been sent yet, and when it can be.

use chrono::{DateTime, Utc};

use super::broadcast::JobStatus;
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

/// What is known of a job.
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
    /// What became of the last attempt.
    pub error: Option<&'a str>,
}

/// What is known of its campaign.
#[derive(Debug, Clone, Copy)]
pub struct Campaign<'a> {
    /// The status of the hot row: those that are shown, and `STARTING`.
    pub status: &'a str,
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
}

/// The reason why `job` has not been sent at `now`; None if it has ended.
pub fn explain(job: &Job<'_>, campaign: &Campaign<'_>, now: DateTime<Utc>) -> Option<Explanation> {
    let because = |reason| Some(Explanation { reason, until: None });
    match (job.status, campaign.status) {
        (JobStatus::Sending, _) => because(Reason::Sending),
        (JobStatus::Queued, "RUNNING") => Some(waiting(job, campaign, now)),
        (JobStatus::Queued, "PAUSED") => because(Reason::Paused),
        (JobStatus::Queued, "QUEUED" | "STARTING") => match campaign.scheduled_at {
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
    let of_campaign = instant(campaign.not_before);
    let of_job = job.not_before.unwrap_or(now);
    if of_job > now && of_job > of_campaign {
        Explanation { reason: wait_of(job), until: Some(turn.max(of_job)) }
    } else if of_campaign > now {
        Explanation { reason: Reason::FloodWait, until: Some(turn.max(of_job)) }
    } else {
        Explanation { reason: Reason::Pacing, until: Some(turn) }
    }
}

/// When its turn comes at the campaign's rate. A job that was tried before goes ahead of those that were not.
fn turn(job: &Job<'_>, campaign: &Campaign<'_>, now: DateTime<Utc>) -> DateTime<Utc> {
    let rate = campaign.delivery_rate.max(1);
    let next = next_slot(nanos(now), campaign.last_slot, campaign.not_before, rate);
    let is_repetition = job.not_before.is_some();
    let ahead = if is_repetition { 0 } else { (job.position - 1 - campaign.past_the_queue).max(0) };
    instant(next.saturating_add(interval(rate).saturating_mul(i64::from(ahead)))).max(now)
}

/// What a job of its own accord waits for.
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
