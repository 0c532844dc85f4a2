//! Holding this process' clock to the database's (R19): all processes of a fleet take their slots by one time.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::tools::Tools;
use domain::clock::{Clock, Steering, SystemClock};
use domain::error::Result;
use service::broadcast::pace;

/// How often the clocks are compared.
const SAMPLE: Duration = Duration::from_secs(10);

/// Compares the clocks until the session ends.
pub async fn run(tools: Tools, clock: Arc<SystemClock>, session: CancellationToken) {
    while !session.is_cancelled() {
        if let Err(error) = once(&tools, &clock).await {
            tracing::warn!(error = ?error, "the database's time cannot be asked for");
        }
        tokio::select! { () = clock.sleep(SAMPLE) => {}, () = session.cancelled() => {} }
    }
}

/// Compares them once.
pub async fn once(tools: &Tools, clock: &SystemClock) -> Result<()> {
    let ahead = tools.beats.ahead_of(|| clock.nanos()).await?;
    if SystemClock::is_step(ahead) {
        // Before the clock is set: as soon as it is, slots are taken by it.
        pace::before_jump(&tools.on, clock.nanos() + ahead).await?;
    }
    if let Steering::Stepped(nanos) = clock.steer(ahead) {
        tracing::warn!(
            milliseconds = nanos / 1_000_000,
            "this machine's clock was wrong and has been set to the database's"
        );
    }
    Ok(())
}
