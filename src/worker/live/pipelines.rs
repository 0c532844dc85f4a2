//! The pipelines of the campaigns that run, shared by all drivers of this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use sea_orm::EntityTrait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::holder::Holder;
use crate::pipeline::Pipeline;
use crate::tools::{LOOK, Tools};
use domain::broadcast::ProgressStatus;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use events::Event;
use service::broadcast::delivery::Mission;
use storage::broadcast::progress;

/// The pipelines that are open.
#[derive(Debug)]
pub struct Pipelines {
    holder: Arc<Holder>,
    open: Mutex<HashMap<BroadcastCampaignId, Arc<Pipeline>>>,
    completers: Mutex<Vec<JoinHandle<()>>>,
}

impl Pipelines {
    pub fn new(holder: &Arc<Holder>) -> Self {
        Self { holder: holder.clone(), open: Mutex::default(), completers: Mutex::default() }
    }

    /// The pipeline of a campaign, opened if it is not.
    pub async fn of(&self, tools: &Tools, id: BroadcastCampaignId) -> Result<Arc<Pipeline>> {
        if let Some(pipeline) = self.lock().get(&id) {
            return Ok(pipeline.clone());
        }
        let mission = Mission::load(&tools.on, id).await?;
        // Two drivers may have come at once: the first one's is the pipeline.
        Ok(self.lock().entry(id).or_insert_with(|| self.open(tools, mission)).clone())
    }

    fn open(&self, tools: &Tools, mission: Mission) -> Arc<Pipeline> {
        let (pipeline, completer) = Pipeline::open(tools, &self.holder, mission);
        let mut completers = self.completers();
        completers.retain(|completer| !completer.is_finished());
        completers.push(completer);
        Arc::new(pipeline)
    }

    /// Keeps them up to date until the session ends, and closes those of campaigns that do not run any more.
    pub async fn keep(&self, tools: &Tools, session: &CancellationToken) {
        let mut events = tools.on.events.subscribe();
        while !session.is_cancelled() {
            let changed = tokio::select! {
                event = events.next() => match event {
                    Event::Work(id) => vec![id],
                    Event::Resync => self.ids(),
                    _ => continue,
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
        let Some(pipeline) = self.lock().get(&id).cloned() else { return };
        let row = match progress::Entity::find_by_id(id).one(tools.on.db.reader()).await {
            Ok(row) => row,
            // Leases are refused if it does not run: nothing is lost by going on.
            Err(error) => return tracing::warn!(campaign = %id, ?error, "cannot be looked at"),
        };
        if row.is_none_or(|row| row.status != ProgressStatus::Running) {
            pipeline.close();
            self.lock().remove(&id);
        } else if let Err(error) = pipeline.refresh(tools).await {
            tracing::warn!(campaign = %id, ?error, "cannot be read again");
        }
    }

    /// Closes all, and waits until every answer is settled, as long as a drain may take.
    pub async fn close(&self, limit: Duration) {
        self.lock().clear();
        let completers: Vec<JoinHandle<()>> = self.completers().drain(..).collect();
        if tokio::time::timeout(limit, futures_util::future::join_all(completers)).await.is_err() {
            tracing::warn!("some answers could not be settled in time: their jobs count as ambiguous");
        }
    }

    fn ids(&self) -> Vec<BroadcastCampaignId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BroadcastCampaignId, Arc<Pipeline>>> {
        self.open.lock()
    }

    fn completers(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.completers.lock()
    }
}
