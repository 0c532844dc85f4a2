//! Sending where messages go nowhere: a producer for each running campaign.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::agenda::Board;
use crate::holder::Holder;
use crate::tools::{DRAIN, Tools};
use domain::id::BroadcastCampaignId;

mod changes;
mod executor;
mod producer;
mod watch;

/// Starts a producer for each running campaign whose messages go nowhere, until the session ends.
pub async fn run(tools: &Tools, holder: &Arc<Holder>, mut board: Board, session: &CancellationToken) {
    let mut producers = HashMap::new();
    let changes = tokio::spawn(changes::run(tools.clone(), board.clone(), session.clone()));
    while !session.is_cancelled() {
        let agenda = board.borrow_and_update().clone();
        if let Some(agenda) = agenda {
            start(&mut producers, &agenda.simulated, tools, holder, session);
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
    let all = futures_util::future::join_all(producers.into_values());
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!("some calls did not end in time: their jobs will be repeated under the same random_id");
    }
}

fn start(
    producers: &mut HashMap<BroadcastCampaignId, JoinHandle<()>>,
    running: &[BroadcastCampaignId],
    tools: &Tools,
    holder: &Arc<Holder>,
    session: &CancellationToken,
) {
    producers.retain(|_, producer| !producer.is_finished());
    for id in running.iter().copied() {
        producers
            .entry(id)
            .or_insert_with(|| tokio::spawn(producer::run(tools.clone(), holder.clone(), id, session.child_token())));
    }
}
