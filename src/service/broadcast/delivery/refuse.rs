//! A job that ends before it was handed over, because its channel can't be found.

use super::Mission;
use super::settle::{audit_channels, follow};
use crate::Services;
use crate::broadcast::campaign::{Ending, Reason, end};
use domain::broadcast::{JobStatus, ProgressStatus};
use domain::delivery::{Attempt, Effect, Fault, judge};
use domain::error::Result;
use events::Event;
use storage::broadcast::queue::settle::{ChannelOutcome, ChannelResult, channels};
use storage::broadcast::queue::tray::{Item, Owner};
use storage::broadcast::queue::{Change, Delta, Streak, engage, lock, new_key, record};

/// Ends a job on an account's tray by what the look-up of its channel was answered.
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
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            let key = new_key();
            if !engage::end(tx, owner, item.position, key, (status, &fault.to_string()), now).await? {
                return Ok(());
            }
            let gone = channels(tx, result, now, on.rules.channel_errors).await?;
            audit_channels(on, tx, mission, &gone).await?;
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
            match record(tx, &change, false).await? {
                Some(row) => follow(on, tx, (mission.run, None), &row).await,
                None => Ok(()),
            }
        })
        .await?;
    on.tell(Event::Campaign(owner.campaign));
    Ok(())
}

/// What goes along with each message is refused: the campaign pauses, as it would at the first send.
pub async fn refuse_content(on: &Services, mission: &Mission, reason: Reason) -> Result<()> {
    let ending = &Ending::Paused(reason);
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            let hot = lock(tx, mission.id).await?;
            if hot.status == ProgressStatus::Running && hot.run == mission.run {
                end(on, tx, mission.id, ending).await
            } else {
                Ok(())
            }
        })
        .await?;
    on.tell(Event::Work(mission.id));
    on.tell(Event::Campaign(mission.id));
    Ok(())
}
