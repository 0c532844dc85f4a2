//! A job that ends before it was handed over, because its channel can't be found.

use super::Mission;
use super::settle::{follow, note_gone};
use crate::Services;
use crate::broadcast::campaign::{Ending, Reason, end};
use domain::broadcast::{JobStatus, ProgressStatus};
use domain::delivery::{Attempt, Effect, Fault, judge};
use domain::error::Result;
use events::Event;
use storage::broadcast::queue::prefetch::{Item, Owner};
use storage::broadcast::queue::settle::{ChannelOutcome, ChannelResult, channels};
use storage::broadcast::queue::{Change, Delta, Streak, engage, lock, new_key, record};

/// Ends a job that an account has prefetched by what the look-up of its channel was answered.
pub async fn refuse(on: &Services, mission: &Mission, owner: Owner, item: &Item, fault: &Fault) -> Result<()> {
    let now = on.now();
    let attempt = Attempt {
        attempts: i32::MAX,
        ambiguous_since: item.ambiguous_since,
        ended: now,
        is_peer_fresh: true,
        has_history: false,
    };
    let verdict = judge(&Err(fault.clone()), attempt, mission.policy);
    // Whatever else it was: it has been asked for, and there is nobody.
    let status = if item.ambiguous_since.is_some() { JobStatus::Unknown } else { JobStatus::Failed };
    let outcome = if verdict.effect == Effect::ChannelGone { ChannelOutcome::Gone } else { ChannelOutcome::Refused };
    let result = &[ChannelResult { channel: item.channel_id, outcome, error: Some(fault.to_string()) }];
    on.system_write(|w| async move {
        let w = &w;
        w.tell(Event::Campaign(owner.campaign));
        let key = new_key();
        if !engage::end(w, owner, item.position, key, (status, fault), now).await? {
            return Ok(());
        }
        let gone = channels(w, result, now, on.rules.channel_errors).await?;
        note_gone(w, mission, &gone).await?;
        let mut delta = Delta::default();
        delta.moved(JobStatus::Queued, status, 1);
        let change = Change {
            campaign: owner.campaign,
            key,
            positions: &[item.position],
            sender: None,
            delta,
            streak: (mission.run, if status == JobStatus::Failed { Streak::Longer(1) } else { Streak::Untouched }),
            not_before: 0,
        };
        match record(w, &change, false).await? {
            Some(row) => follow(on, w, (mission.run, None), &row).await,
            None => Ok(()),
        }
    })
    .await
}

/// Notes that the attachment of each message is refused: the campaign pauses, as it would at the first send.
pub async fn refuse_content(on: &Services, mission: &Mission, reason: Reason) -> Result<()> {
    let ending = &Ending::Paused(reason);
    on.system_write(|w| async move {
        let w = &w;
        w.tell(Event::Work(mission.id));
        w.tell(Event::Campaign(mission.id));
        let hot = lock(w, mission.id).await?;
        if hot.status == ProgressStatus::Running && hot.run == mission.run {
            end(w, mission.id, ending).await
        } else {
            Ok(())
        }
    })
    .await
}
