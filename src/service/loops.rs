//! Loops that run beside what is asked of a process: how they start, what happens if one panics, and how they end.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use domain::meters;

/// How long a loop that has panicked is left alone before it begins anew.
const PAUSE: Duration = Duration::from_secs(1);

/// Loops with one end.
#[derive(Debug)]
pub struct Loops {
    stop: CancellationToken,
    tasks: Vec<(&'static str, JoinHandle<()>)>,
}

impl Loops {
    /// None yet; they end with `stop`.
    pub const fn until(stop: CancellationToken) -> Self {
        Self { stop, tasks: Vec::new() }
    }

    /// Starts a loop, which returns when it is stopped. If it panics it begins anew.
    pub fn start<F>(&mut self, name: &'static str, run: impl Fn(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.once(name, async move {
            while AssertUnwindSafe(run(stop.clone())).catch_unwind().await.is_err() {
                tracing::error!("{name} ended badly, and begins anew");
                meters::restarted(name);
                if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                    return;
                }
            }
        });
    }

    /// Starts what can't begin twice.
    pub fn once(&mut self, name: &'static str, run: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push((name, tokio::spawn(run)));
    }

    /// Waits for the end of all, in the order in which they were started, for each so long at most.
    pub async fn ended(self, patience: Duration) {
        for (name, task) in self.tasks {
            match tokio::time::timeout(patience, task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "{name} ended badly"),
                Err(_) => tracing::warn!("{name} took too long to end"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_panics_begins_anew_until_it_is_stopped() {
        let (stop, begun) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
        let mut loops = Loops::until(stop.clone());
        let counted = begun.clone();
        loops.start("the test", move |stop| {
            let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                assert!(!first, "once it fails");
                stop.cancelled().await;
            }
        });
        tokio::time::sleep(PAUSE * 3).await;
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        stop.cancel();
        loops.ended(PAUSE).await;
    }
}
