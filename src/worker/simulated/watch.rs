//! The watch of one campaign: reads it again when something changes, beside the producer, which never waits for this.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::EntityTrait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::holder::Holder;
use crate::pipeline::Pipeline;
use crate::tools::{LOOK, Tools};
use domain::broadcast::ProgressStatus;
use domain::error::{Error, Result};
use events::{Event, Subscription};
use storage::broadcast::progress;

/// What is known of a campaign that runs.
pub struct Watch {
    tools: Tools,
    holder: Arc<Holder>,
    pub pipeline: Pipeline,
    /// Queued jobs, as far as is known: more slots are not taken.
    pub queued: AtomicI64,
    /// Something has changed.
    pub changed: Notify,
    /// The campaign does not run any more, or the session ends.
    pub over: CancellationToken,
}

impl Watch {
    pub fn new(tools: &Tools, holder: &Arc<Holder>, pipeline: Pipeline, session: &CancellationToken) -> Self {
        let (tools, holder, over) = (tools.clone(), holder.clone(), session.child_token());
        Self { tools, holder, pipeline, queued: AtomicI64::new(i64::MAX), changed: Notify::new(), over }
    }

    /// Watches until the campaign does not run any more.
    pub async fn run(self: Arc<Self>, mut events: Subscription) {
        let id = self.pipeline.id;
        loop {
            tokio::select! {
                () = self.tools.on.clock.sleep(LOOK) => {}
                () = events.woken(|event| event == Event::Work(id)) => {}
                () = self.over.cancelled() => return,
            }
            if !self.look().await {
                // Nothing that is leased starts any more.
                self.pipeline.close();
                return self.over.cancel();
            }
            self.changed.notify_one();
        }
    }

    /// Reads the campaign again; false if it does not run.
    async fn look(&self) -> bool {
        let _round = self.holder.rounds.begin("a look at a campaign");
        let read = async {
            let row = self.hot_row().await?.filter(|row| row.status == ProgressStatus::Running);
            if row.is_some() {
                self.pipeline.refresh(&self.tools).await?;
            }
            Ok::<_, Error>(row)
        };
        match read.await {
            Ok(Some(row)) => self.queued.store(row.queued.into(), Ordering::Relaxed),
            Ok(None) => return false,
            // Leases are refused if it does not run: nothing is lost by going on.
            Err(error) => tracing::warn!(campaign = %self.pipeline.id, error = ?error, "cannot be looked at"),
        }
        true
    }

    /// The campaign's hot row.
    pub async fn hot_row(&self) -> Result<Option<progress::Model>> {
        Ok(progress::Entity::find_by_id(self.pipeline.id).one(self.tools.on.db.reader()).await?)
    }
}
