//! The settings of Telegram: whether it is the real one, and where that is.

use clap::Args;

use super::{Named, Telegram, Wrong, values};
use service::broadcast::telegram_account::{Application, is_api_hash};

/// The hash is not repeated: it is a secret.
const API_HASH: &str = "it is not the 32 hexadecimal digits that my.telegram.org shows";

/// Where messages go.
#[derive(Args, Clone)]
pub(super) struct TelegramSettings {
    /// Where messages go: live, or simulated: nowhere
    #[arg(long, hide_env_values = true, env = "HERALD_TELEGRAM", value_name = "MODE", default_value = "live")]
    telegram: String,
    /// Where MTProto is spoken instead of Telegram's data centres, host:port: for tests and gateways
    #[arg(
        long,
        hide_env_values = true,
        hide_short_help = true,
        env = "HERALD_TELEGRAM_SERVER",
        value_name = "HOST:PORT"
    )]
    telegram_server: Option<String>,
    /// The number of your Telegram application, from my.telegram.org, for accounts that have none of their own
    #[arg(long, hide_env_values = true, hide_short_help = true, env = "HERALD_TELEGRAM_API_ID", value_name = "N")]
    telegram_api_id: Option<String>,
}

impl TelegramSettings {
    /// Where messages go, and by which application. The hash is no flag: other users of the machine see flags.
    pub(super) fn check(
        self,
        api_hash: Option<String>,
        server_key: Option<String>,
    ) -> Result<(Telegram, Application), Wrong> {
        let hash = api_hash.map(|hash| if is_api_hash(&hash) { Ok(hash.into()) } else { Err(API_HASH.to_owned()) });
        let api_id = self.telegram_api_id.filter(|id| !id.is_empty());
        let api_id = api_id.map(|id| values::number(&id, 1..=i32::MAX)).transpose().of("HERALD_TELEGRAM_API_ID")?;
        let server = self.telegram_server.filter(|server| !server.is_empty());
        let server = server.map(|server| values::server(&server)).transpose().of("HERALD_TELEGRAM_SERVER")?;
        let key = server_key.map(|key| values::auth_key(&key)).transpose().of("HERALD_TELEGRAM_SERVER_KEY")?;
        let application =
            Application { api_id, api_hash: hash.transpose().of("HERALD_TELEGRAM_API_HASH")?, server, server_key: key };
        Ok((values::choice(&self.telegram).of("HERALD_TELEGRAM")?, application))
    }
}
