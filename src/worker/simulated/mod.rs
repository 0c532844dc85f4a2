//! Sending where messages go nowhere: a producer for each running campaign.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::holder::Holder;
use crate::tools::{DRAIN, LOOK, Tools, is_work};
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use storage::broadcast::progress;

mod executor;
mod producer;
mod watch;

/// Starts a producer for each running campaign whose messages go nowhere, until the session ends.
pub async fn run(tools: &Tools, holder: &Arc<Holder>, session: &CancellationToken) {
    let mut producers = HashMap::new();
    let mut events = tools.on.events.subscribe();
    while !session.is_cancelled() {
        if let Err(error) = start(&mut producers, tools, holder, session).await {
            tracing::warn!(error = ?error, "running campaigns cannot be looked up");
        }
        tokio::select! {
            () = events.until(LOOK, is_work) => {}
            () = session.cancelled() => {}
        }
    }
    // They stop claiming when the session ends; this waits until they have settled, as long as a drain may take.
    let all = futures_util::future::join_all(producers.into_values());
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!("some calls did not end in time: their jobs will be repeated under the same random_id");
    }
}

async fn start(
    producers: &mut HashMap<BroadcastCampaignId, JoinHandle<()>>,
    tools: &Tools,
    holder: &Arc<Holder>,
    session: &CancellationToken,
) -> Result<()> {
    producers.retain(|_, producer| !producer.is_finished());
    for row in progress::Entity::running_simulated().all(tools.on.db.reader()).await? {
        let id = row.campaign_id;
        producers
            .entry(id)
            .or_insert_with(|| tokio::spawn(producer::run(tools.clone(), holder.clone(), id, session.child_token())));
    }
    Ok(())
}
