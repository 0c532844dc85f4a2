//! Tidies, every now and then, what the database has only noted: sums over time, numbers of rows, and words of searches.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Services;
use storage::{sums, tallies};

/// How often to look.
const LOOK: Duration = Duration::from_secs(20);

/// Tidies until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        if let Err(error) = tallies::add_up(&on.db).await {
            tracing::warn!(error = ?error, "numbers of rows can't be added up now");
        }
        if let Err(error) = sums::add_up(&on.db).await {
            tracing::warn!(error = ?error, "sums over time can't be added up now");
        }
        if let Err(error) = tallies::sort_in(&on.db).await {
            tracing::warn!(error = ?error, "what is new can't be sorted into the indexes of searches now");
        }
    }
}
