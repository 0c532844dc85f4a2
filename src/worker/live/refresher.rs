//! Looking at channels for the catalog, inside what the account's day allows: what somebody asked for at any time, the rest with
//! half of the day's look-ups while the account has nothing to send, and else with a quarter of them, evenly over the day.

use std::sync::Arc;
use std::time::Duration;

use super::state::State;
use domain::delivery::Fault;
use domain::delivery::table::{Method, Ruling, rule};
use domain::error::Result;
use service::broadcast::channel_refresh;
use service::broadcast::delivery::account;
use storage::broadcast::channel_refresh::Due;
use storage::broadcast::queue::{accounts, budget, peers};

/// Between two channels: look-ups in quick succession have cost accounts most of a day.
const PAUSE: Duration = Duration::from_secs(5);
const DAY: Duration = Duration::from_hours(24);

/// Looks at channels until the driver ends.
pub async fn run(state: Arc<State>) {
    let clock = state.tools.on.clock.clone();
    let mut last = None;
    while !state.stop.is_cancelled() {
        if state.connection.is_ready()
            && state.is_held()
            && let Err(error) = turn(&state, &mut last).await
        {
            tracing::warn!(account = %state.id, ?error, "a channel cannot be looked at");
        }
        tokio::select! { () = clock.sleep(PAUSE) => {}, () = state.stop.cancelled() => {} }
    }
}

/// Looks at one channel, if one is due and the day allows it. `last` is when that was done last, on the monotonic clock.
async fn turn(state: &State, last: &mut Option<Duration>) -> Result<()> {
    let on = &state.tools.on;
    if !state.resolving.is_open(on.clock.nanos()) {
        return Ok(());
    }
    let Some(row) = account::reload(on, state.id).await? else { return Ok(()) };
    let is_busy = !accounts::work(on.db.reader(), state.id).await?.is_empty();
    let now = on.clock.monotonic();
    let only_requested = if is_busy {
        let share = u32::try_from(row.resolves_per_day / 4).unwrap_or(0);
        share == 0 || last.is_some_and(|last| now.saturating_sub(last) < DAY / share)
    } else {
        // Half of the day is left to the campaigns that may come.
        row.today(on.now()).resolves >= row.resolves_per_day / 2
    };
    let Some(due) = channel_refresh::next(on, only_requested).await? else { return Ok(()) };
    if !budget::resolve(&on.db, state.id, on.now(), 0).await? {
        return channel_refresh::release(on, due.id).await;
    }
    *last = Some(now);
    match look(state, &due).await? {
        Ok(()) => Ok(()),
        Err(fault) => refused(state, &due, &fault).await,
    }
}

async fn look(state: &State, due: &Due) -> Result<Result<(), Fault>> {
    let on = &state.tools.on;
    let found = match state.connection.resolve(&due.username).await {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    peers::know(&on.db, (state.id, due.id), super::prefetcher::as_found(&found), on.now()).await?;
    match state.connection.describe(found.recipient).await {
        Ok(described) => channel_refresh::learn(on, due.id, &described).await.map(Ok),
        Err(fault) => Ok(Err(fault)),
    }
}

/// Draws the consequences of a refusal: for the channel, or for the account (R18).
async fn refused(state: &State, due: &Due, fault: &Fault) -> Result<()> {
    let on = &state.tools.on;
    match rule(fault) {
        Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
            state.wait(Method::Resolve, seconds).await?;
            channel_refresh::release(on, due.id).await
        }
        Ruling::Account(status) => {
            state.park(status, fault).await?;
            channel_refresh::release(on, due.id).await
        }
        // The driver is ending, or the connection is being built anew: it says nothing about the channel.
        Ruling::Ambiguous | Ruling::Unsent => channel_refresh::release(on, due.id).await,
        Ruling::Gone => channel_refresh::learn_gone(on, due.id, fault).await,
        Ruling::Channel | Ruling::Peer | Ruling::Suspect => channel_refresh::learn_closed(on, due.id, fault).await,
        _ => channel_refresh::put_off(on, due.id).await,
    }
}
