//! The desk of a campaign in this process: its message, its gate and its settler, for all accounts that serve it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sea_orm::EntityTrait;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::gate::Gate;
use crate::holder::Holder;
use crate::{Tools, settler};
use domain::broadcast::ProgressStatus;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use events::Event;
use service::broadcast::delivery::Mission;
use service::broadcast::delivery::settle::Answer;
use storage::broadcast::progress;

/// A campaign is looked at so often without any event: events may get lost.
const LOOK: Duration = Duration::from_secs(1);

/// What the drivers need of a running campaign.
#[derive(Debug)]
pub struct Desk {
    mission: watch::Sender<Arc<Mission>>,
    gate: Mutex<Arc<Gate>>,
    answers: mpsc::UnboundedSender<Answer>,
    /// Jobs that are leased and not settled.
    in_flight: Arc<AtomicUsize>,
}

impl Desk {
    /// The campaign's message and rules, as last read.
    pub fn mission(&self) -> Arc<Mission> {
        self.mission.borrow().clone()
    }

    /// The gate of the present run: what was leased in an earlier one starts nothing any more.
    pub fn gate(&self) -> Arc<Gate> {
        self.lock().clone()
    }

    /// Where the answer to one leased job is settled. It outlives the desk: the settler ends with the last of these.
    pub fn await_answer(&self) -> mpsc::UnboundedSender<Answer> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.answers.clone()
    }

    /// Reads the campaign again, because it was perhaps paused, edited and resumed.
    pub async fn refresh(&self, tools: &Tools) -> Result<()> {
        let mission = Mission::load(&tools.on, self.mission().id).await?;
        if mission.run != self.mission().run {
            let mut gate = self.lock();
            gate.close();
            *gate = Arc::default();
        }
        self.mission.send_replace(Arc::new(mission));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Gate>> {
        self.gate.lock().expect("no panic happens under this lock")
    }
}

/// The desks that are open, shared by all drivers of this process.
#[derive(Debug)]
pub struct Desks {
    holder: Arc<Holder>,
    open: Mutex<HashMap<BroadcastCampaignId, Arc<Desk>>>,
    settlers: Mutex<Vec<JoinHandle<()>>>,
}

impl Desks {
    pub fn new(holder: &Arc<Holder>) -> Self {
        Self { holder: holder.clone(), open: Mutex::default(), settlers: Mutex::default() }
    }

    /// The desk of a campaign, opened if it is not.
    pub async fn of(&self, tools: &Tools, id: BroadcastCampaignId) -> Result<Arc<Desk>> {
        if let Some(desk) = self.lock().get(&id) {
            return Ok(desk.clone());
        }
        let mission = Arc::new(Mission::load(&tools.on, id).await?);
        let mut open = self.lock();
        // Two drivers may have come at once: the first one's is the desk.
        Ok(open.entry(id).or_insert_with(|| self.open(tools, mission)).clone())
    }

    fn open(&self, tools: &Tools, mission: Arc<Mission>) -> Arc<Desk> {
        let mission = watch::Sender::new(mission);
        let (answers, results) = mpsc::unbounded_channel();
        let in_flight = Arc::default();
        let settler = settler::Settler::new(tools, &self.holder, mission.subscribe(), &in_flight);
        let mut settlers = self.settlers.lock().expect("no panic happens under this lock");
        settlers.retain(|settler| !settler.is_finished());
        settlers.push(tokio::spawn(settler.run(results)));
        Arc::new(Desk { mission, gate: Mutex::default(), answers, in_flight })
    }

    /// Keeps the desks up to date until the session ends, and closes those of campaigns that do not run any more.
    pub async fn keep(&self, tools: &Tools, session: &CancellationToken) {
        let mut events = tools.on.events.subscribe();
        while !session.is_cancelled() {
            let changed = tokio::select! {
                event = events.recv() => match event {
                    Ok(Event::Work(id)) => vec![id],
                    Ok(Event::Resync) | Err(RecvError::Lagged(_)) => self.ids(),
                    Ok(_) => continue,
                    Err(RecvError::Closed) => return session.cancelled().await,
                },
                () = tools.on.clock.sleep(LOOK) => self.ids(),
                () = session.cancelled() => return,
            };
            for id in changed {
                self.look(tools, id).await;
            }
        }
    }

    async fn look(&self, tools: &Tools, id: BroadcastCampaignId) {
        let Some(desk) = self.lock().get(&id).cloned() else { return };
        let row = match progress::Entity::find_by_id(id).one(tools.on.db.reader()).await {
            Ok(row) => row,
            // Leases are refused if it does not run: nothing is lost by going on.
            Err(error) => return tracing::warn!(campaign = %id, ?error, "cannot be looked at"),
        };
        match row.filter(|row| row.status == ProgressStatus::Running) {
            None => {
                desk.gate().close();
                self.lock().remove(&id);
            }
            Some(row) => {
                if let Err(error) = desk.refresh(tools).await {
                    tracing::warn!(campaign = %row.campaign_id, ?error, "cannot be read again");
                }
            }
        }
    }

    /// Closes all desks, and waits until every answer is settled, as long as a drain may take.
    pub async fn close(&self, limit: Duration) {
        self.lock().clear();
        let settlers: Vec<JoinHandle<()>> =
            self.settlers.lock().expect("no panic happens under this lock").drain(..).collect();
        if tokio::time::timeout(limit, futures_util::future::join_all(settlers)).await.is_err() {
            tracing::warn!("some answers could not be settled in time: their jobs count as ambiguous");
        }
    }

    fn ids(&self) -> Vec<BroadcastCampaignId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BroadcastCampaignId, Arc<Desk>>> {
        self.open.lock().expect("no panic happens under this lock")
    }
}
