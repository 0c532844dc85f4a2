//! What this server is.

use async_graphql::{Context, Object, SimpleObject};

use super::engine::context::ContextExt;
use super::engine::guard::requires;
use super::engine::scalar::DateTime;
use domain::error::Code;
use domain::role::Permission;

/// What this server is, and how it is set up.
#[derive(SimpleObject)]
pub struct ServerInfo {
    /// Herald's version.
    version: &'static str,
    /// Whether messages go nowhere: `HERALD_TELEGRAM=simulated`.
    is_simulated: bool,
    /// The server's time.
    now: DateTime,
    /// Progress events that a campaign's subscribers get in a second at most.
    progress_hz: i32,
    /// The largest upload, in bytes.
    upload_max_bytes: super::engine::scalar::BigInt,
    /// All codes that `extensions.code` of an error may say.
    error_codes: Vec<Code>,
}

/// What this server is.
#[derive(Default)]
pub struct ServerQuery;

#[Object]
impl ServerQuery {
    /// What this server is, and how it is set up.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn server_info(&self, ctx: &Context<'_>) -> ServerInfo {
        let on = ctx.services();
        ServerInfo {
            version: env!("CARGO_PKG_VERSION"),
            is_simulated: on.rules.is_simulated,
            now: on.now().into(),
            progress_hz: i32::try_from(on.rules.progress_hz).unwrap_or(i32::MAX),
            upload_max_bytes: i64::try_from(on.rules.upload_max_bytes).unwrap_or(i64::MAX).into(),
            error_codes: Code::all(),
        }
    }
}
