//! The retry of what failed: all of it, or what failed for some reasons.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{run_again, transition};
use crate::once::{Again, Done};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::broadcast::{CampaignMode, CampaignStatus, JobStatus};
use domain::delivery::failure::reason_of;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use events::Event;
use storage::Noun;
use storage::broadcast::{campaign, queue};

/// Reasons that one request may name.
const MOST_REASONS: usize = 100;

/// What became of a campaign's failed jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told")]
pub struct Retried {
    /// Queued anew.
    pub retried: i32,
    /// Left as they are, because their channels are inactive: they would fail without being sent, and what Telegram had said of
    /// them would be lost among what Herald decided.
    pub skipped: i32,
}

/// As it was answered, by earlier versions as one number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Retried(i32),
    Both { retried: i32, skipped: i32 },
}

impl From<Told> for Retried {
    fn from(told: Told) -> Self {
        match told {
            Told::Retried(retried) => Self { retried, skipped: 0 },
            Told::Both { retried, skipped } => Self { retried, skipped },
        }
    }
}

/// A campaign after a retry.
#[derive(Debug)]
pub struct Retry {
    /// The campaign.
    pub campaign: campaign::Model,
    /// What became of its failed jobs.
    pub jobs: Retried,
}

impl Again for Retry {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let older = |told: &serde_json::Value| {
            let retried = told["retried"].as_i64().and_then(|retried| i32::try_from(retried).ok());
            Retried { retried: retried.unwrap_or_default(), skipped: 0 }
        };
        let jobs = done.answer(older)?;
        Ok(Self { campaign: campaign::Model::again(on, done).await?, jobs })
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
/// one of these.
pub async fn retry_failed(
    on: &Services,
    actor: &Actor,
    id: BroadcastCampaignId,
    reasons: Option<&[String]>,
) -> Result<Retry> {
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
        w.done(id, &all).await?;
        Ok(Retry { campaign: campaign::Entity::get(&w, id).await?, jobs: all })
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
    let failed = queue::requeue::failed(w, id, reasons, after, chunk).await?;
    let Some(last) = failed.last() else {
        let from = transition::status_of(&queue::lock(w, id).await?)?;
        if matches!(from, CampaignStatus::Cancelled | CampaignStatus::Queued) {
            return Err(Error::transition("campaign", from, CampaignStatus::Running));
        }
        return Ok(None);
    };
    // A test writes to no channel, so it may be inactive.
    let is_live = campaign::Entity::get(w, id).await?.mode == CampaignMode::Live;
    let may_be_sent = failed.iter().filter(|job| job.is_active || !is_live);
    let positions: Vec<i32> = may_be_sent.map(|job| job.position).collect();
    let count = |jobs: usize| i32::try_from(jobs).unwrap_or(i32::MAX);
    let (retried, skipped) = (count(positions.len()), count(failed.len() - positions.len()));
    if retried > 0 {
        queue::requeue::anew(w, id, &positions, JobStatus::Failed, w.now).await?;
        run_again(w, id).await?;
        w.in_part().note(Action::CampaignJobsRetried, id, json!({ "retried": retried, "reasons": reasons })).await?;
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
        let read = |text: &str| serde_json::from_str::<Retried>(text).expect("an answer");
        assert_eq!(read("3"), Retried { retried: 3, skipped: 0 });
        let both = Retried { retried: 1, skipped: 2 };
        assert_eq!(read(&serde_json::to_string(&both).expect("plain data")), both);
    }
}
