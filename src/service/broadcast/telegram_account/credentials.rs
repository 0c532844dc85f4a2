//! Opening an account's key, for whoever holds its lease.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::Services;
use domain::error::{Error, Result};
use storage::broadcast::telegram_account::Model;
use telegram::live::Credentials;

/// By which application, and where, accounts speak to Telegram, unless they say otherwise themselves.
#[derive(Clone, Default)]
pub struct Application {
    /// The application's number, from my.telegram.org.
    pub api_id: Option<i32>,
    /// The application's hash; only signing in needs it.
    pub api_hash: Option<SecretString>,
    /// Where MTProto is spoken instead of Telegram's data centres, as `host:port`.
    pub server: Option<Arc<str>>,
    /// The key that such a server knows before anybody signs in.
    pub server_key: Option<Arc<[u8; 256]>>,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application")
            .field("api_id", &self.api_id)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// The credentials that connect an account. Whoever asks for it holds the account's lease (R17).
///
/// # Errors
/// The key was sealed under another `HERALD_SECRET_KEY`, or is damaged: it is said in the log, and nothing is sent.
pub fn credentials(on: &Services, account: &Model) -> Result<Credentials> {
    let key = on.vault.open(Model::auth_key_place(account.id), &account.auth_key);
    let key = key.map_err(|why| Error::internal(anyhow::anyhow!("the key of \"{}\": {why}", account.label)))?;
    let key: [u8; 256] = key.expose_secret().try_into().map_err(Error::internal)?;
    Ok(Credentials {
        dc: u8::try_from(account.dc).map_err(Error::internal)?,
        key: Arc::new(key),
        api_id: account.api_id,
        server: on.rules.telegram.server.clone(),
    })
}
