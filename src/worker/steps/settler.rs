//! Gathers providers' answers and settles many in one transaction. It keeps them until the database has them (R10).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::holder::Holder;
use domain::error::Error;
use domain::retention::verdict::Outcome;
use service::Services;
use service::retention::delivery::settle::{Answer, settle};

/// Answers of one transaction at most.
const BATCH: usize = 500;
/// How long the first answer of a batch waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// The pause between two attempts to settle doubles from the one to the other.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often one answer may be refused by the database before it counts as lost.
const REFUSALS: u32 = 3;

/// Settles until nobody is left who could answer.
pub async fn run(
    on: Services,
    holder: Arc<Holder>,
    in_flight: Arc<AtomicUsize>,
    mut answers: mpsc::UnboundedReceiver<Answer>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while answers.recv_many(&mut batch, BATCH).await > 0 {
        if batch.len() < BATCH {
            tokio::time::sleep(GATHER).await;
            while batch.len() < BATCH {
                let Ok(answer) = answers.try_recv() else { break };
                batch.push(answer);
            }
        }
        settle_all(&on, &mut batch).await;
        let mut leases: HashMap<i64, usize> = HashMap::new();
        for answer in &batch {
            *leases.entry(answer.key).or_default() += 1;
        }
        for (key, count) in leases {
            holder.settled(key, count);
        }
        in_flight.fetch_sub(batch.len(), Ordering::SeqCst);
        batch.clear();
    }
}

/// Settles a batch, whatever it takes: while the database is away the answers wait, and soon nothing new is leased. A batch that
/// fails for a reason of its data is halved until the answer that it lies in stands alone (R25).
async fn settle_all(on: &Services, batch: &mut [Answer]) {
    let mut parts = vec![batch];
    let (mut pause, mut refusals) = (SHORTEST_PAUSE, 0);
    while let Some(part) = parts.pop() {
        match settle(on, part).await {
            Ok(()) => {
                (pause, refusals) = (SHORTEST_PAUSE, 0);
                continue;
            }
            Err(Error::Unavailable(error)) => {
                tracing::warn!(answers = part.len(), ?error, "contacts cannot be settled yet");
                parts.push(part);
            }
            Err(_) if part.len() > 1 => {
                let (head, tail) = part.split_at_mut(part.len() / 2);
                parts.push(tail);
                parts.push(head);
                continue;
            }
            Err(error) if refusals < REFUSALS => {
                tracing::warn!(?error, "a provider's answer cannot be settled");
                refusals += 1;
                parts.push(part);
            }
            Err(error) if part[0].receipt.is_some() || part[0].error.is_some() => {
                tracing::error!(?error, "the database refuses what a provider said: it is left out");
                part[0].receipt = None;
                part[0].error = None;
                part[0].outcome = match part[0].outcome {
                    Outcome::Accepted => Outcome::Accepted,
                    _ => Outcome::Unknown,
                };
                refusals = 0;
                parts.push(part);
            }
            Err(error) => {
                tracing::error!(?error, "a contact stays leased until this process ends");
                (pause, refusals) = (SHORTEST_PAUSE, 0);
                continue;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
