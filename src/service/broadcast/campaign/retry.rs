//! The retry of what failed: all of it, or what failed for some reasons.

use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{require_jobs, retry_large, run_again, transition};
use crate::once::{Again, Done};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::{CampaignMode, JobStatus};
use domain::delivery::failure::reason_of;
use domain::error::Result;
use domain::id::{BroadcastCampaignId, TaskId};
use events::Event;
use storage::Noun;
use storage::broadcast::{campaign, progress, queue};
use storage::task;

/// Reasons that one request may name.
const MOST_REASONS: usize = 100;

/// What became of a campaign's failed jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retried {
    /// Queued anew.
    pub retried: i32,
    /// Left as they are, because their channels are inactive: they would fail without being sent, and what Telegram had said of
    /// them would be lost among what Herald decided.
    pub skipped: i32,
}

/// What is kept of an answer for its repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told")]
pub(super) struct Answer {
    pub(super) retried: i32,
    pub(super) skipped: i32,
    /// The task that goes on with it.
    pub(super) task: Option<TaskId>,
}

/// As it was answered, by earlier versions as one number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Retried(i32),
    All {
        retried: i32,
        skipped: i32,
        #[serde(default)]
        task: Option<TaskId>,
    },
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        match told {
            Told::Retried(retried) => Self { retried, skipped: 0, task: None },
            Told::All { retried, skipped, task } => Self { retried, skipped, task },
        }
    }
}

/// A campaign after a retry.
#[derive(Debug)]
pub struct Retry {
    /// The campaign.
    pub campaign: campaign::Model,
    /// What became of its failed jobs; of many, until now.
    pub jobs: Retried,
    /// Where they are many, the task that goes on with them.
    pub task: Option<task::Model>,
}

impl Again for Retry {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let older = |told: &serde_json::Value| {
            let retried = told["retried"].as_i64().and_then(|retried| i32::try_from(retried).ok());
            Answer { retried: retried.unwrap_or_default(), skipped: 0, task: None }
        };
        let Answer { retried, skipped, task } = done.answer(older)?;
        let task = match task {
            Some(id) => Some(task::Entity::get(on.db.reader(), id).await?),
            None => None,
        };
        let jobs = match &task {
            Some(task) => retry_large::so_far(task)?,
            None => Retried { retried, skipped },
        };
        Ok(Self { campaign: campaign::Model::again(on, done).await?, jobs, task })
    }
}

