//! Floor 3: claim, pace, send, settle. One worker a process; any number of them on one database.
//!
//! A [`Holder`] keeps this process' lease alive. Producers claim work and take slots for it, executors hand it over, each at
//! its slot, and completers write down what became of it. Where messages go nowhere, each running campaign has a producer:
//! see [`simulated`]. Where they go to Telegram, each account that this process holds has a driver instead, which serves all
//! campaigns that go by it: see [`live`]. Steps of sequences have a producer for each channel: see [`steps`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use providers::Sender;
use service::loops::Loops;

mod agenda;
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
use takeover::Watch;
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

/// Sends, and while the process is drained does not, until the session ends.
async fn shifts(
    tools: &Tools,
    holder: &Arc<Holder>,
    letters: &Arc<live::Letters>,
    seen: &agenda::Board,
    session: &CancellationToken,
    drained_at: &mut Option<DateTime<Utc>>,
) {
    let mut drained = holder.drained();
    while !session.is_cancelled() {
        let is_drained = *drained.borrow_and_update();
        *drained_at = is_drained.then(|| holder.row.drained_at.unwrap_or_else(|| tools.on.now()));
        if is_drained {
            // It stays, and holds nothing, until it is told to go on.
            session.run_until_cancelled(until(&mut drained, false)).await;
            continue;
        }
        let shift = session.child_token();
        let sending = async {
            send(tools, holder, letters, seen, &shift).await;
            shift.cancel();
        };
        let watching = async {
            shift.run_until_cancelled(until(&mut drained, true)).await;
            shift.cancel();
        };
        tokio::join!(sending, watching);
        if !*drained.borrow() {
            session.cancel();
            break;
        }
        if let Err(error) = holder.reconcile(tools).await {
            tracing::warn!(error = ?error, "leases could not be given back yet");
        }
    }
}

/// Claims and sends until the end of the shift, and settles what is in flight then.
async fn send(
    tools: &Tools,
    holder: &Arc<Holder>,
    letters: &Arc<live::Letters>,
    seen: &agenda::Board,
    shift: &CancellationToken,
) {
    let steps = steps::Steps::open(tools, holder, seen, shift);
    let campaigns = Box::pin(async {
        if tools.on.rules.is_simulated {
            simulated::run(tools, holder, seen.clone(), shift).await;
        } else {
            live::run(tools, holder, letters, shift).await;
        }
    });
    tokio::join!(campaigns, steps.close(shift));
}

/// Waits until the process is told that it is drained, or that it is not.
async fn until(drained: &mut watch::Receiver<bool>, is_drained: bool) {
    if drained.wait_for(|drained| *drained == is_drained).await.is_err() {
        // Its holder is gone; the session ends by itself.
        std::future::pending::<()>().await;
    }
}

/// Registers and works until it is stopped; anew when another process took this one for dead.
async fn run(tools: Tools, stop: CancellationToken) {
    let mut drained_at = None;
    while !stop.is_cancelled() {
        match Holder::register(&tools, drained_at).await {
            Ok(holder) => {
                work(&tools, &Arc::new(holder), &stop, &mut drained_at).await;
            }
            Err(error) => {
                tracing::error!(error = ?error, "the worker cannot register");
                tokio::select! { () = tokio::time::sleep(PAUSE) => {}, () = stop.cancelled() => {} }
            }
        }
    }
}

async fn work(tools: &Tools, holder: &Arc<Holder>, stop: &CancellationToken, drained_at: &mut Option<DateTime<Utc>>) {
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
    let (board, seen) = watch::channel(None);
    let looking = tools.clone();
    loops.start("the agenda", move |session| agenda::run(looking.clone(), board.clone(), session));
    let (watching, others, me) = (tools.clone(), Arc::<Watch>::default(), holder.clone());
    let (known, all) = (others.clone(), seen.clone());
    loops.start("takeovers", move |session| {
        chores::watch(watching.clone(), me.clone(), all.clone(), known.clone(), session)
    });
    let (busy, todo) = (tools.clone(), seen.clone());
    loops.start("chores", move |session| chores::run(busy.clone(), todo.clone(), others.clone(), session));
    shifts(tools, holder, &letters, &seen, &session, drained_at).await;
    // What stands still for a reason that nobody knows must not keep the worker from beginning anew.
    loops.ended(END).await;
    if let Err(error) = holder.retire(tools).await {
        tracing::warn!(error = ?error, "leases could not be given back: another process will take them over");
    }
}
