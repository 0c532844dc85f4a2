//! The sign that tells Telegram's server that this process lives.

use std::sync::Arc;

use super::state::State;
use crate::holder::BEAT;

/// R16: as long as this process lives the server keeps the connection; one that stands still is cut off before another process
/// may connect the account.
pub async fn run(state: Arc<State>) {
    while !state.stop.is_cancelled() {
        if state.connection.is_ready() && state.is_held() {
            // Its failure is the connection's, which is seen elsewhere.
            drop(state.connection.keep_alive().await);
        }
        tokio::select! { () = state.tools.on.clock.sleep(BEAT) => {}, () = state.stop.cancelled() => {} }
    }
}
