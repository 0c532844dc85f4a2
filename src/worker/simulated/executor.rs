//! The executor of one lease: each job is handed over at its slot, or goes back untouched (R1).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use tokio_util::sync::CancellationToken;

use crate::flight::{self, Slot};
use crate::holder::Holder;
use crate::pipeline::Exit;
use crate::tools::Tools;
use domain::broadcast::CampaignMode;
use domain::delivery::{Fault, Reply};
use domain::meters;
use domain::pacing::Slots;
use service::broadcast::delivery::settle::{Answer, Lease};
use storage::broadcast::queue::lease::Due;
use telegram::{CALL_TIMEOUT, Outgoing, Peer};

/// What hands the jobs of one lease over.
#[derive(Clone)]
pub struct Executor {
    pub tools: Tools,
    pub holder: Arc<Holder>,
    pub exit: Exit,
    pub lease: Lease,
    pub session: CancellationToken,
}

impl Executor {
    /// Hands each job over at its slot. There are at least as many slots as jobs. `claimed` is when their claim began, on the
    /// monotonic clock, later by what its lead adds to D.
    pub async fn run(self, jobs: Vec<Due>, slots: Slots, claimed: Duration) {
        let clock = self.tools.on.clock.clone();
        let may_start = |now| !self.session.is_cancelled() && self.exit.is_open(now);
        for (job, at) in jobs.into_iter().zip(slots.iter()) {
            if flight::wait_for(&*clock, &self.holder, Slot { at, claimed }, may_start).await {
                meters::lag(clock.nanos() - at);
                self.hand_over(job).await;
            } else {
                self.exit.tell(Answer::untouched(&job, self.lease, clock.now()));
            }
        }
    }

    async fn hand_over(&self, job: Due) {
        let started = self.tools.on.now();
        let outgoing = match self.outgoing(&job) {
            Ok(outgoing) => outgoing,
            Err(why) => {
                tracing::warn!(campaign = %self.exit.mission.id, channel = job.username, why, "a text cannot be rendered");
                return self.answered(&job, started, Err(Fault::rpc(400, "TEMPLATE_FAILED")));
            }
        };
        let messenger = self.tools.messenger.clone();
        let call = Box::pin(async move { messenger.send(outgoing).await });
        match flight::hand_over(&self.tools.on.clock, call, CALL_TIMEOUT).await {
            Either::Left(reply) => self.answered(&job, started, reply),
            Either::Right(rest) => {
                let this = self.clone();
                tokio::spawn(async move {
                    let reply = rest.await.unwrap_or(Err(Fault::TimedOut));
                    this.answered(&job, started, reply);
                });
            }
        }
    }

    fn outgoing(&self, job: &Due) -> Result<Outgoing, String> {
        let peer = match self.exit.mission.mode {
            CampaignMode::Live => Peer::Channel { username: Arc::from(job.username.as_str()) },
            CampaignMode::Test => Peer::SavedMessages,
        };
        let random_id = job.random_id.ok_or("the job has no random_id")?;
        let has_media = self.exit.mission.attachment.is_some();
        Ok(Outgoing { peer, text: self.exit.mission.text(job)?, has_media, random_id })
    }

    fn answered(&self, job: &Due, started: chrono::DateTime<chrono::Utc>, reply: Reply) {
        let untouched = Answer::untouched(job, self.lease, self.tools.on.now());
        self.exit.tell(Answer { started_at: Some(started), reply: Some(reply), ..untouched });
    }
}