/// The names of errors as jobs are found by them: without their numbers, in capitals.
///
/// # Errors
/// None is named, or too many are, or one is blank.
pub fn reasons(errors: &[String]) -> Result<Vec<String>, String> {
    let mut reasons: Vec<String> =
        errors.iter().map(|error| reason_of(error.trim().to_uppercase().as_str()).to_owned()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    if reasons.iter().any(String::is_empty) {
        return Err("must not have an empty error".into());
    }
    if !(1..=MOST_REASONS).contains(&reasons.len()) {
        return Err(format!("must name 1 to {MOST_REASONS} errors"));
    }
    Ok(reasons)
}

/// Queues failed jobs of a campaign anew, and only those; a completed campaign runs again. `reasons`: only those that failed for
/// one of these. Where more have failed than a request can wait for, a task does it.
///
/// # Errors
/// [`Error::Transition`](domain::error::Error::Transition) unless the campaign was started, and not cancelled.
pub async fn retry_failed(
    on: &Services,
    actor: &Actor,
    id: BroadcastCampaignId,
    reasons: Option<&[String]>,
) -> Result<Retry> {
    let hot = progress::Entity::find_by_id(id).one(on.db.reader()).await?;
    require_jobs(on.db.reader(), id).await?;
    if hot.is_some_and(|hot| hot.failed > on.rules.at_once) {
        return retry_large::ask(on, actor, id, reasons).await;
    }
    let (mut all, mut after) = (Retried::default(), 0);
    loop {
        let chunk = on.write(actor, |w| async move { retry_chunk(on, &w, id, reasons, after).await });
        let Some((last, chunk)) = chunk.await? else { break };
        after = last;
        all = Retried { retried: all.retried + chunk.retried, skipped: all.skipped + chunk.skipped };
    }
    // Only now is it done: whoever repeats a request that was cut off before goes on with what is left.
    on.write(actor, |w| async move {
        w.tell(Event::Work(id));
        w.tell(Event::Campaign(id));
        w.done(id, &Answer { retried: all.retried, skipped: all.skipped, task: None }).await?;
        Ok(Retry { campaign: campaign::Entity::get(&w, id).await?, jobs: all, task: None })
    })
    .await
}

/// Jobs, then the campaign: the lock order of R7.
async fn retry_chunk(
    on: &Services,
    w: &Write,
    id: BroadcastCampaignId,
    reasons: Option<&[String]>,
    after: i32,
) -> Result<Option<(i32, Retried)>> {
    let chunk = if on.db.is_postgres() { queue::sweep::CHUNK } else { queue::sweep::CHUNK / 5 };
    let Some((last, part)) = requeue(w, id, reasons, after, chunk).await? else {
        retry_large::may_be_retried(transition::status_of(&queue::lock(w, id).await?)?)?;
        return Ok(None);
    };
    if part.retried > 0 {
        run_again(w, id).await?;
        let metadata = json!({ "retried": part.retried, "reasons": reasons });
        w.in_part().note(Action::CampaignJobsRetried, id, metadata).await?;
    }
    Ok(Some((last, part)))
}

/// Queues up to `limit` failed jobs after the position `after` anew, as far as they may be sent. Returns the position of the last one that
/// was looked at; None: there is none left.
pub(super) async fn requeue(
    w: &Write,
    id: BroadcastCampaignId,
    reasons: Option<&[String]>,
    after: i32,
    limit: i32,
) -> Result<Option<(i32, Retried)>> {
    let failed = queue::requeue::failed(w, id, reasons, after, limit).await?;
    let Some(last) = failed.last() else { return Ok(None) };
    // A test writes to no channel, so it may be inactive.
    let is_live = campaign::Entity::get(w, id).await?.mode == CampaignMode::Live;
    let may_be_sent = failed.iter().filter(|job| job.is_active || !is_live);
    let positions: Vec<i32> = may_be_sent.map(|job| job.position).collect();
    let count = |jobs: usize| i32::try_from(jobs).unwrap_or(i32::MAX);
    let (retried, skipped) = (count(positions.len()), count(failed.len() - positions.len()));
    if retried > 0 {
        queue::requeue::anew(w, id, &positions, JobStatus::Failed, w.now).await?;
    }
    Ok(Some((last.position, Retried { retried, skipped })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_named_as_telegram_spells_them() {
        let of = |errors: &[&str]| reasons(&errors.iter().map(|error| (*error).to_owned()).collect::<Vec<_>>());
        let named = of(&["chat_write_forbidden ", "ALLOW_PAYMENT_REQUIRED_5", "ALLOW_PAYMENT_REQUIRED_7"]);
        assert_eq!(named, Ok(vec!["ALLOW_PAYMENT_REQUIRED".to_owned(), "CHAT_WRITE_FORBIDDEN".to_owned()]));
        assert!(of(&[]).is_err() && of(&[" "]).is_err());
    }

    #[test]
    fn an_answer_of_an_earlier_version_is_read() {
        let read = |text: &str| serde_json::from_str::<Answer>(text).expect("an answer");
        assert_eq!(read("3"), Answer { retried: 3, skipped: 0, task: None });
        assert_eq!(read(r#"{ "retried": 1, "skipped": 2 }"#), Answer { retried: 1, skipped: 2, task: None });
        let all = Answer { retried: 1, skipped: 2, task: Some(TaskId::generate()) };
        assert_eq!(read(&serde_json::to_string(&all).expect("plain data")), all);
    }
}
