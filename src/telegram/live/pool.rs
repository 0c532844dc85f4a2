//! One pool of the protocol's library: at most one socket, and the tasks that serve it.

use std::sync::Arc;
use std::time::Duration;

use grammers_mtsender::{ConnectionParams, NoRetries, SenderPool, SenderPoolFatHandle};
use grammers_session::updates::UpdatesLike;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::session::Pinned;

/// How long a pool may take to end by itself. It does not while it connects.
const ENDING: Duration = Duration::from_millis(250);

/// Updates that are taken off the socket before they are thrown away.
const UPDATES: usize = 64;

/// A pool that runs. It connects at the first call.
pub(super) struct Pool {
    /// For calls.
    pub(super) handle: SenderPoolFatHandle,
    runner: JoinHandle<()>,
    gone: JoinHandle<()>,
}

impl Pool {
    /// Starts one; `lost` is cancelled once its socket is closed, or it has panicked.
    pub(super) fn start(session: &Arc<Pinned>, api_id: i32, lost: CancellationToken) -> Self {
        let params = ConnectionParams {
            device_model: "Server".into(),
            system_version: std::env::consts::OS.into(),
            app_version: env!("CARGO_PKG_VERSION").into(),
            system_lang_code: "en".into(),
            lang_code: "en".into(),
            use_ipv6: session.is_ipv6(),
            retry_policy: Box::new(NoRetries),
            updates_channel_capacity: UPDATES.try_into().expect("it is not zero"),
            __non_exhaustive: (),
        };
        let SenderPool { runner, handle, updates } = SenderPool::with_configuration(session.clone(), api_id, params);
        let runner = tokio::spawn(runner.run());
        let gone = tokio::spawn(watch(updates, lost));
        Self { handle, runner, gone }
    }

    /// Ends it from anywhere, without waiting.
    pub(super) fn abort_handle(&self) -> AbortHandle {
        self.runner.abort_handle()
    }

    /// Ends it; when this returns, its socket is closed and each of its calls has failed.
    pub(super) async fn end(self) {
        let Self { handle, mut runner, gone } = self;
        handle.quit();
        match tokio::time::timeout(ENDING, &mut runner).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a connection to Telegram ended in a panic and is built anew"),
            Err(_) => runner.abort(),
        }
        drop(handle);
        if let Err(error) = gone.await {
            tracing::error!(%error, "nobody watched over a connection to Telegram");
        }
    }
}

/// Throws updates away, and notices the end: each task of the pool holds a sender of this channel for as long as its socket.
async fn watch(mut updates: mpsc::Receiver<UpdatesLike>, lost: CancellationToken) {
    while let Some(update) = updates.recv().await {
        if matches!(update, UpdatesLike::ConnectionClosed) {
            lost.cancel();
        }
    }
    lost.cancel();
}
