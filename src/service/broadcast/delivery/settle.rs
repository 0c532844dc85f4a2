//! Settling: answers become states of jobs, errors of channels, waits and pauses of the campaign, in one transaction.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Mission;
use super::standing::Standing;
use crate::broadcast::campaign::{Ending, Reason, complete_if_spent, complete_spent, end};
use crate::{Services, Write};
use domain::audit::Action;
use domain::broadcast::{CampaignMode, JobStatus, ProgressStatus};
use domain::clock;
use domain::delivery::{Attempt, Effect, Receipt, Reply, Verdict, judge};
use domain::error::Result;
use domain::id::{ChannelId, TelegramAccountId};
use domain::meters;
use events::Event;
use storage::broadcast::progress;
use storage::broadcast::queue::lease::Due;
use storage::broadcast::queue::settle::{Batch, ChannelOutcome, ChannelResult, Settled};
use storage::broadcast::queue::settle_soon::{self, Soon};
use storage::broadcast::queue::{Streak, new_key, settle as rows};
use storage::violation::is_repeatable;

/// The longest error text that is kept, in characters.
const ERROR_LENGTH: usize = 500;

/// The answer that a worker got for one leased job.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The job's place in its campaign.
    pub position: i32,
    /// The job's channel.
    pub channel: ChannelId,
    /// Errors in a row that the channel had when the job was leased.
    pub channel_errors: i32,
    /// The identity under which it was, or would have been, sent.
    pub random_id: i64,
    /// The key of its lease.
    pub key: i64,
    /// That lease's entry in the change log.
    pub seq: i64,
    /// The run in which it was leased.
    pub run: i32,
    /// Attempts before this one.
    pub attempts: i32,
    /// Since when it may have been sent.
    pub ambiguous_since: Option<DateTime<Utc>>,
    /// When the send call began; None if there was none.
    pub started_at: Option<DateTime<Utc>>,
    /// When the answer came.
    pub ended_at: DateTime<Utc>,
    /// The answer; None: it was surely not handed over and goes back untouched (R1).
    pub reply: Option<Reply>,
    /// The account that sent it; None where nothing is sent for real.
    pub carrier: Option<Carrier>,
}

/// The lease of a job.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// Its key.
    pub key: i64,
    /// The job's entry in the change log.
    pub seq: i64,
    /// The run in which it was given.
    pub run: i32,
}

impl Answer {
    /// A leased job that was surely not handed over goes back untouched at `now`.
    pub fn untouched(job: &Due, lease: Lease, now: DateTime<Utc>) -> Self {
        Self {
            position: job.position,
            channel: job.channel_id,
            channel_errors: job.error_count,
            random_id: job.random_id.unwrap_or_default(),
            key: lease.key,
            seq: lease.seq,
            run: lease.run,
            attempts: job.attempts,
            ambiguous_since: job.ambiguous_since,
            started_at: None,
            ended_at: now,
            reply: None,
            carrier: None,
        }
    }

    /// What it means for the job, and beyond.
    pub fn verdict(&self, mission: &Mission) -> Verdict {
        let attempt = Attempt {
            attempts: self.attempts,
            ambiguous_since: self.ambiguous_since,
            ended: self.ended_at,
            is_peer_fresh: self.carrier.is_none_or(|carrier| carrier.is_peer_fresh),
            has_history: self.carrier.is_some() && mission.mode == CampaignMode::Live,
        };
        match &self.reply {
            Some(reply) => judge(reply, attempt, mission.policy),
            None => Verdict {
                status: JobStatus::Queued,
                counts: false,
                not_before: Some(self.ended_at),
                ambiguous_since: self.ambiguous_since,
                error: None,
                effect: Effect::None,
            },
        }
    }
}

/// The account that sent a message, and what it knew of the recipient.
#[derive(Debug, Clone, Copy)]
pub struct Carrier {
    /// The account.
    pub account: TelegramAccountId,
    /// Whether the recipient has been looked up again since it was found out of date.
    pub is_peer_fresh: bool,
    /// The recipient's slow mode, in seconds, where one is known.
    pub slow_seconds: Option<i32>,
}

/// Settles answers of one campaign: by rising position, each job once. `finished` are the leases, by their entries in the
/// change log, of which nothing is left open. Settling twice changes nothing.
pub async fn settle(on: &Services, mission: &Mission, answers: &[Answer], finished: &[i64]) -> Result<()> {
    let plan = &Plan::of(mission, answers);
    if on.db.is_postgres()
        && plan.changes_jobs_alone()
        && let Some(soon) = at_once(on, mission, plan, finished).await?
    {
        plan.meter();
        return strays(on, mission, answers, &soon).await;
    }
    step_by_step(on, mission, plan, finished).await?;
    plan.meter();
    Ok(())
}

