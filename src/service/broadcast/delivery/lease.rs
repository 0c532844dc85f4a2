//! Leasing: jobs get their identity and their holder before anything is sent.

use chrono::{DateTime, Utc};

use super::Mission;
use crate::Services;
use crate::broadcast::campaign::complete_if_spent;
use domain::broadcast::{CampaignMode, JobStatus};
use domain::delivery::repeatable;
use domain::error::Result;
use events::Event;
use storage::broadcast::queue::lease::{Claim, Decision, Due, Leased, lease as lease_rows, lease_soon};
use storage::violation::is_repeatable;

/// Why a job ends unsent whose name leads to a person or a bot.
const NOT_A_CHANNEL: &str = "NOT_A_CHANNEL";

/// Leases due jobs of a running campaign.
///
/// # Errors
/// [`domain::error::Error::Precondition`] if it does not run any more or the sender was taken over. After any other
/// error it is not known whether the lease was committed (R10).
pub async fn lease(on: &Services, mission: &Mission, claim: &Claim) -> Result<Leased> {
    if on.db.is_postgres() {
        match lease_soon(&on.db, claim, |job| decide(on, mission, claim.now, job)).await {
            Ok(Some(leased)) => return Ok(leased),
            Err(error) if !is_repeatable(&error) => return Err(error),
            // A job is to end unsent, or another transaction was in the way: step by step, and again if need be.
            Ok(None) | Err(_) => {}
        }
    }
    on.system_write(|w| async move {
        let leased = lease_rows(&w, claim, |job| decide(on, mission, claim.now, job)).await?;
        if let Some(row) = &leased.progress {
            // Jobs may have ended unsent, the last ones too: then no answer will come that could end the campaign.
            complete_if_spent(&w, row).await?;
        }
        if leased.found > leased.jobs.len() {
            w.tell(Event::Campaign(mission.id));
        }
        Ok(leased)
    })
    .await
}

/// The decision about a job whose turn it is at `now`.
pub(super) fn decide(on: &Services, mission: &Mission, now: DateTime<Utc>, job: &Due) -> Decision {
    if mission.mode == CampaignMode::Live && job.is_private() && !mission.allow_private {
        let status = if job.ambiguous_since.is_some() { JobStatus::Unknown } else { JobStatus::Failed };
        return Decision::End(status, NOT_A_CHANNEL);
    }
    if let Some(since) = job.ambiguous_since {
        // Beyond the window nobody can say whether Telegram still knows the random_id (R11).
        if !repeatable(since, now, mission.policy) {
            return Decision::End(JobStatus::Unknown, "DEDUPE_WINDOW_OVER");
        }
    } else if mission.mode == CampaignMode::Live && !job.is_active {
        return Decision::End(JobStatus::Failed, "CHANNEL_INACTIVE");
    }
    // Computed once and stored: never again, or a new key would make a second message of it.
    Decision::Send(
        job.random_id.unwrap_or_else(|| on.keys.lasting.random_id(mission.identities(), job.id.0, job.epoch)),
    )
}
