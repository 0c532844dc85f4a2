//! What any worker does beside sending: schedules, cancellations, takeovers, the clock.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::holder::Holder;
use super::takeover::Watch;
use super::tools::{LOOK, Tools, is_work};
use domain::error::Result;
use service::broadcast::delivery::{account, stranded};
use service::broadcast::{campaign, pace};
use service::retention::{self, sequence, trigger};

/// Runs the chores until the session ends.
pub async fn run(tools: Tools, holder: Arc<Holder>, session: CancellationToken) {
    let mut watch = Watch::default();
    let mut events = tools.on.events.subscribe();
    while !session.is_cancelled() {
        attempt("taking over leases", watch.look(&tools, &holder)).await;
        attempt("ending cancelled jobs", campaign::sweep_cancelled(&tools.on)).await;
        attempt("removing deleted campaigns", campaign::sweep_leftovers(&tools.on)).await;
        if !tools.on.rules.is_simulated {
            attempt("freeing accounts", account::free_orphans(&tools.on)).await;
            attempt("looking after stranded jobs", stranded::look_after(&tools.on)).await;
        }
        attempt("mending slots", pace::mend_faults(&tools.on)).await;
        attempt("firing schedules", campaign::fire_schedules(&tools.on)).await;
        attempt("keeping the dates of retention campaigns", retention::campaign::keep_dates(&tools.on)).await;
        attempt("ending archived sequences", sequence::sweep_archived(&tools.on)).await;
        attempt("enrolling leads", trigger::enroll_all(&tools.on)).await;
        tokio::select! {
            () = events.woken(is_work) => {}
            () = tools.on.clock.sleep(LOOK) => {}
            () = session.cancelled() => {}
        }
    }
}

/// A chore that fails is done again in the next round.
async fn attempt(what: &str, chore: impl Future<Output = Result<()>>) {
    if let Err(error) = chore.await {
        tracing::warn!(error = ?error, "{what} failed");
    }
}
