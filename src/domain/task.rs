//! The words of tasks: work over more rows than a request can wait for.

use crate::words::words;

words! {
    /// What a task does.
    TaskKind {
        /// Checks the texts of a broadcast campaign and makes its jobs; until all are there, none is sent.
        StartBroadcastCampaign => "START_BROADCAST_CAMPAIGN",
        /// Queues failed jobs of a broadcast campaign anew. If it had ended, it is PAUSED until all are queued; when the task is cancelled,
        /// those that were queued stay so.
        RetryFailedJobs => "RETRY_FAILED_JOBS",
        /// Removes a retention campaign that was deleted: it is not there any more, but contacts, conversions and assignments still name
        /// it. It can't be cancelled.
        DeleteRetentionCampaign => "DELETE_RETENTION_CAMPAIGN",
        /// Removes a retention sequence that was deleted, with its enrollments and their steps. It can't be cancelled.
        DeleteRetentionSequence => "DELETE_RETENTION_SEQUENCE",
        /// Removes a script that was deleted, which contacts still name. It can't be cancelled.
        DeleteScript => "DELETE_SCRIPT",
        /// Puts channels into a new batch, which is not there until all are in it. When it is cancelled or fails, there is no batch.
        CreateBatch => "CREATE_BATCH",
        /// Removes a batch that was deleted. It can't be cancelled.
        DeleteBatch => "DELETE_BATCH",
        /// Takes leads out of a retention campaign. When it is cancelled or fails, those that are out by then stay so.
        RemoveLeads => "REMOVE_LEADS",
        /// Puts leads into a retention campaign. When it is cancelled or fails, those that are in it by then stay.
        AssignLeads => "ASSIGN_LEADS",
        /// Computes the credit of conversions anew, beside what reports show. All of it takes the place of the old one at once, when the
        /// task is COMPLETED; one that is cancelled or fails has changed nothing.
        RecomputeAttribution => "RECOMPUTE_ATTRIBUTION",
    }
    /// How far a task is.
    TaskStatus {
        /// It waits for its first turn.
        Queued => "QUEUED",
        /// It is being done, or what was done of it is being taken back.
        Running => "RUNNING",
        /// All of it is done.
        Completed => "COMPLETED",
        /// It could not be done: `error` says why. What can't be left half done was taken back.
        Failed => "FAILED",
        /// Somebody ended it before its time. What can't be left half done was taken back.
        Cancelled => "CANCELLED",
    }
}

impl TaskStatus {
    /// Whether nothing of it will be done any more.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl TaskKind {
    /// Whether it leads to messages being sent: after a restore of the database such a task does not go on by itself.
    pub const fn leads_to_sends(self) -> bool {
        match self {
            Self::StartBroadcastCampaign | Self::RetryFailedJobs => true,
            Self::DeleteRetentionCampaign
            | Self::DeleteRetentionSequence
            | Self::DeleteScript
            | Self::CreateBatch
            | Self::DeleteBatch
            | Self::AssignLeads
            | Self::RemoveLeads
            | Self::RecomputeAttribution => false,
        }
    }

    /// Whether its last chunk does for all rows what the others have prepared, and may take minutes.
    pub const fn ends_at_once(self) -> bool {
        matches!(self, Self::RecomputeAttribution)
    }

    /// Why it can't be cancelled, and is tried again for as long as it fails; None if it can.
    pub const fn why_it_must_end(self) -> Option<&'static str> {
        match self {
            Self::StartBroadcastCampaign
            | Self::RetryFailedJobs
            | Self::CreateBatch
            | Self::AssignLeads
            | Self::RemoveLeads
            | Self::RecomputeAttribution => None,
            Self::DeleteRetentionCampaign | Self::DeleteRetentionSequence | Self::DeleteScript | Self::DeleteBatch => {
                Some(
                    "what was deleted is gone since it was asked for: the task takes away what is left of it, and has to end",
                )
            }
        }
    }

    /// The type of what it is about, as the API calls it.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::StartBroadcastCampaign | Self::RetryFailedJobs => "BroadcastCampaign",
            Self::DeleteRetentionCampaign | Self::AssignLeads | Self::RemoveLeads => "RetentionCampaign",
            Self::CreateBatch | Self::DeleteBatch => "Batch",
            Self::DeleteRetentionSequence => "RetentionSequence",
            Self::DeleteScript => "Script",
            // All of them at once.
            Self::RecomputeAttribution => "Conversion",
        }
    }
}