/// Settles in one statement what changes nothing but jobs and counters; None if it can't be.
async fn at_once(on: &Services, mission: &Mission, plan: &Plan, finished: &[i64]) -> Result<Option<Soon>> {
    let soon = match settle_soon::settle(&on.db, &plan.batch(mission, finished)).await {
        Err(error) if is_repeatable(&error) => return Ok(None),
        settled => settled?,
    };
    if let Some(soon) = &soon {
        if soon.progress.is_spent() {
            // What others settled at the same time was the rest. Should this process end here, any producer does it.
            complete_spent(on, mission.id).await?;
        }
        on.tell(Event::Campaign(mission.id));
    }
    Ok(soon)
}

/// R9: receipts of jobs that are this holder's no more.
async fn strays(on: &Services, mission: &Mission, answers: &[Answer], soon: &Soon) -> Result<()> {
    let is_stray = |answer: &&Answer| matches!(answer.reply, Some(Ok(_))) && !soon.has(answer.position);
    let strays: Vec<Answer> = answers.iter().filter(is_stray).cloned().collect();
    if strays.is_empty() {
        return Ok(());
    }
    step_by_step(on, mission, &Plan::of(mission, &strays), &[]).await
}

async fn step_by_step(on: &Services, mission: &Mission, plan: &Plan, finished: &[i64]) -> Result<()> {
    on.system_write(|w| async move {
        let w = &w;
        let batch = plan.batch(mission, finished);
        let changed = rows::jobs(w, &batch).await?;
        let gone = rows::channels(w, &plan.channels, w.now, on.rules.channel_errors).await?;
        note_gone(w, mission, &gone).await?;
        plan.standing.write(w, mission).await?;
        if let Some((seconds, until)) = plan.wait {
            w.note(Action::FloodWaitTriggered, mission.id, json!({ "waitSeconds": seconds, "until": until })).await?;
        }
        if let Some(row) = rows::finish(w, &batch, &changed).await? {
            follow(on, w, (plan.run, plan.pause.clone()), &row).await?;
        }
        w.tell(Event::Campaign(mission.id));
        Ok(())
    })
    .await
}

/// The meaning of a batch of answers, worked out before the transaction.
struct Plan {
    results: Vec<Settled>,
    channels: Vec<ChannelResult>,
    wait: Option<(u32, DateTime<Utc>)>,
    pause: Option<Reason>,
    standing: Standing,
    run: i32,
    streak: Streak,
}

impl Plan {
    fn of(mission: &Mission, answers: &[Answer]) -> Self {
        let run = answers.iter().map(|answer| answer.run).max().unwrap_or(0);
        let mut plan = Self {
            results: Vec::with_capacity(answers.len()),
            channels: Vec::new(),
            wait: None,
            pause: None,
            standing: Standing::default(),
            run,
            streak: Streak::Untouched,
        };
        let mut order: Vec<(DateTime<Utc>, bool)> = Vec::new();
        for answer in answers {
            let verdict = answer.verdict(mission);
            plan.note(mission, answer, &verdict);
            if answer.run == run && matches!(verdict.status, JobStatus::Sent | JobStatus::Failed) {
                order.push((answer.ended_at, verdict.status == JobStatus::Sent));
            }
            plan.results.push(settled(answer, verdict));
        }
        order.sort_by_key(|(at, _)| *at);
        plan.streak = streak(order.into_iter().map(|(_, sent)| sent));
        plan
    }

    /// Whether nothing follows from it but states of jobs and counters.
    fn changes_jobs_alone(&self) -> bool {
        let (waits, pauses) = (self.wait.is_some(), self.pause.is_some());
        let fails = !matches!(self.streak, Streak::Untouched | Streak::Anew(0));
        !waits && !pauses && !fails && self.channels.is_empty() && self.standing.is_empty()
    }

    fn batch<'a>(&'a self, mission: &Mission, finished: &'a [i64]) -> Batch<'a> {
        Batch {
            campaign: mission.id,
            results: &self.results,
            key: new_key(),
            run: self.run,
            streak: self.streak,
            not_before: self.wait.map_or(0, |(_, until)| clock::nanos(until)),
            finished_leases: finished,
        }
    }

    /// Counts what became of the sends.
    fn meter(&self) {
        let outcome = |result: &Settled| match result.status {
            JobStatus::Sent => "sent",
            JobStatus::Failed => "failed",
            JobStatus::Unknown => "unknown",
            _ if result.started_at.is_none() => "returned",
            _ if result.counts || result.ambiguous_since.is_some() => "retry",
            _ => "wait",
        };
        for name in ["sent", "failed", "unknown", "returned", "retry", "wait"] {
            let count = self.results.iter().filter(|result| outcome(result) == name).count();
            meters::sends(name, count as u64);
        }
    }

