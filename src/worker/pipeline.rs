//! The pipeline of one campaign in this process: its message, its gate and its completer, shared by all who send for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::completer::{Completer, Settlement, by_lease};
use crate::flight;
use crate::gate::Gate;
use crate::holder::Holder;
use crate::tools::Tools;
use domain::delivery::Fault;
use domain::error::{Error, Result};
use domain::id::BroadcastCampaignId;
use service::Services;
use service::broadcast::delivery::Mission;
use service::broadcast::delivery::settle::{Answer, settle};

/// What producers and executors need of a running campaign.
#[derive(Debug)]
pub struct Pipeline {
    /// The campaign.
    pub id: BroadcastCampaignId,
    /// As last read; the completer sees it, too.
    mission: watch::Sender<Arc<Mission>>,
    gate: Mutex<Arc<Gate>>,
    answers: mpsc::UnboundedSender<Answer>,
    /// Jobs that are leased and not settled.
    in_flight: Arc<AtomicUsize>,
}

impl Pipeline {
    /// Opens it, and starts its completer, which ends with the last [`Exit`].
    pub fn open(tools: &Tools, holder: &Arc<Holder>, mission: Mission) -> (Self, JoinHandle<()>) {
        let (id, mission) = (mission.id, watch::Sender::new(Arc::new(mission)));
        let (answers, results) = mpsc::unbounded_channel();
        let in_flight: Arc<AtomicUsize> = Arc::default();
        let jobs = Jobs { on: tools.on.clone(), holder: holder.clone(), mission: mission.subscribe() };
        let completer = Completer::new(jobs, holder.clone(), in_flight.clone()).run(results);
        (Self { id, mission, gate: Mutex::default(), answers, in_flight }, tokio::spawn(completer))
    }

    /// The campaign's message and rules, as last read.
    pub fn mission(&self) -> Arc<Mission> {
        self.mission.borrow().clone()
    }

    /// How many jobs are leased and not settled.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Nothing that is leased starts any more.
    pub fn close(&self) {
        self.gate().close();
    }

    /// The way out for so many jobs that were leased, by an account with a gate of its own or by none.
    pub fn exit(&self, jobs: usize, account: Option<&Arc<Gate>>) -> Exit {
        self.in_flight.fetch_add(jobs, Ordering::SeqCst);
        let campaign = self.gate().clone();
        let account = account.unwrap_or(&campaign).clone();
        Exit { mission: self.mission(), campaign, account, answers: self.answers.clone() }
    }

    /// Reads the campaign again, because it was perhaps paused, edited and resumed.
    pub async fn refresh(&self, tools: &Tools) -> Result<()> {
        let mission = Mission::load(&tools.on, self.id).await?;
        if mission.run != self.mission().run {
            // What was leased in an earlier run starts nothing any more.
            let mut gate = self.gate();
            gate.close();
            *gate = Arc::default();
        }
        self.mission.send_replace(Arc::new(mission));
        Ok(())
    }

    fn gate(&self) -> MutexGuard<'_, Arc<Gate>> {
        self.gate.lock()
    }
}

/// The way out of one lease. It outlives the pipeline.
#[derive(Debug, Clone)]
pub struct Exit {
    /// The message.
    pub mission: Arc<Mission>,
    /// Of the campaign's run.
    campaign: Arc<Gate>,
    /// Of the account that sends; the campaign's, where there is none.
    account: Arc<Gate>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl Exit {
    /// Whether a send may start at `now`, in nanoseconds since 1970.
    pub fn is_open(&self, now: i64) -> bool {
        self.campaign.is_open(now) && self.account.is_open(now)
    }

    /// Tells what became of a job. What its answer closes is closed before (R18).
    pub fn tell(&self, answer: Answer) {
        flight::obey(&answer.verdict(&self.mission).effect, &self.account, &self.campaign);
        if self.answers.send(answer).is_err() {
            tracing::error!(campaign = %self.mission.id, "an answer came after its completer was gone");
        }
    }
}

/// How the jobs of one campaign are settled.
struct Jobs {
    on: Services,
    holder: Arc<Holder>,
    mission: watch::Receiver<Arc<Mission>>,
}

impl Jobs {
    /// The leases of which nothing is left open once this part is settled, by their entries in the change log.
    fn finished(&self, part: &[Answer]) -> Vec<i64> {
        let mut finished: Vec<i64> = by_lease(part.iter().map(|answer| (answer.key, answer.seq)))
            .into_iter()
            // A lease with a job that goes back as lost is closed when that does.
            .filter(|((key, _), jobs)| self.holder.remaining(*key) <= *jobs && !self.holder.is_lost(*key))
            .map(|((_, seq), _)| seq)
            .collect();
        finished.sort_unstable();
        finished
    }
}

impl Settlement for Jobs {
    type Answer = Answer;
    const BATCH: usize = 5_000;
    const IS_REPEATED: bool = true;

    fn name(&self) -> String {
        format!("campaign {}", self.mission.borrow().id)
    }

    async fn settle(&self, answers: &mut [Answer]) -> Result<()> {
        answers.sort_unstable_by_key(|answer| answer.position);
        let mission = self.mission.borrow().clone();
        match settle(&self.on, &mission, answers, &self.finished(answers)).await {
            // The campaign was deleted.
            Err(Error::NotFound(_)) => Ok(()),
            settled => settled,
        }
    }

    fn lease(answer: &Answer) -> i64 {
        answer.key
    }

    /// What the database refuses for what it says is repeated under the same `random_id` (R11).
    fn reduce(answer: &mut Answer) -> bool {
        let lost = Err(Fault::TimedOut);
        let can = answer.reply.as_ref().is_some_and(|reply| *reply != lost);
        if can {
            answer.reply = Some(lost);
        }
        can
    }
}
