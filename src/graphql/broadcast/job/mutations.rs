//! Retrying, cancelling and resolving single jobs.

use crate::engine::id;
use crate::prelude::*;
use ::service::broadcast::job as service;
use ::service::once::once_or;
use domain::id::JobId;

/// Which job is to be tried again.
#[derive(InputObject)]
struct RetryJobInput {
    /// The id of a job that is FAILED or CANCELLED.
    id: ID,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The job that was queued anew.
#[derive(SimpleObject)]
struct RetryJobPayload {
    /// The job, which is QUEUED again.
    job: Job,
}

/// Which job is to be cancelled.
#[derive(InputObject)]
struct CancelJobInput {
    /// The id of a job that is QUEUED.
    id: ID,
}

/// The job that was cancelled.
#[derive(SimpleObject)]
struct CancelJobPayload {
    /// The job, which is CANCELLED now.
    job: Job,
}

/// What somebody who looked says of a message of which nobody could know whether it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "service::Resolution")]
enum UnknownJobResolution {
    /// It is there: the job becomes SENT.
    Sent,
    /// It is not there: the job becomes QUEUED, and the message is sent, unless the history of the channel shows it after all.
    Queued,
    /// Nobody looked: Herald looks for it in the history of the channel, by the account that sent it, and sends nothing. The job
    /// becomes SENT if the message is there, and stays UNKNOWN if not; its `sentChange` of the kind FIND tells how far that is.
    History,
}

/// Which jobs of unknown fate are to be resolved, and how.
#[derive(InputObject)]
struct ResolveUnknownJobsInput {
    /// Ids of jobs that are UNKNOWN, all of one campaign, at most 1,000.
    job_ids: Vec<ID>,
    /// What became of their messages.
    resolution: UnknownJobResolution,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The jobs that were resolved.
#[derive(SimpleObject)]
struct ResolveUnknownJobsPayload {
    /// The jobs, in the order of their places.
    jobs: Vec<Job>,
}

/// Changes single jobs.
#[derive(Default)]
pub struct JobMutation;

#[Object]
impl JobMutation {
    /// Queues a failed or cancelled job anew. A campaign that is COMPLETED or FAILED runs again; one that was cancelled stays so,
    /// with all its jobs.
    #[graphql(directive = requires::apply(Permission::WriteJobs))]
    async fn retry_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job.")] input: RetryJobInput,
    ) -> Result<RetryJobPayload> {
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let job = once(on, &actor, service::retry(on, &actor, input.id.input("id")?)).await?;
        Ok(RetryJobPayload { job: job.into() })
    }

    /// Cancels a job that is queued and has surely not been sent.
    #[graphql(directive = requires::apply(Permission::WriteJobs))]
    async fn cancel_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job.")] input: CancelJobInput,
    ) -> Result<CancelJobPayload> {
        let job = service::cancel(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(CancelJobPayload { job: job.into() })
    }

    /// Takes the word of somebody who looked on messages of which nobody could know whether they were sent.
    #[graphql(directive = requires::apply(Permission::WriteJobs))]
    async fn resolve_unknown_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which jobs, and how.")] input: ResolveUnknownJobsInput,
    ) -> Result<ResolveUnknownJobsPayload> {
        let ids: Vec<JobId> = id::list(&input.job_ids, &["input", "jobIds"], service::MOST)?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let resolved = service::resolve_unknown(on, &actor, &ids, input.resolution.into());
        let jobs = once_or(on, &actor, resolved, |_| service::by_ids(on, &ids)).await?;
        Ok(ResolveUnknownJobsPayload { jobs: jobs.into_iter().map(Job::from).collect() })
    }
}
