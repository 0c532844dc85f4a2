//! What each kind of task does in a chunk, how it is taken back, and what follows its end.

use super::Chunk;
use crate::broadcast::{batch, campaign};
use crate::retention::{conversion, members, removal};
use crate::{Services, Write};
use domain::error::Result;
use domain::task::TaskKind;
use storage::task::Model;

/// Does the next chunk, in the name of whoever asked for it.
pub(super) async fn chunk(on: &Services, w: &Write, row: &Model) -> Result<Chunk> {
    match row.kind {
        TaskKind::StartBroadcastCampaign => campaign::start_chunk(on, w, row).await,
        TaskKind::RetryFailedJobs => campaign::retry_chunk(on, w, row).await,
        TaskKind::DeleteRetentionCampaign | TaskKind::DeleteRetentionSequence | TaskKind::DeleteScript => {
            removal::chunk(on, w, row).await
        }
        TaskKind::CreateBatch => batch::fill_chunk(on, w, row).await,
        TaskKind::DeleteBatch => batch::empty_chunk(on, w, row).await,
        TaskKind::AssignLeads => members::assign_chunk(on, w, row).await,
        TaskKind::RemoveLeads => members::remove_chunk(on, w, row).await,
        TaskKind::RecomputeAttribution => conversion::recompute_chunk(on, w, row).await,
    }
}

/// Takes a chunk of what was done back; whether nothing of it is left.
pub(super) async fn take_back(on: &Services, w: &Write, row: &Model) -> Result<bool> {
    match row.kind {
        TaskKind::StartBroadcastCampaign => campaign::take_start_back(on, w, row).await,
        TaskKind::RetryFailedJobs => campaign::leave_retry(w, row).await,
        // These have to come to their end: nobody cancels them, and none fails for good.
        TaskKind::DeleteRetentionCampaign
        | TaskKind::DeleteRetentionSequence
        | TaskKind::DeleteScript
        | TaskKind::DeleteBatch => Ok(false),
        TaskKind::CreateBatch => batch::take_back(on, w, row).await,
        TaskKind::AssignLeads => members::leave_assigned(w, row).await,
        TaskKind::RemoveLeads => members::leave_removed(w, row).await,
        TaskKind::RecomputeAttribution => conversion::drop_computed(w).await,
    }
}

/// All of it is done. What follows may fail: nothing depends on it.
pub(super) async fn after(on: &Services, kind: TaskKind) -> Result<()> {
    match kind {
        // Or the first claims are planned for the table as it was before.
        TaskKind::StartBroadcastCampaign if on.db.is_postgres() => on.db.analyze("jobs").await,
        TaskKind::StartBroadcastCampaign
        | TaskKind::RetryFailedJobs
        | TaskKind::DeleteRetentionCampaign
        | TaskKind::DeleteRetentionSequence
        | TaskKind::DeleteScript
        | TaskKind::CreateBatch
        | TaskKind::DeleteBatch
        | TaskKind::AssignLeads
        | TaskKind::RemoveLeads
        | TaskKind::RecomputeAttribution => Ok(()),
    }
}