    fn note(&mut self, mission: &Mission, answer: &Answer, verdict: &Verdict) {
        let error = verdict.error.clone();
        if let Some(carrier) = &answer.carrier {
            self.standing.note(carrier, answer, verdict);
        }
        let outcome = match &verdict.effect {
            Effect::None | Effect::SlowMode { .. } | Effect::PeerStale | Effect::MediaStale => None,
            // An account's own matter, where one has sent it.
            Effect::Wait { .. } | Effect::AccountRefused(_) if answer.carrier.is_some() => None,
            Effect::Delivered => (answer.channel_errors > 0).then_some(ChannelOutcome::Delivered),
            Effect::ChannelRefused | Effect::ChannelRefusedAccount => Some(ChannelOutcome::Refused),
            Effect::ChannelGone => Some(ChannelOutcome::Gone),
            Effect::ChannelNoted => Some(ChannelOutcome::Noted),
            Effect::Wait { seconds, until } => {
                if self.wait.is_none_or(|(_, longest)| *until > longest) {
                    self.wait = Some((*seconds, *until));
                }
                None
            }
            Effect::ContentRefused | Effect::AccountRefused(_) if answer.run < self.run => None,
            Effect::ContentRefused => {
                self.pause = Some(Reason::Content(error.clone().unwrap_or_default()));
                None
            }
            Effect::AccountRefused(_) => {
                self.pause = Some(Reason::Account(error.clone().unwrap_or_default()));
                None
            }
        };
        // In TEST mode no channel is written to, so none is blamed.
        if let Some(outcome) = outcome.filter(|_| mission.mode == CampaignMode::Live) {
            self.channels.push(ChannelResult { channel: answer.channel, outcome, error });
        }
    }
}

fn settled(answer: &Answer, verdict: Verdict) -> Settled {
    let message_id = match &answer.reply {
        Some(Ok(Receipt::Accepted { message_id })) => *message_id,
        _ => None,
    };
    Settled {
        position: answer.position,
        key: answer.key,
        random_id: answer.random_id,
        status: verdict.status,
        counts: verdict.counts,
        not_before: verdict.not_before,
        ambiguous_since: verdict.ambiguous_since,
        is_told: matches!(&answer.reply, Some(Err(fault)) if fault.is_told()),
        error: verdict.error.map(|text| text.chars().filter(|c| *c != '\0').take(ERROR_LENGTH).collect()),
        started_at: answer.started_at,
        ended_at: answer.ended_at,
        message_id,
    }
}

/// Failures in a row, from the answers that count, in the order in which they came (R20).
fn streak(sent: impl Iterator<Item = bool>) -> Streak {
    sent.fold(Streak::Untouched, |streak, sent| match (streak, sent) {
        (_, true) => Streak::Anew(0),
        (Streak::Untouched, false) => Streak::Longer(1),
        (Streak::Longer(n), false) => Streak::Longer(n + 1),
        (Streak::Anew(n), false) => Streak::Anew(n + 1),
    })
}

pub(super) async fn note_gone(w: &Write, mission: &Mission, gone: &[ChannelId]) -> Result<()> {
    for channel in gone {
        w.note(Action::ChannelDeactivated, *channel, json!({ "campaignId": mission.id })).await?;
    }
    Ok(())
}

/// Draws the consequences for the campaign, whose hot row this transaction holds: it is complete, or it pauses by itself.
pub(super) async fn follow(
    on: &Services,
    w: &Write,
    (run, pause): (i32, Option<Reason>),
    row: &progress::Model,
) -> Result<()> {
    if row.is_spent() {
        return complete_if_spent(w, row).await;
    }
    // A refusal of an earlier run has been dealt with: the message may have been mended since (R20).
    if row.status != ProgressStatus::Running || row.run != run {
        return Ok(());
    }
    let failures = row.failures_in_a_row;
    let failing = (failures >= on.rules.pause_after_failures).then_some(Reason::Failures(failures));
    match pause.or(failing) {
        Some(reason) => end(w, row.campaign_id, &Ending::Paused(reason)).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_are_counted_from_the_last_success() {
        let of = |sent: &[bool]| streak(sent.iter().copied());
        assert_eq!(of(&[]), Streak::Untouched);
        assert_eq!(of(&[false, false]), Streak::Longer(2));
        assert_eq!(of(&[false, true]), Streak::Anew(0));
        assert_eq!(of(&[false, true, false]), Streak::Anew(1));
    }
}
