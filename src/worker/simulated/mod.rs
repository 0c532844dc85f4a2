//! Sending where messages go nowhere: a producer for each running campaign.
//!
//! One process can do as much for a campaign as the highest rate allows, and all others would only wait for its hot row. So two of a
//! fleet look after it, and the others join where those two leave it lying.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::agenda::{Agenda, Board, Running};
use crate::holder::Holder;
use crate::tools::{DRAIN, Tools};
use domain::clock::duration_nanos;
use domain::id::{BroadcastCampaignId, SenderId};
use domain::pacing::interval;
use domain::sharing::is_chosen;

mod changes;
mod executor;
mod producer;
mod watch;

/// Processes of a fleet that look after a campaign: the second is there at once where the first is slow or far.
const PRODUCERS: usize = 2;
/// A campaign that runs has been left lying when it has been seen for so long and nobody takes its slots.
const PATIENCE: Duration = Duration::from_secs(1);

/// Starts a producer for each running campaign whose messages go nowhere, until the session ends.
pub async fn run(tools: &Tools, holder: &Arc<Holder>, mut board: Board, session: &CancellationToken) {
    let mut producers = Producers::default();
    let changes = tokio::spawn(changes::run(tools.clone(), board.clone(), session.clone()));
    while !session.is_cancelled() {
        let agenda = board.borrow_and_update().clone();
        if let Some(agenda) = agenda {
            producers.start(&agenda, tools, holder, session);
        }
        tokio::select! {
            Ok(()) = board.changed() => {}
            () = session.cancelled() => {}
        }
    }
    if let Err(error) = changes.await {
        tracing::error!(%error, "the task that changes what was sent ended badly");
    }
    // They stop claiming when the session ends; this waits until they have settled, as long as a drain may take.
    let all = futures_util::future::join_all(producers.running.into_values());
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!("some calls did not end in time: their jobs will be repeated under the same random_id");
    }
}

#[derive(Default)]
struct Producers {
    running: HashMap<BroadcastCampaignId, JoinHandle<()>>,
    /// When a campaign was first seen that is left to others.
    left: HashMap<BroadcastCampaignId, Duration>,
}

impl Producers {
    fn start(&mut self, agenda: &Agenda, tools: &Tools, holder: &Arc<Holder>, session: &CancellationToken) {
        self.running.retain(|_, producer| !producer.is_finished());
        self.left.retain(|id, _| agenda.simulated.iter().any(|one| one.id == *id));
        let fleet: Vec<SenderId> = agenda.senders.iter().map(|sign| sign.id).collect();
        for one in &agenda.simulated {
            if self.running.contains_key(&one.id)
                || !(is_chosen(&holder.row.id, &fleet, &one.id, PRODUCERS) || self.is_left_lying(one, tools))
            {
                continue;
            }
            self.left.remove(&one.id);
            let producer = producer::run(tools.clone(), holder.clone(), one.id, session.child_token());
            self.running.insert(one.id, tokio::spawn(producer));
        }
    }

    /// Whether those to whom it is left do nothing for it: its next slot has passed by.
    fn is_left_lying(&mut self, one: &Running, tools: &Tools) -> bool {
        let clock = &tools.on.clock;
        let since = *self.left.entry(one.id).or_insert_with(|| clock.monotonic());
        let patience = duration_nanos(PATIENCE);
        let due = one.last_slot.saturating_add(interval(one.rate));
        clock.monotonic().saturating_sub(since) >= PATIENCE && due < clock.nanos() - patience
    }
}
