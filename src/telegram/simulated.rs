//! A pretend Telegram: no account, no limits, and a ledger that shows what was accepted.

mod ledger;
mod script;
mod tail;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use self::ledger::{Entry, Ledger};
use self::script::{Behaviour, Script, behaviour_of};
use super::{Alteration, CALL_TIMEOUT, Messenger, Outgoing, Peer, limits};
use domain::clock::Clock;
use domain::delivery::{Fault, Receipt, Reply};

/// The name of the ledger in a data folder.
pub const LEDGER: &str = "simulated.jsonl";

/// The name by which the ledger calls the account's own notes, as Telegram does.
const SAVED_MESSAGES: &str = "me";

/// How long `_slow_reply` keeps its sender waiting.
const SLOW_REPLY: Duration = Duration::from_secs(2);

/// How long to leave the ledgers to another process that holds them.
const BUSY: Duration = Duration::from_millis(5);

/// A Telegram that accepts everything at once, unless the username ends in a marker (`_flood30`, `_dropafter`, …).
///
/// Each acceptance is in the ledger before it is answered, and a `random_id` in a ledger is not accepted again: neither
/// after a crash, nor by another process that has been told of the ledger.
pub struct Simulated {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

struct State {
    ledger: Ledger,
    script: Script,
    /// Whether the last send met a failing disk: the log tells of the first failure, not of each.
    failing: bool,
}

impl Simulated {
    /// Opens the ledger file `own` and reads who was served; a line that a crash tore is removed.
    ///
    /// This reads the whole file, so call it where blocking does no harm.
    pub fn open(own: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let ledger = Ledger::open(own).with_context(|| format!("cannot open {}", own.display()))?;
        Ok(Self { state: Mutex::new(State { ledger, script: Script::default(), failing: false }), clock })
    }

    /// From now on refuses what the ledger file `other` of another process has, which need not exist yet.
    ///
    /// This reads the whole file, so call it where blocking does no harm. To name a file again changes nothing.
    pub fn also_read(&self, other: PathBuf) {
        if self.state.lock().ledger.reads(&other) {
            return;
        }
        // Read without the lock, so that sends go on meanwhile; what is appended from here on, the next send reads.
        let read = ledger::read(other);
        self.state.lock().ledger.join(read);
    }

    async fn answer(&self, message: Outgoing) -> Reply {
        let (username, behaviour) = match &message.peer {
            Peer::Channel { username } => (username.as_ref(), behaviour_of(username)),
            Peer::SavedMessages => (SAVED_MESSAGES, Behaviour::Accept),
        };
        if let Some(fault) = behaviour.refusal() {
            return Err(fault);
        }
        let mut patience = CALL_TIMEOUT;
        let reply = loop {
            if let Some(reply) = self.try_accept(&message, username, behaviour) {
                break reply;
            }
            // Another process holds the ledgers. It is stopped or it would have let go of them long ago.
            if patience.is_zero() {
                break Err(Fault::TimedOut);
            }
            patience = patience.saturating_sub(BUSY);
            tokio::time::sleep(BUSY).await;
        };
        match behaviour {
            Behaviour::SlowReply => self.clock.sleep(SLOW_REPLY).await,
            Behaviour::DropAfter if matches!(reply, Ok(Receipt::Accepted { .. })) => return Err(Fault::ConnectionLost),
            _ => {}
        }
        reply
    }

    /// Accepts or refuses; `None` if another process is just doing so.
    fn try_accept(&self, message: &Outgoing, username: &str, behaviour: Behaviour) -> Option<Reply> {
        let mut state = self.state.lock();
        let State { ledger, script, failing } = &mut *state;
        let attempt = ledger.exclusively(|ledger| {
            if ledger.has(message.random_id) {
                return Ok(Ok(Receipt::Duplicate));
            }
            if let Some(fault) = limits::refusal(&message.text, message.has_media) {
                return Ok(Err(fault));
            }
            if let Some(fault) = script.objection(username, behaviour, message.random_id, self.clock.monotonic()) {
                return Ok(Err(fault));
            }
            let entry = Entry::new(self.clock.now(), username, message.random_id, &message.text.text);
            let message_id = ledger.append(&entry)?;
            script.forget(message.random_id);
            Ok(Ok(Receipt::Accepted { message_id: Some(message_id) }))
        });
        let reply = match attempt {
            Ok(None) => return None,
            Ok(Some(Ok(reply))) => Ok(reply),
            Ok(Some(Err(error))) => Err(("STORAGE_FULL", error)),
            Err(error) => Err(("STORAGE_UNREADABLE", error)),
        };
        Some(settle(reply, failing))
    }
}

impl Simulated {
    /// Writes down what became of a message that a ledger has; `None` if another process has the ledgers.
    fn try_alter(&self, change: &Alteration) -> Option<Result<(), Fault>> {
        let username = match &change.peer {
            Peer::Channel { username } => username.as_ref(),
            Peer::SavedMessages => SAVED_MESSAGES,
        };
        let mut state = self.state.lock();
        let State { ledger, failing, .. } = &mut *state;
        let attempt = ledger.exclusively(|ledger| {
            if !ledger.has(change.random_id) {
                return Ok(Err(Fault::rpc(400, "NOT_IN_HISTORY")));
            }
            if let Some(fault) = change.text.as_ref().and_then(|text| limits::refusal(text, change.has_media)) {
                return Ok(Err(fault));
            }
            let text = change.text.as_ref().map(|text| text.text.as_str());
            ledger.append(&Entry::change(self.clock.now(), username, change.random_id, text))?;
            Ok(Ok(Receipt::Duplicate))
        });
        let reply = match attempt {
            Ok(None) => return None,
            Ok(Some(Ok(reply))) => Ok(reply),
            Ok(Some(Err(error))) => Err(("STORAGE_FULL", error)),
            Err(error) => Err(("STORAGE_UNREADABLE", error)),
        };
        Some(settle(reply, failing).map(drop))
    }
}

/// The reply, where the disk let there be one; else nothing was accepted, and it may be tried again later.
fn settle(reply: Result<Reply, (&str, io::Error)>, failing: &mut bool) -> Reply {
    let first = !std::mem::replace(failing, reply.is_err());
    reply.unwrap_or_else(|(name, error)| {
        if first {
            tracing::warn!(%error, "the simulated Telegram accepts nothing: its ledger fails");
        }
        Err(Fault::rpc(500, name))
    })
}

impl Messenger for Simulated {
    fn send(&self, message: Outgoing) -> BoxFuture<'_, Reply> {
        Box::pin(self.answer(message))
    }

    fn alter(&self, change: Alteration) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let mut patience = CALL_TIMEOUT;
            loop {
                if let Some(reply) = self.try_alter(&change) {
                    return reply;
                }
                if patience.is_zero() {
                    return Err(Fault::TimedOut);
                }
                patience = patience.saturating_sub(BUSY);
                tokio::time::sleep(BUSY).await;
            }
        })
    }
}

/// A Telegram that accepts everything at once and remembers nothing, to measure Herald without it.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoOp;

impl Messenger for NoOp {
    fn send(&self, _: Outgoing) -> BoxFuture<'_, Reply> {
        Box::pin(std::future::ready(Ok(Receipt::Accepted { message_id: None })))
    }
}
