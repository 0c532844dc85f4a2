//! Floor 2: the use cases. A write is one transaction, one audit line, one event.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::access::denial::Denials;
use crate::access::known::Known;
use crate::access::session::Lookups;
use crate::access::sso::Issuer;
use crate::alerts::Alerts;
use crate::broadcast::telegram_account::Application;
use crate::imports::upload::Tallies;
use crate::keep::Keep;
use crate::once::{Once, Repeats};
use domain::clock::Clock;
use domain::error::{Error, Mistakes, Result};
use domain::health::Health;
use domain::id::{ApiTokenId, NodeId, UserId};
use domain::limits::Limits;
use domain::retention::attribution::Rule;
use domain::retention::endpoints::Endpoints;
use domain::role::Role;
use domain::sealed::Vault;
use domain::secret_key::Keys;
use events::{Event, Events};
use storage::Db;
use storage::files::Files;

pub mod access;
pub mod alerts;
pub mod barrier;
pub mod broadcast;
pub mod check;
pub mod coalesce;
pub mod damage;
pub mod hub;
pub mod imports;
pub mod keep;
pub mod lasting_key;
pub mod life;
pub mod loops;
pub mod once;
pub(crate) mod picked;
pub mod retention;
pub mod secrets;
pub mod series;
pub mod steering;
pub mod stop;
pub mod sweeper;
pub mod tally;
pub mod tasks;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod world;
pub mod write;

pub use write::Write;

/// The tools of every use case.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The events that changes are published on.
    pub events: Arc<dyn Events>,
    /// The installation's keys, each for its sort of use.
    pub keys: Keys,
    /// Seals and opens the secrets that lie in the database.
    pub vault: Vault,
    /// Settings that use cases follow.
    pub rules: Arc<Rules>,
    /// This process' data folder.
    pub node: NodeId,
    /// Where the files of uploads lie.
    pub files: Files,
    /// Look-ups of sessions that are under way.
    pub sessions: Lookups,
    /// Callers whose sessions are known.
    pub known: Known,
    /// Uploads that are on their way into the data folder.
    pub uploads: Tallies,
    /// Refusals that are on their way into the audit log.
    pub denials: Denials,
    /// Requests under an idempotency key that are being carried out.
    pub repeats: Repeats,
    /// Whether this process can heal itself.
    pub health: Arc<Health>,
}

/// Settings that use cases follow.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether messages go nowhere.
    pub is_simulated: bool,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The largest upload, in bytes.
    pub upload_max_bytes: u64,
    /// A schedule overdue by more is not fired.
    pub late_limit: Duration,
    /// Failures in a row that pause a campaign.
    pub pause_after_failures: i32,
    /// Failed sends in a row that deactivate a channel.
    pub channel_errors: i32,
    /// How long an ambiguous send is repeated.
    pub dedupe_window: Duration,
    /// Progress events per campaign and second at most.
    pub progress_hz: u32,
    /// The issuer of single sign-on, who says who somebody is.
    pub sso: Option<Arc<Issuer>>,
    /// Rows that a mutation touches before it answers; where there are more, a task does it, in chunks that are no larger.
    pub at_once: i32,
    /// Where providers are, and where they find Herald.
    pub endpoints: Endpoints,
    /// To which contacts conversions are credited as they come.
    pub attribution: Rule,
    /// The limits of what one client may ask for.
    pub limits: Limits,
    /// Who is told when something stops by itself.
    pub alerts: Alerts,
    /// By which application, and where, accounts speak to Telegram.
    pub telegram: Application,
    /// How long rows are kept that nothing needs any more.
    pub keep: Keep,
    /// How often a mailbox is read.
    pub mailbox_every: Duration,
}

impl Default for Rules {
    /// What holds without any setting.
    fn default() -> Self {
        Self {
            is_simulated: false,
            data_dir: "./herald-data".into(),
            upload_max_bytes: 1 << 30,
            late_limit: Duration::from_hours(1),
            pause_after_failures: 20,
            channel_errors: 3,
            dedupe_window: Duration::from_mins(5),
            progress_hz: 4,
            sso: None,
            at_once: tasks::AT_ONCE,
            endpoints: Endpoints::default(),
            attribution: Rule::default(),
            limits: Limits::default(),
            alerts: Alerts::default(),
            telegram: Application::default(),
            keep: Keep::default(),
            mailbox_every: Duration::from_secs(30),
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Herald itself.
    Herald,
    /// Somebody who has not signed in.
    Nobody,
    /// A user who has signed in.
    User(UserId),
    /// A script that shows an API token.
    Token {
        /// Who made the token.
        user: UserId,
        /// Which one it is.
        token: ApiTokenId,
    },
}

impl Who {
    /// The user who answers for it.
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) | Self::Token { user, .. } => Some(user),
            Self::Herald | Self::Nobody => None,
        }
    }
}

/// In whose name something is done.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Who acts.
    pub who: Who,
    /// The role that decides what may be done.
    pub role: Role,
    /// The address that the request came from.
    pub address: Option<String>,
    /// By which program the request came, as that calls itself.
    pub agent: Option<Arc<str>>,
    /// The key under which the request may come again.
    pub once: Option<Arc<Once>>,
    /// What is wrong with the request's input, if that is told when all of it has been looked at. Nothing is written then.
    pub mistakes: Option<Arc<Mistakes>>,
}

impl Actor {
    /// Herald itself.
    pub const fn system() -> Self {
        Self { who: Who::Herald, role: Role::Admin, address: None, agent: None, once: None, mistakes: None }
    }

    /// Somebody who has not signed in.
    pub const fn anonymous(address: Option<String>) -> Self {
        Self { who: Who::Nobody, role: Role::Auditor, address, agent: None, once: None, mistakes: None }
    }

    /// Somebody who has signed in.
    pub const fn user(id: UserId, role: Role, address: Option<String>) -> Self {
        Self { who: Who::User(id), role, address, agent: None, once: None, mistakes: None }
    }

    /// Whether something is wrong with the request's input already: then nothing is written, and a row that it names may not be
    /// known. What is wrong with the rest is told too, as far as it is so of any row.
    pub fn is_mistaken(&self) -> bool {
        self.mistakes.as_ref().is_some_and(|mistakes| mistakes.refuse().is_err())
    }

    /// The user in whose name it is done.
    ///
    /// # Errors
    /// Nobody has signed in.
    pub fn signed_in(&self) -> Result<UserId> {
        self.who.user().ok_or(Error::Unauthenticated("sign in first"))
    }

    /// The services for one request that carries an idempotency key.
    #[must_use]
    pub fn once(self, once: Once) -> Self {
        Self { once: Some(Arc::new(once)), ..self }
    }

    /// The services for a part of a larger write, which is not what a repetition must find.
    #[must_use]
    pub fn in_part(&self) -> Self {
        Self { once: None, ..self.clone() }
    }
}

impl Services {
    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Tells all that something changed. What changes rows tells by [`Write::tell`], which can't come before the commit.
    pub fn tell(&self, event: Event) {
        self.events.publish(event);
    }
}
