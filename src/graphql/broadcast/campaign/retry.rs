//! Trying again what failed.

use crate::broadcast::job::failure::FailureCount;
use crate::prelude::*;
use ::service::broadcast::campaign as service;

/// Which campaign's failures are to be tried again.
#[derive(InputObject)]
struct RetryFailedJobsInput {
    /// The id of a campaign that is RUNNING, PAUSED, COMPLETED or FAILED.
    campaign_id: ID,
    /// Which of them; all if it is left out.
    filter: Option<FailedJobFilter>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// Which failed jobs are to be tried again.
#[derive(InputObject)]
struct FailedJobFilter {
    /// Failed for one of these reasons: errors as Telegram spells them, such as `CHAT_WRITE_FORBIDDEN`, whatever their number; 1 to
    /// 100.
    errors: Option<Vec<String>>,
}

/// The campaign whose failed jobs were queued anew.
#[derive(SimpleObject)]
struct RetryFailedJobsPayload {
    /// The campaign, which is RUNNING again if it had ended and jobs were queued; PAUSED while `task` goes on.
    campaign: BroadcastCampaign,
    /// How many jobs were queued anew; until now, if there is a task.
    retried: i32,
    /// How many were left as they are; until now, if there is a task.
    skipped: i32,
    /// Where more than 10,000 jobs have failed: the task that queues them anew. A campaign that had ended does not send before it is
    /// COMPLETED. Null otherwise.
    task: Option<Task>,
    /// Why those were left, and what can be done about it.
    skipped_because: Vec<FailureCount>,
}

impl From<service::Retry> for RetryFailedJobsPayload {
    fn from(retry: service::Retry) -> Self {
        let service::Retry { campaign, jobs: service::Retried { retried, skipped }, task } = retry;
        let inactive = (skipped > 0).then(|| FailureCount::of("CHANNEL_INACTIVE", skipped.into()));
        let skipped_because = inactive.into_iter().collect();
        Self { campaign: campaign.into(), retried, skipped, task: task.map(Into::into), skipped_because }
    }
}

/// Tries again what failed.
#[derive(Default)]
pub struct RetryMutation;

#[Object]
impl RetryMutation {
    /// Queues the failed jobs of a campaign anew, and only those: all, or those of some reasons. Jobs of channels that have become
    /// inactive are left, for they would not be sent. A campaign that has ended runs again. Where more than 10,000 have failed it answers
    /// within a second, and a `task` goes on.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn retry_failed_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which campaign.")] input: RetryFailedJobsInput,
    ) -> Result<RetryFailedJobsPayload> {
        let id = input.campaign_id.input("campaignId")?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let errors = input.filter.and_then(|filter| filter.errors);
        let path = || vec!["input".into(), "filter".into(), "errors".into()];
        let wrong = |message| Error::Invalid(vec![Violation { path: path(), message }]);
        let reasons = errors.map(|errors| service::reasons(&errors).map_err(wrong)).transpose()?;
        let retry = once(on, &actor, service::retry_failed(on, &actor, id, reasons.as_deref())).await?;
        Ok(retry.into())
    }
}
