//! Takes away, every now and then, what nobody needs any more.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::access::{session, throttle};
use super::broadcast::batch;
use super::imports::upload;
use super::retention::callback;
use super::{Services, once, tasks};
use domain::error::Result;

/// How often to look.
const LOOK: Duration = Duration::from_mins(10);

/// Sweeps until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    loop {
        attempt("uploads", upload::sweep(&on)).await;
        attempt("idempotency keys", once::sweep(&on)).await;
        attempt("failed logins", throttle::sweep(&on)).await;
        attempt("sessions", session::sweep(&on)).await;
        attempt("callbacks", callback::sweep(&on)).await;
        attempt("empty pages", on.db.give_pages_back()).await;
        attempt("unfinished batches", batch::sweep(&on)).await;
        attempt("old tasks", tasks::sweep(&on)).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Tries one sweep: what can't be swept now is swept the next time.
async fn attempt(what: &str, sweep: impl Future<Output = Result<()>>) {
    if let Err(error) = sweep.await {
        tracing::warn!(error = ?error, "{what} can't be swept now");
    }
}
