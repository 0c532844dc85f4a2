//! Telegram accounts: how one comes in, changes, and goes.
//!
//! R17: limits belong to a user and a session dies if it is used twice at a time. So a session is claimed by a row before
//! anything connects with it, and that row says whose it is before any worker may hold it.

use secrecy::SecretString;

use crate::Services;
use domain::broadcast::AccountStatus;
use domain::error::{Error, Result, Violations};
use domain::secret_key::{Lasting, LastingUse};
use domain::session_string::SessionString;
use domain::text::{self, Bounds};
use storage::broadcast::telegram_account::{Entity, Model};

mod add;
mod carried;
mod check;
mod claim;
mod credentials;
mod detach;
mod greet;
mod login;
mod remove;
mod rotate;
mod update;
mod usable;

pub use add::{New, add};
pub use check::{Finding, check};
pub use credentials::{Application, credentials};
pub use login::{Login, SignedIn, Step};
pub use remove::remove;
pub use rotate::{Rotation, rotate};
pub use update::{Change, update};
pub use usable::{choose, choose_again, chosen, require_usable};

/// What an account may do. Telegram publishes no numbers; these defaults stand at the careful end of what people report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Messages a minute. 30 is what others send; 20 to 30 to strangers is also what is said to bring waits soonest.
    pub messages_per_minute: i32,
    /// Channels a day that it has not written to before.
    pub new_peers_per_day: i32,
    /// Usernames a day that it looks up. Past 200 or so, Telegram has blocked look-ups for 15 hours and more.
    pub resolves_per_day: i32,
}

impl Budget {
    /// The careful defaults.
    pub const CAREFUL: Self = Self { messages_per_minute: 20, new_peers_per_day: 40, resolves_per_day: 200 };

    fn check(self, wrong: &mut Violations) {
        let Self { messages_per_minute, new_peers_per_day, resolves_per_day } = self;
        let (most_messages, most_peers) = (6_000, 100_000);
        wrong.require(
            (1..=most_messages).contains(&messages_per_minute),
            "messagesPerMinute",
            "must be from 1 to 6,000 messages a minute",
        );
        wrong.require((0..=most_peers).contains(&new_peers_per_day), "newPeersPerDay", "must be from 0 to 100,000");
        wrong.require((0..=most_peers).contains(&resolves_per_day), "resolvesPerDay", "must be from 0 to 100,000");
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::CAREFUL
    }
}

/// A session, and the application that it is used by.
#[derive(Debug, Clone)]
struct Access {
    session: SessionString,
    api_id: i32,
    api_hash: Option<SecretString>,
}

impl Access {
    /// What was given, or the installation's defaults; every mistake is noted.
    fn read(
        on: &Services,
        wrong: &mut Violations,
        session: &str,
        api_id: Option<i32>,
        api_hash: Option<SecretString>,
    ) -> Option<Self> {
        use secrecy::ExposeSecret;
        let session = SessionString::read(session).map_err(|why| wrong.require(false, "sessionString", why)).ok();
        let api_id = api_id.or(on.rules.telegram.api_id);
        match api_id {
            Some(id) => wrong.require(id > 0, "apiId", "must be a positive number, from my.telegram.org"),
            None => wrong.require(
                false,
                "apiId",
                "give the apiId of your application, from my.telegram.org, or set HERALD_TELEGRAM_API_ID",
            ),
        }
        let api_hash = api_hash.or_else(|| on.rules.telegram.api_hash.clone());
        let is_right = api_hash.as_ref().is_none_or(|hash| is_api_hash(hash.expose_secret()));
        wrong.require(is_right, "apiHash", "must be the 32 hexadecimal digits that my.telegram.org shows");
        Some(Self { session: session?, api_id: api_id?, api_hash })
    }
}

/// Whether this is an application's hash, as my.telegram.org shows it.
pub fn is_api_hash(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A keyed hash of a session's key: by it two rows with the same session are found without their keys.
pub fn key_hash(key: &Lasting, auth_key: &[u8]) -> String {
    key.fingerprint(LastingUse::TelegramSessions, auth_key)
}

/// All accounts, the oldest first.
pub async fn all(on: &Services) -> Result<Vec<Model>> {
    Ok(Entity::all_by_age().all(on.db.reader()).await?)
}

fn label(wrong: &mut Violations, written: &str) -> String {
    wrong.take("label", text::line(written, Bounds::NAME))
}

/// Simulated installations send nowhere, and ask nobody who he is.
fn require_live(on: &Services) -> Result<()> {
    if on.rules.is_simulated {
        let why = "HERALD_TELEGRAM=simulated connects to nobody, so it can't ask Telegram whose session this is; start Herald \
                   with HERALD_TELEGRAM=live to add accounts";
        return Err(Error::Precondition(why.into()));
    }
    Ok(())
}

/// Whether workers may hold an account in this state.
const fn works(status: AccountStatus) -> bool {
    matches!(status, AccountStatus::Active | AccountStatus::FloodWait)
}
