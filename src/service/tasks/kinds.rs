//! What each kind of task does in a chunk, how it is taken back, and what follows its end.

use super::Chunk;
use crate::broadcast::campaign;
use crate::{Services, Write};
use domain::error::Result;
use domain::task::TaskKind;
use storage::task::Model;

/// Does the next chunk, in the name of whoever asked for it.
pub(super) async fn chunk(on: &Services, w: &Write, row: &Model) -> Result<Chunk> {
    match row.kind {
        TaskKind::StartBroadcastCampaign => campaign::start_chunk(on, w, row).await,
        TaskKind::RetryFailedJobs => campaign::retry_chunk(on, w, row).await,
    }
}

/// Takes a chunk of what was done back; whether nothing of it is left.
pub(super) async fn take_back(on: &Services, w: &Write, row: &Model) -> Result<bool> {
    match row.kind {
        TaskKind::StartBroadcastCampaign => campaign::take_start_back(on, w, row).await,
        TaskKind::RetryFailedJobs => campaign::leave_retry(w, row).await,
    }
}

/// All of it is done. What follows may fail: nothing depends on it.
pub(super) async fn after(on: &Services, kind: TaskKind) -> Result<()> {
    match kind {
        // Or the first claims are planned for the table as it was before.
        TaskKind::StartBroadcastCampaign if on.db.is_postgres() => on.db.analyze("jobs").await,
        TaskKind::StartBroadcastCampaign | TaskKind::RetryFailedJobs => Ok(()),
    }
}
