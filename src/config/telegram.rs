//! The settings of Telegram: whether it is the real one, and where that is.

use std::sync::Arc;

use clap::Args;

use super::{Named, Telegram, Wrong, values};

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
}

impl TelegramSettings {
    /// Where messages go, and the server that stands in for Telegram's.
    pub(super) fn check(self) -> Result<(Telegram, Option<Arc<str>>), Wrong> {
        let server = self.telegram_server.filter(|server| !server.is_empty());
        let server = server.map(|server| values::server(&server)).transpose().of("HERALD_TELEGRAM_SERVER")?;
        Ok((values::choice(&self.telegram).of("HERALD_TELEGRAM")?, server))
    }
}
