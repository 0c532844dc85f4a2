//! The seam to Telegram: what Herald hands over, and who takes it.

pub mod limits;
pub mod live;
pub mod simulated;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use domain::delivery::{Fault, Reply};
use domain::markup::Marked;

/// How long an answer is awaited before it counts as [`TimedOut`](domain::delivery::Fault::TimedOut).
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// One message to one recipient.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The recipient of the message.
    pub peer: Peer,
    /// The text, and how it looks.
    pub text: Arc<Marked>,
    /// Whether something is attached, beside which the text stands.
    pub has_media: bool,
    /// By this number, never zero, Telegram knows a repetition from a second message.
    pub random_id: i64,
}

/// The recipient of a message.
#[derive(Debug, Clone)]
pub enum Peer {
    /// A public channel.
    Channel {
        /// The channel's username, without the `@`.
        username: Arc<str>,
    },
    /// The account's own notes to itself.
    SavedMessages,
}

/// What is to become of a message that was handed over.
#[derive(Debug, Clone)]
pub struct Alteration {
    /// The recipient of the message.
    pub peer: Peer,
    /// The number under which it was handed over.
    pub random_id: i64,
    /// Its new text; None: it is taken back.
    pub text: Option<Arc<Marked>>,
    /// Whether something is attached to it, beside which the text stands.
    pub has_media: bool,
}

/// Sends nothing: what a worker has for a [`Messenger`] whose accounts send for real.
#[derive(Debug, Default, Clone, Copy)]
pub struct Nobody;

impl Messenger for Nobody {
    fn send(&self, _: Outgoing) -> BoxFuture<'_, Reply> {
        Box::pin(std::future::ready(Err(Fault::NotConnected)))
    }
}

/// Takes messages to Telegram.
pub trait Messenger: Send + Sync + 'static {
    /// Hands the message over; the first poll is the hand-over, the rest is waiting for the answer.
    ///
    /// Dropping the future takes nothing back: a message that was handed over may have been sent.
    fn send(&self, message: Outgoing) -> BoxFuture<'_, Reply>;

    /// Edits a message, or takes it back; doing so twice does no harm.
    fn alter(&self, _: Alteration) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Err(Fault::NotConnected)))
    }
}
