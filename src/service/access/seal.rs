//! The sealer: gives each audit line its place in the chain and the hash that holds it there, just after commit.
//!
//! Lines are written by many transactions at once, so none of them can know what came before it. One sealer at a time, by
//! the lock of the head's row, takes what has been committed and chains it.

use std::time::Duration;

use sea_orm::{ActiveModelTrait, ActiveValue, IntoActiveModel, QuerySelect};
use tokio_util::sync::CancellationToken;

use super::chain;
use crate::{Services, Write};
use domain::error::Result;
use events::Event;
use storage::access::audit_head;
use storage::access::audit_log::{self, Seal};

/// Lines that are sealed in one transaction at most.
const LINES: u64 = 500;
/// How often to look for lines that nobody told of: whose process ended just after it had written them. Whoever writes lines tells its
/// own sealer of them, by no wire that could be cut.
const LOOK: Duration = Duration::from_secs(10);

/// Seals until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let mut events = on.events.subscribe();
    loop {
        match seal(&on).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "audit lines can't be sealed now"),
        }
        tokio::select! {
            () = events.until(LOOK, |event| event == Event::Audit) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Seals all lines that are there, and returns how many these were.
pub async fn seal(on: &Services) -> Result<u64> {
    let mut sealed = 0;
    while audit_log::Entity::unsealed().limit(1).one(on.db.reader()).await?.is_some() {
        let some = on.system_write(|w| async move { seal_some(&w).await }).await?;
        sealed += some;
        if some < LINES {
            // What has been written since is told.
            break;
        }
    }
    Ok(sealed)
}

async fn seal_some(w: &Write) -> Result<u64> {
    let head = audit_head::Entity::lock(w).await?;
    let lines = audit_log::Entity::unsealed().limit(LINES).all(w).await?;
    let (mut seq, mut hash) = (head.seq, head.hash.clone());
    let mut seals = Vec::with_capacity(lines.len());
    for line in &lines {
        seq += 1;
        hash = chain::link(&hash, seq, line);
        seals.push(Seal { id: line.id, seq, hash: hash.clone() });
    }
    audit_log::seal(w, &seals).await?;
    let mut head = head.into_active_model();
    head.seq = ActiveValue::Set(seq);
    head.hash = ActiveValue::Set(hash);
    head.update(w).await?;
    if !lines.is_empty() {
        w.tell(Event::Audit);
    }
    Ok(lines.len() as u64)
}
