//! Agreeing upon a new key: what a sign-in begins with, and nothing else ever does.

use std::sync::Arc;

use grammers_mtproto::transport;
use grammers_mtsender::ServerAddr;

use super::session::Pinned;
use super::{CONNECT_TIMEOUT, Credentials, fault};
use domain::delivery::Fault;

/// The key that stands in while the address of a data centre is looked up.
const NO_KEY: [u8; 256] = [0; 256];

/// A new key, known to this process and one data centre alone. Nobody is signed in under it yet.
///
/// # Errors
/// The data centre can't be reached, or is not Telegram's: only that holds the other half of the public keys that the
/// protocol's library knows.
pub(super) async fn new_key(dc: u8, server: Option<Arc<str>>) -> Result<Arc<[u8; 256]>, Fault> {
    // In a task of its own: the library dies of what it does not understand.
    let agreed = tokio::spawn(tokio::time::timeout(CONNECT_TIMEOUT, agree(dc, server)));
    match agreed.await {
        Ok(Ok(key)) => key,
        Ok(Err(_)) => Err(Fault::TimedOut),
        Err(_) => Err(Fault::ConnectionLost),
    }
}

async fn agree(dc: u8, server: Option<Arc<str>>) -> Result<Arc<[u8; 256]>, Fault> {
    let somewhere = Credentials { dc, key: Arc::new(NO_KEY), api_id: 0, server };
    let address = Pinned::new(&somewhere).await.map_err(|_| Fault::NotConnected)?.address();
    let connected = grammers_mtsender::connect(transport::Full::new(), ServerAddr::Tcp { address }).await;
    let mut sender = connected.map_err(fault::of)?;
    let key = Arc::new(sender.auth_key());
    // It ends with the sender anyway.
    drop(sender.disconnect().await);
    Ok(key)
}
