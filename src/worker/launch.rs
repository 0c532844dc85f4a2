//! Launching leased jobs: each is handed over at its slot, or goes back untouched (R1).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Tools;
use super::gate::Gate;
use super::holder::Holder;
use domain::broadcast::CampaignMode;
use domain::clock;
use domain::delivery::{Attempt, Effect, Fault, Reply, judge};
use domain::meters;
use domain::pacing::{Slots, Start, start};
use service::broadcast::delivery::Mission;
use service::broadcast::delivery::settle::Answer;
use storage::broadcast::queue::lease::Due;
use telegram::{CALL_TIMEOUT, Outgoing, Peer};

/// One lease that is being launched.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The key of the lease.
    pub key: i64,
    /// Its entry in the change log.
    pub seq: i64,
    /// The campaign's run.
    pub run: i32,
    /// When its claim began, on the monotonic clock.
    pub claimed: Duration,
}

/// What a launch works with.
#[derive(Clone)]
pub struct Launch {
    pub tools: Tools,
    pub holder: Arc<Holder>,
    pub mission: Arc<Mission>,
    pub gate: Arc<Gate>,
    pub answers: mpsc::UnboundedSender<Answer>,
    pub session: CancellationToken,
}

impl Launch {
    /// Hands each job over at its slot. There are at least as many slots as jobs.
    pub async fn run(self, load: Load, jobs: Vec<Due>, slots: Slots) {
        for (job, slot) in jobs.into_iter().zip(slots.iter()) {
            if self.wait_for(slot, load.claimed).await {
                meters::lag(self.tools.on.clock.nanos() - slot);
                self.hand_over(load, job).await;
            } else {
                self.tell(answer(load, &job, None, self.tools.on.now(), None));
            }
        }
    }

    /// Waits for the slot; false if the send must not start.
    async fn wait_for(&self, slot: i64, claimed: Duration) -> bool {
        let clock = &self.tools.on.clock;
        loop {
            let (now, elapsed) = (clock.nanos(), clock.monotonic());
            if self.session.is_cancelled() || !self.gate.is_open(now) || !self.holder.is_valid(elapsed) {
                return false;
            }
            match start(slot, now, claimed, elapsed) {
                Start::Go => return true,
                Start::Missed => return false,
                Start::Wait(nanos) => clock.sleep(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))).await,
            }
        }
    }

    /// The hand-over is the first poll; if the answer is not there at once, it is awaited elsewhere.
    async fn hand_over(&self, load: Load, job: Due) {
        let started = self.tools.on.now();
        let outgoing = match self.outgoing(&job) {
            Ok(outgoing) => outgoing,
            Err(why) => {
                tracing::warn!(campaign = %self.mission.id, channel = job.username, why, "a text cannot be rendered");
                let refused = Err(Fault::rpc(400, "TEMPLATE_FAILED"));
                return self.answered(load, &job, started, refused);
            }
        };
        let messenger = self.tools.messenger.clone();
        let mut call = Box::pin(async move { messenger.send(outgoing).await });
        if let std::task::Poll::Ready(reply) = futures_util::poll!(&mut call) {
            return self.answered(load, &job, started, reply);
        }
        let this = self.clone();
        tokio::spawn(async move {
            let limit = this.tools.on.clock.sleep(CALL_TIMEOUT);
            let reply = match select(call, limit).await {
                Either::Left((reply, _)) => reply,
                Either::Right(_) => Err(Fault::TimedOut),
            };
            this.answered(load, &job, started, reply);
        });
    }

    fn outgoing(&self, job: &Due) -> Result<Outgoing, String> {
        let peer = match self.mission.mode {
            CampaignMode::Live => Peer::Channel { username: Arc::from(job.username.as_str()) },
            CampaignMode::Test => Peer::SavedMessages,
        };
        let random_id = job.random_id.ok_or("the job has no random_id")?;
        Ok(Outgoing { peer, text: self.mission.text(job)?, random_id })
    }

    fn answered(&self, load: Load, job: &Due, started: chrono::DateTime<chrono::Utc>, reply: Reply) {
        let ended = self.tools.on.now();
        self.obey(job, ended, &reply);
        self.tell(answer(load, job, Some(started), ended, Some(reply)));
    }

    /// R18: a wait closes the gate before anything else happens; the settlement makes it known to all.
    fn obey(&self, job: &Due, ended: chrono::DateTime<chrono::Utc>, reply: &Reply) {
        let (attempts, ambiguous_since) = (job.attempts, job.ambiguous_since);
        let attempt = Attempt { attempts, ambiguous_since, ended, is_peer_fresh: true, has_history: false };
        match judge(reply, attempt, self.mission.policy).effect {
            Effect::Wait { until, .. } => self.gate.hold(clock::nanos(until)),
            Effect::ContentRefused | Effect::AccountRefused(_) => self.gate.close(),
            _ => {}
        }
    }

    fn tell(&self, answer: Answer) {
        if self.answers.send(answer).is_err() {
            tracing::error!(campaign = %self.mission.id, "an answer came after its settler was gone");
        }
    }
}

fn answer(
    load: Load,
    job: &Due,
    started_at: Option<chrono::DateTime<chrono::Utc>>,
    ended_at: chrono::DateTime<chrono::Utc>,
    reply: Option<Reply>,
) -> Answer {
    Answer {
        position: job.position,
        channel: job.channel_id,
        channel_errors: job.error_count,
        random_id: job.random_id.unwrap_or_default(),
        key: load.key,
        seq: load.seq,
        run: load.run,
        attempts: job.attempts,
        ambiguous_since: job.ambiguous_since,
        started_at,
        ended_at,
        reply,
        carrier: None,
    }
}
