//! Giving leases back: what was surely not handed over waits again, what may have been sent is UNKNOWN (R10, R15).

use crate::Services;
use crate::retention::delivery::settle::{Answer, settle};
use domain::error::Result;
use domain::id::SenderId;
use domain::retention::verdict::Outcome;
use storage::retention::queue::leases::{self, Held};

/// Executions of one transaction.
const CHUNK: i64 = 500;

/// Gives back all leases of a sender but those whose keys are kept, and returns how many these were. No provider but a receiver
/// of webhooks knows a repetition, so what a process that is gone may have handed over is never handed over again.
///
/// `is_kept` is asked after the leases were read: one that was committed meanwhile was known to its holder before.
pub async fn give_back(
    on: &Services,
    sender: SenderId,
    is_kept: impl Fn(i64) -> bool + Send + Sync,
    was_lost: bool,
) -> Result<usize> {
    let (mut given, mut after) = (0, None);
    loop {
        let found = leases::held_by(on.db.reader(), sender, after, CHUNK).await?;
        let Some(last) = found.last() else { return Ok(given) };
        after = Some(last.id);
        let answers: Vec<Answer> =
            found.iter().filter(|held| !is_kept(held.lease)).map(|held| answer(held, was_lost)).collect();
        if !answers.is_empty() {
            settle(on, &answers).await?;
            given += answers.len();
        }
    }
}

fn answer(held: &Held, was_lost: bool) -> Answer {
    Answer {
        execution: held.id,
        enrollment: held.enrollment_id,
        lead: held.lead_id,
        campaign: None,
        attempt: held.contact_attempt_id,
        key: held.lease,
        outcome: if was_lost { Outcome::Unknown } else { Outcome::Untouched },
        receipt: None,
        error: was_lost.then(|| "the process that handed it over ended before the answer came".to_owned()),
        is_opt_out: false,
        is_dead: false,
        is_lost: was_lost,
    }
}
