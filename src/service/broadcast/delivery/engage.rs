//! Leasing one job for one account, and giving accounts jobs to make ready.

use super::Mission;
use super::lease::decide;
use crate::Services;
use crate::broadcast::campaign::complete_if_spent;
use domain::error::Result;
use events::Event;
use storage::broadcast::queue::engage::{Claim, Engaged, engage as engage_row, engage_soon};
use storage::broadcast::queue::lease::{Decision, Due};
use storage::broadcast::queue::prefetch::{self, Owner, Want};
use storage::violation::is_repeatable;

/// Leases a job that the account has prefetched, as it was read then: `job`. None if it is not there any more.
///
/// # Errors
/// [`domain::error::Error::Precondition`] if the campaign does not run any more, the account was taken over, or may not
/// send this now. After any other error it is not known whether the lease was committed (R10).
pub async fn engage(on: &Services, mission: &Mission, claim: &Claim, job: &Due) -> Result<Option<Engaged>> {
    if on.db.is_postgres()
        && let Decision::Send(random_id) = decide(on, mission, claim.now, job)
    {
        let job = Due { random_id: Some(random_id), ..job.clone() };
        match engage_soon(&on.db, claim, &job).await {
            Ok(Some(engaged)) => return Ok(Some(engaged)),
            Err(error) if !is_repeatable(&error) => return Err(error),
            // It ends unsent, or is not there as it was, or another transaction was in the way: step by step, and again if need be.
            Ok(None) | Err(_) => {}
        }
    }
    on.system_write(|w| async move {
        // What this account knows of the name counts as much as what the last one to look it up has written down.
        let known =
            |found: &Due| Due { kind: job.kind.filter(|kind| kind.is_private()).or(found.kind), ..found.clone() };
        let engaged = engage_row(&w, claim, |found| decide(on, mission, claim.now, &known(found))).await?;
        if let Some(engaged) = &engaged {
            // The last job may have ended unsent: then no answer will come that could end the campaign.
            complete_if_spent(&w, &engaged.progress).await?;
        }
        if engaged.as_ref().is_some_and(|engaged| engaged.job.is_none()) {
            w.tell(Event::Campaign(mission.id));
        }
        Ok(engaged)
    })
    .await
}

/// Lets an account prefetch jobs that are nobody's. Returns their places.
pub async fn assign(on: &Services, owner: Owner, want: &Want) -> Result<Vec<i32>> {
    on.system_write(|w| async move { prefetch::assign(&w, owner, want).await }).await
}
