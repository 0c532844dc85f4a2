//! Telegram itself, over MTProto: one supervised connection an account.
//!
//! What can go wrong with the protocol's library is survived here: it has no time-outs, a panic in it ends it for good, a
//! request can't be taken back, and it would put a new key over an account's own. So a [`Connection`] gives up whatever
//! went wrong as a whole, waits until nothing of it is left, and only then tells its callers and begins anew.

mod calls;
mod channel;
mod connection;
mod exchange;
mod fault;
mod login;
mod media;
mod password;
mod pool;
mod receipt;
mod sent;
mod session;
mod style;
mod supervisor;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::broadcast::PeerKind;
use domain::markup::Marked;

pub use calls::BOT_SESSION;
pub use channel::Description;
pub use connection::Connection;
pub use login::{Applicant, Login, SentCode, Step, sign_out};
pub use media::{MediaSource, StoredMedia};
pub use sent::{Sighting, Span};

/// How long a connection, its first greeting included, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer is awaited before the connection itself is asked whether it lives.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the life sign of a connection is awaited.
const PONG_TIMEOUT: Duration = Duration::from_secs(2);

/// The seconds after the last sign of life at which the server closes the connection of a process that stands still (R16).
const DISCONNECT_DELAY: i32 = 15;

/// The account that is signed in, and where. Its debug output shows no key.
#[derive(Clone)]
pub struct Credentials {
    /// The number of the data centre that knows the key, 1 to 5.
    pub dc: u8,
    /// The authorization key.
    pub key: Arc<[u8; 256]>,
    /// The number of the application that speaks, from my.telegram.org.
    pub api_id: i32,
    /// Where MTProto is spoken instead of Telegram's data centres, as `host:port`: for tests and gateways.
    pub server: Option<Arc<str>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("dc", &self.dc).field("server", &self.server).finish_non_exhaustive()
    }
}

/// The Telegram user behind an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's number: limits belong to it, whichever session is used.
    pub user_id: i64,
    /// As others see it.
    pub first_name: String,
    /// Without `@`, if it has one.
    pub username: Option<String>,
    /// Digits only, if Telegram tells it.
    pub phone: Option<String>,
}

/// The recipient of a message, as one account knows it: the access hash is worth nothing to any other account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// The account's own notes to itself.
    SavedMessages,
    /// A channel or a supergroup.
    Channel {
        /// The channel's number.
        id: i64,
        /// This account's permission to name the channel.
        access_hash: i64,
    },
    /// A person or a bot.
    User {
        /// The user's number.
        id: i64,
        /// This account's permission to name the user.
        access_hash: i64,
    },
}

/// The peer that a username leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPeer {
    /// For sends by this account.
    pub recipient: Recipient,
    /// Telegram's number of it, the same for all accounts.
    pub peer_id: i64,
    /// A channel's title, or a person's first name.
    pub title: String,
    /// Whether Telegram has verified it.
    pub is_verified: bool,
    /// How many follow it, if Telegram tells.
    pub member_count: Option<i32>,
    /// Its sort.
    pub kind: PeerKind,
}

/// One message, as it is handed over.
#[derive(Debug, Clone)]
pub struct Message {
    /// The recipient of the message.
    pub to: Recipient,
    /// The text, and how it looks.
    pub text: Arc<Marked>,
    /// By this number, never zero, Telegram knows a repetition from a second message.
    pub random_id: i64,
}
