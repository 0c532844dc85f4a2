//! Looking at channels for the catalog, inside what the account's day allows: what somebody asked for at any time, the rest with
//! half of the day's look-ups while the account has nothing to send, and else with a quarter of them, evenly over the day.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::seat::Seat;
use domain::clock;
use domain::delivery::table::{Method, Ruling, rule};
use domain::delivery::{Fault, wait_until};
use domain::error::Result;
use service::broadcast::channel_refresh;
use service::broadcast::delivery::account;
use storage::broadcast::channel_refresh::Due;
use storage::broadcast::queue::{accounts, budget, peers};

/// Between two channels: look-ups in quick succession have cost accounts most of a day.
const PAUSE: Duration = Duration::from_secs(5);
const DAY: Duration = Duration::from_hours(24);

/// Looks at channels until the driver ends.
pub async fn run(seat: Arc<Seat>) {
    let clock = seat.tools.on.clock.clone();
    let mut last = None;
    while !seat.stop.is_cancelled() {
        if seat.connection.is_ready()
            && seat.is_held()
            && let Err(error) = turn(&seat, &mut last).await
        {
            tracing::warn!(account = %seat.id, ?error, "a channel cannot be looked at");
        }
        tokio::select! { () = clock.sleep(PAUSE) => {}, () = seat.stop.cancelled() => {} }
    }
}

/// Looks at one channel, if one is due and the day allows it. `last` is when that was done last, on the monotonic clock.
async fn turn(seat: &Seat, last: &mut Option<Duration>) -> Result<()> {
    let on = &seat.tools.on;
    if on.clock.nanos() < seat.resolve_until.load(Ordering::SeqCst) {
        return Ok(());
    }
    let Some(row) = account::reload(on, seat.id).await? else { return Ok(()) };
    let is_busy = !accounts::work(on.db.reader(), seat.id).await?.is_empty();
    let now = on.clock.monotonic();
    let only_requested = if is_busy {
        let share = u32::try_from(row.resolves_per_day / 4).unwrap_or(0);
        share == 0 || last.is_some_and(|last| now.saturating_sub(last) < DAY / share)
    } else {
        // Half of the day is left to the campaigns that may come.
        row.today(on.now()).resolves >= row.resolves_per_day / 2
    };
    let Some(due) = channel_refresh::next(on, only_requested).await? else { return Ok(()) };
    if !budget::resolve(&on.db, seat.id, on.now(), 0).await? {
        return channel_refresh::release(on, due.id).await;
    }
    *last = Some(now);
    match look(seat, &due).await? {
        Ok(()) => Ok(()),
        Err(fault) => refused(seat, &due, &fault).await,
    }
}

async fn look(seat: &Seat, due: &Due) -> Result<Result<(), Fault>> {
    let on = &seat.tools.on;
    let found = match seat.connection.resolve(&due.username).await {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    peers::know(&on.db, (seat.id, due.id), super::preparer::as_found(&found), on.now()).await?;
    match seat.connection.describe(found.recipient).await {
        Ok(described) => channel_refresh::learn(on, due.id, &described).await.map(Ok),
        Err(fault) => Ok(Err(fault)),
    }
}

/// What follows from a refusal: for the channel, or for the account (R18).
async fn refused(seat: &Seat, due: &Due, fault: &Fault) -> Result<()> {
    let on = &seat.tools.on;
    match rule(fault) {
        Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
            let until = wait_until(on.now(), seconds);
            seat.resolve_until.fetch_max(clock::nanos(until), Ordering::SeqCst);
            account::wait(on, seat.id, Method::Resolve, (seconds, until)).await?;
            channel_refresh::release(on, due.id).await
        }
        Ruling::Account(status) => {
            seat.gate.close();
            account::park(on, seat.id, status, &fault.to_string()).await?;
            channel_refresh::release(on, due.id).await
        }
        // The driver is ending, or the connection is being built anew: it says nothing about the channel.
        Ruling::Ambiguous | Ruling::Unsent => channel_refresh::release(on, due.id).await,
        Ruling::Gone => channel_refresh::learn_gone(on, due.id, fault).await,
        Ruling::Channel | Ruling::Peer | Ruling::Suspect => channel_refresh::learn_closed(on, due.id, fault).await,
        _ => channel_refresh::put_off(on, due.id).await,
    }
}
