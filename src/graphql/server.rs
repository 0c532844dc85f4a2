//! What this server is.

use async_graphql::{Context, Object, SimpleObject};
use sea_orm::Iterable;

use super::engine::context::ContextExt;
use super::engine::guard::requires;
use super::engine::scalar::DateTime;
use super::stop::Stop;
use domain::error::{Code, Result};
use domain::retention::words::ContactChannel;
use domain::role::Permission;
use service::{Rules, Services, stop};
use storage::stop::Model as Stopped;

/// What this server is, and how it is set up.
#[derive(SimpleObject)]
pub struct ServerInfo {
    /// Herald's version.
    version: &'static str,
    /// Whether messages by Telegram go nowhere: `HERALD_TELEGRAM=simulated`. What goes out all the same stands in realChannels.
    is_simulated: bool,
    /// The ways on which something really goes out, messages to channels by TELEGRAM; empty where nothing does.
    real_channels: Vec<ContactChannel>,
    /// The stop of everything; null while sends go on.
    stop: Option<Stop>,
    /// The server's time.
    now: DateTime,
    /// Progress events that a campaign's subscribers get in a second at most.
    progress_hz: i32,
    /// The largest upload, in bytes.
    upload_max_bytes: super::engine::scalar::BigInt,
    /// All codes that `extensions.code` of an error may say.
    error_codes: Vec<Code>,
}

/// Whether what goes on `channel` reaches somebody.
fn is_real(rules: &Rules, channel: ContactChannel) -> bool {
    !match channel {
        ContactChannel::Telegram => rules.is_simulated,
        ContactChannel::Email | ContactChannel::Sms | ContactChannel::Call | ContactChannel::Webhook => {
            rules.endpoints.is_simulated
        }
    }
}

impl ServerInfo {
    /// As it is now.
    pub async fn read(on: &Services) -> Result<Self> {
        Ok(Self::with(on, stop::present(on).await?))
    }

    /// As it is with this stop.
    pub fn with(on: &Services, stop: Option<Stopped>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            is_simulated: on.rules.is_simulated,
            real_channels: ContactChannel::iter().filter(|channel| is_real(&on.rules, *channel)).collect(),
            stop: stop.map(Stop::from),
            now: on.now().into(),
            progress_hz: i32::try_from(on.rules.progress_hz).unwrap_or(i32::MAX),
            upload_max_bytes: i64::try_from(on.rules.upload_max_bytes).unwrap_or(i64::MAX).into(),
            error_codes: Code::all(),
        }
    }
}

/// What this server is.
#[derive(Default)]
pub struct ServerQuery;

#[Object]
impl ServerQuery {
    /// What this server is, and how it is set up.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn server_info(&self, ctx: &Context<'_>) -> Result<ServerInfo> {
        ServerInfo::read(ctx.services()).await
    }
}
