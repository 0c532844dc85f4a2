//! Why jobs failed, in words that can be acted on.

use crate::prelude::*;
use domain::broadcast::JobStatus;
use domain::delivery::failure::{self, Failure, FailureGroup};
use domain::id::BroadcastCampaignId;
use storage::broadcast::{failures, job};

/// Why a message was not sent, and what can be done about it.
#[derive(SimpleObject)]
pub struct JobFailure {
    /// The error without its number, such as `CHAT_WRITE_FORBIDDEN`: by it failures are found and retried.
    reason: String,
    /// What happened.
    sentence: String,
    /// What can be done about it.
    remedy: String,
    /// Whose matter it is.
    group: FailureGroup,
}

impl From<Failure> for JobFailure {
    fn from(failure: Failure) -> Self {
        let Failure { reason, group, sentence, remedy } = failure;
        Self { reason, sentence: sentence.into_owned(), remedy: remedy.to_owned(), group }
    }
}

impl JobFailure {
    /// Of a job that has ended without being sent, as far as is known.
    pub(super) fn of(job: &job::Model) -> Option<Self> {
        let has_failed = matches!(job.status, JobStatus::Failed | JobStatus::Unknown);
        job.error_message.as_deref().filter(|_| has_failed).map(|error| failure::explain(error).into())
    }
}

/// Messages that were not sent for one reason.
#[derive(SimpleObject)]
pub struct FailureCount {
    /// The error without its number, such as `CHAT_WRITE_FORBIDDEN`: by it failures are found and retried.
    reason: String,
    /// What happened.
    sentence: String,
    /// What can be done about it.
    remedy: String,
    /// Whose matter it is.
    group: FailureGroup,
    /// How many jobs these are. Exact as long as no more than one reason has over 100,000.
    count: i32,
}

impl FailureCount {
    /// So many jobs with this reason.
    pub(crate) fn of(reason: &str, count: i64) -> Self {
        let JobFailure { reason, sentence, remedy, group } = failure::explain(reason).into();
        Self { reason, sentence, remedy, group, count: int(count) }
    }
}

question! {
    /// Why the jobs of a campaign failed, the most frequent reason first.
    pub(crate) FailuresOf(BroadcastCampaignId) -> Vec<failures::Count> = |db, campaigns| {
        let mut by_campaign: HashMap<BroadcastCampaignId, Vec<failures::Count>> = HashMap::new();
        for count in failures::of(db, &campaigns).await? {
            by_campaign.entry(count.campaign_id).or_default().push(count);
        }
        by_campaign
    }
}
