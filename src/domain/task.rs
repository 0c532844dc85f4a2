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
        }
    }

    /// Why it can't be cancelled once it has begun; None if it can.
    pub const fn why_it_must_end(self) -> Option<&'static str> {
        match self {
            Self::StartBroadcastCampaign | Self::RetryFailedJobs => None,
        }
    }

    /// The type of what it is about, as the API calls it.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::StartBroadcastCampaign | Self::RetryFailedJobs => "BroadcastCampaign",
        }
    }
}
