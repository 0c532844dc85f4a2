//! Waiting for what must come true.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Asks again and again until there is an answer, for so long at most. What is no answer yet is shown if none comes.
pub async fn within<T, E: Debug>(patience: Duration, what: &str, mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let began = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(state) => assert!(began.elapsed() < patience, "it did not come true in time that {what}: {state:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
