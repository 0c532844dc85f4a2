//! Floor 3: claim, pace, send, settle. One worker a process; any number of them on one database.
//!
//! A [`Holder`] keeps this process' lease alive. Where messages go nowhere, there is a lane for each running campaign: it takes
//! slots and leases jobs, its launches start each send at its slot, its settler writes down what became of them. Where they go
//! to Telegram, each account that this process holds has a driver instead, which serves all campaigns that go by it: see
//! [`live`].

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use domain::clock::SystemClock;
use domain::error::Result;
use domain::id::BroadcastCampaignId;
use events::Event;
use providers::Sender;
use service::Services;
use storage::Db;
use storage::broadcast::progress;
use telegram::Messenger;

mod chores;
mod gate;
mod holder;
mod lane;
mod launch;
mod live;
mod settler;
mod steer;
mod steps;
mod takeover;

use holder::Holder;
pub use holder::identity;

/// How often running campaigns are looked for, apart from events.
const LOOK: Duration = Duration::from_secs(1);
/// R24: how long a stopping worker waits for the answers of calls.
const DRAIN: Duration = Duration::from_secs(6);
/// A pause after an error that keeps coming back.
const PAUSE: Duration = Duration::from_millis(500);

/// What a worker works with.
#[derive(Clone)]
pub struct Tools {
    /// The use cases.
    pub on: Services,
    /// Signs of life have a connection of their own, so that no busy pool delays them (R25).
    pub beats: Db,
    /// The clock of `on`, if it is to be held to the database's time: on PostgreSQL, where others work by it too.
    pub steered: Option<Arc<SystemClock>>,
    /// Telegram where it is simulated; a live installation connects accounts instead.
    pub messenger: Arc<dyn Messenger>,
    /// Who takes contacts to leads.
    pub contacts: Arc<dyn Sender>,
    /// Told of the data folders of all processes on this host: what the simulated messenger of one accepted, the others know.
    pub neighbour: Arc<dyn Fn(&Path) + Send + Sync>,
}

/// A worker that runs.
#[derive(Debug)]
pub struct Worker {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts a worker.
    pub fn start(tools: Tools) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(tools, stop.clone()));
        Self { stop, task }
    }

    /// Stops claiming at once, waits for what is in flight, settles it, and gives all leases back (R24).
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the worker ended badly");
        }
    }
}

/// Registers and works until it is stopped; anew when another process took this one for dead.
async fn run(tools: Tools, stop: CancellationToken) {
    let steering = tools.steered.clone().map(|clock| tokio::spawn(steer::run(tools.clone(), clock, stop.clone())));
    while !stop.is_cancelled() {
        match Holder::register(&tools).await {
            Ok(holder) => work(&tools, &Arc::new(holder), &stop).await,
            Err(error) => {
                tracing::error!(error = ?error, "the worker cannot register");
                tokio::select! { () = tokio::time::sleep(PAUSE) => {}, () = stop.cancelled() => {} }
            }
        }
    }
    if let Some(Err(error)) = futures_util::future::OptionFuture::from(steering).await {
        tracing::error!(%error, "the steering of the clock ended badly");
    }
}

async fn work(tools: &Tools, holder: &Arc<Holder>, stop: &CancellationToken) {
    // Where accounts send for real, contacts to leads by Telegram go by them, too.
    let letters = Arc::new(live::Letters::before(tools));
    let is_pretence = tools.on.rules.is_simulated || tools.on.rules.endpoints.is_simulated;
    let contacts: Arc<dyn Sender> = if is_pretence { tools.contacts.clone() } else { letters.clone() };
    let tools = &Tools { contacts, ..tools.clone() };
    // Ends when the worker is to stop, and when its lease is lost.
    let session = stop.child_token();
    let keeper = tokio::spawn(holder::keep(tools.clone(), holder.clone(), session.clone()));
    let chores = tokio::spawn(chores::run(tools.clone(), holder.clone(), session.clone()));
    let steps = steps::Steps::open(tools, holder, &session);
    let campaigns = Box::pin(async {
        if tools.on.rules.is_simulated {
            simulate(tools, holder, &session).await;
        } else {
            live::run(tools, holder, &letters, &session).await;
        }
    });
    tokio::join!(campaigns, steps.close(&session));
    for task in [keeper, chores] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task of the worker ended badly");
        }
    }
    if let Err(error) = holder.retire(tools).await {
        tracing::warn!(error = ?error, "leases could not be given back: another process will take them over");
    }
}

/// Opens a lane for each running campaign whose messages go nowhere, until the session ends.
async fn simulate(tools: &Tools, holder: &Arc<Holder>, session: &CancellationToken) {
    let mut lanes = Lanes::new(tools, holder, session);
    let mut events = tools.on.events.subscribe();
    while !session.is_cancelled() {
        if let Err(error) = lanes.open().await {
            tracing::warn!(error = ?error, "running campaigns cannot be looked up");
        }
        tokio::select! {
            () = next_work(&mut events) => {}
            () = tokio::time::sleep(LOOK) => {}
            () = session.cancelled() => {}
        }
    }
    lanes.close().await;
}

/// Returns when campaigns may have begun to run, or accounts have changed.
async fn next_work(events: &mut tokio::sync::broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Work(_) | Event::Account(_) | Event::Resync) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // The events outlive the worker; should they not, the clock wakes it.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// One lane for each running campaign.
struct Lanes<'a> {
    tools: &'a Tools,
    holder: &'a Arc<Holder>,
    session: &'a CancellationToken,
    open: HashMap<BroadcastCampaignId, JoinHandle<()>>,
}

impl<'a> Lanes<'a> {
    fn new(tools: &'a Tools, holder: &'a Arc<Holder>, session: &'a CancellationToken) -> Self {
        Self { tools, holder, session, open: HashMap::new() }
    }

    async fn open(&mut self) -> Result<()> {
        self.open.retain(|_, lane| !lane.is_finished());
        for row in progress::Entity::running_simulated().all(self.tools.on.db.reader()).await? {
            let id = row.campaign_id;
            self.open.entry(id).or_insert_with(|| {
                tokio::spawn(lane::run(self.tools.clone(), self.holder.clone(), id, self.session.child_token()))
            });
        }
        Ok(())
    }

    /// Lanes stop claiming when the session ends; this waits until they have settled, as long as a drain may take.
    async fn close(&mut self) {
        let all = futures_util::future::join_all(self.open.drain().map(|(_, lane)| lane));
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!("some calls did not end in time: their jobs will be repeated under the same random_id");
        }
    }
}
