//! Floor 3: claim, pace, send, settle. One worker a process; any number of them on one database.
//!
//! A [`Holder`] keeps this process' lease alive. Producers claim work and take slots for it, executors hand it over, each at
//! its slot, and completers write down what became of it. Where messages go nowhere, each running campaign has a producer:
//! see [`simulated`]. Where they go to Telegram, each account that this process holds has a driver instead, which serves all
//! campaigns that go by it: see [`live`]. Steps of sequences have a producer for each channel: see [`steps`].

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use providers::Sender;
use service::loops::Loops;

mod chores;
mod claims;
mod completer;
mod flight;
mod gate;
mod holder;
mod leads;
mod live;
mod pipeline;
mod punctuality;
mod rounds;
mod simulated;
mod steps;
mod takeover;
mod tools;

use holder::Holder;
pub use holder::identity;
use tools::PAUSE;
pub use tools::Tools;

/// How long each loop of a session may take to end. All that it waits for ends sooner.
const END: Duration = Duration::from_mins(1);

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
    while !stop.is_cancelled() {
        match Holder::register(&tools).await {
            Ok(holder) => work(&tools, &Arc::new(holder), &stop).await,
            Err(error) => {
                tracing::error!(error = ?error, "the worker cannot register");
                tokio::select! { () = tokio::time::sleep(PAUSE) => {}, () = stop.cancelled() => {} }
            }
        }
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
    let mut loops = Loops::until(session.clone());
    let (beating, me) = (tools.clone(), holder.clone());
    loops.start("signs of life", move |session| holder::keep(beating.clone(), me.clone(), session));
    let (health, me) = (tools.on.health.clone(), holder.clone());
    loops.start("the guard", move |session| rounds::guard(me.clone(), health.clone(), session));
    let (busy, me) = (tools.clone(), holder.clone());
    loops.start("chores", move |session| chores::run(busy.clone(), me.clone(), session));
    let steps = steps::Steps::open(tools, holder, &session);
    let campaigns = Box::pin(async {
        if tools.on.rules.is_simulated {
            simulated::run(tools, holder, &session).await;
        } else {
            live::run(tools, holder, &letters, &session).await;
        }
    });
    tokio::join!(campaigns, steps.close(&session));
    // What stands still for a reason that nobody knows must not keep the worker from beginning anew.
    loops.ended(END).await;
    if let Err(error) = holder.retire(tools).await {
        tracing::warn!(error = ?error, "leases could not be given back: another process will take them over");
    }
}
