//! What any worker does beside sending: schedules, cancellations, takeovers.
//!
//! The agenda says what there is to do. One of the fleet does it, the one that has been there longest; whatever the others still
//! find a second later they do too, for that one may stand still.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, Board};
use super::holder::Holder;
use super::takeover::Watch;
use super::tools::Tools;
use domain::error::Result;
use service::broadcast::delivery::{account, stranded};
use service::broadcast::{campaign, pace};
use service::retention::{self, sequence, trigger};

/// How long a chore is left to the first of the fleet.
const PATIENCE: Duration = Duration::from_millis(800);
/// How often the others do what never comes to an end, should the first of them stand still.
const SELDOM: Duration = Duration::from_secs(5);

/// Watches the other processes until the session ends.
pub async fn watch(tools: Tools, holder: Arc<Holder>, mut board: Board, watch: Arc<Watch>, session: CancellationToken) {
    while !session.is_cancelled() {
        let agenda = board.borrow_and_update().clone();
        if let Some(agenda) = agenda {
            attempt("taking over leases", watch.look(&tools, &holder, &agenda.senders)).await;
        }
        tokio::select! { Ok(()) = board.changed() => {}, () = session.cancelled() => {} }
    }
}

/// Does the chores until the session ends.
pub async fn run(tools: Tools, mut board: Board, watch: Arc<Watch>, session: CancellationToken) {
    let (mut since, mut seldom) = (None, None);
    while !session.is_cancelled() {
        let agenda = board.borrow_and_update().clone();
        if let Some(agenda) = agenda {
            let (now, is_first) = (tools.on.clock.monotonic(), watch.is_first());
            let found = if has_chores(&tools, &agenda) { Some(since.unwrap_or(now)) } else { None };
            since = found;
            let has_waited = found.is_some_and(|since: Duration| now.saturating_sub(since) >= PATIENCE);
            if found.is_some() && (is_first || has_waited) {
                Box::pin(work(&tools, &agenda)).await;
                since = None;
            }
            let is_time = seldom.is_none_or(|last: Duration| now.saturating_sub(last) >= SELDOM);
            if is_first || is_time {
                seldom = Some(now);
                keep_going(&tools, &agenda).await;
            }
        }
        tokio::select! { Ok(()) = board.changed() => {}, () = session.cancelled() => {} }
    }
}

/// Whether there is something to do that is over once it is done.
fn has_chores(tools: &Tools, agenda: &Agenda) -> bool {
    agenda.unswept
        || agenda.leftovers
        || agenda.far_slots
        || agenda.dates
        || agenda.archived
        || (agenda.orphans && !tools.on.rules.is_simulated)
        || agenda.schedule.is_some_and(|at| at <= tools.on.now())
}

/// What is over once it is done.
async fn work(tools: &Tools, agenda: &Agenda) {
    let on = &tools.on;
    if agenda.schedule.is_some_and(|at| at <= on.now()) {
        attempt("firing schedules", Box::pin(campaign::fire_schedules(on))).await;
    }
    if agenda.unswept {
        attempt("ending cancelled jobs", campaign::sweep_cancelled(on)).await;
    }
    if agenda.leftovers {
        attempt("removing deleted campaigns", campaign::sweep_leftovers(on)).await;
    }
    if agenda.orphans && !on.rules.is_simulated {
        attempt("freeing accounts", account::free_orphans(on)).await;
    }
    if agenda.far_slots {
        attempt("mending slots", pace::mend_faults(on)).await;
    }
    if agenda.dates {
        attempt("keeping the dates of retention campaigns", retention::campaign::keep_dates(on)).await;
    }
    if agenda.archived {
        attempt("ending archived sequences", sequence::sweep_archived(on)).await;
    }
}

/// What is to be done again and again as long as something runs.
async fn keep_going(tools: &Tools, agenda: &Agenda) {
    if agenda.live && !tools.on.rules.is_simulated {
        attempt("looking after stranded jobs", stranded::look_after(&tools.on)).await;
    }
    if agenda.triggers {
        attempt("enrolling leads", trigger::enroll_all(&tools.on)).await;
    }
}

/// A chore that fails is done again in the next round.
async fn attempt(what: &str, chore: impl Future<Output = Result<()>>) {
    if let Err(error) = chore.await {
        tracing::warn!(error = ?error, "{what} failed");
    }
}
