//! Holding this process' clock to the database's (R19): all processes of a fleet, those that only answer too, go by one time.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Services;
use crate::broadcast::pace;
use domain::clock::{Clock, Steering, SystemClock};
use domain::error::Result;

/// How often the clocks are compared without a reason.
const SAMPLE: Duration = Duration::from_secs(10);
/// How long an error is left alone, and how soon a difference is looked at again that one comparison alone has shown.
const AGAIN: Duration = Duration::from_millis(500);

/// Compares the clocks until it is stopped: every ten seconds, and as soon as a claim finds that they disagree.
pub async fn run(on: Services, clock: Arc<SystemClock>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match once(&on, &clock).await {
            Ok(()) => SAMPLE,
            Err(error) => {
                tracing::warn!(error = ?error, "the database's time cannot be asked for");
                AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = on.db.doubted() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Compares them once; twice before the clock jumps, since one answer may have been held up.
async fn once(on: &Services, clock: &SystemClock) -> Result<()> {
    let mut sample = on.db.compare(|| clock.nanos()).await?;
    if sample.is_step() {
        let second = on.db.compare(|| clock.nanos()).await?;
        if !second.is_step() || !second.agrees_with(sample) {
            tracing::debug!(first = ?sample, second = ?second, "two comparisons with the database's clock disagree");
            // Whatever it was: it is looked at again as soon as a claim is refused for it, or in its turn.
            return Ok(());
        }
        sample = second;
        // Before the clock is set: as soon as it is, slots are taken by it.
        pace::before_jump(on, clock.nanos() + sample.ahead).await?;
    }
    if let Steering::Stepped(nanos) = clock.steer(sample) {
        tracing::warn!(
            milliseconds = nanos / 1_000_000,
            "this process' time was another than the database's and has been set to it"
        );
    }
    Ok(())
}
