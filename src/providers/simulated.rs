//! A pretend provider: takes everything at once, sends nowhere, and writes down what it took.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::json;

use super::{Contact, Outcome, Receipt, Refusal, Sender};
use domain::clock::Clock;

/// The ledger's name in the data folder.
pub const LEDGER: &str = "simulated-contacts.jsonl";

/// The pretend provider of all channels.
///
/// A marker anywhere in the recipient asks for another answer: `refused` (for good), `failing` (may be tried again), `busy` (wait),
/// `optout` (the lead wants nothing more), `lost` (taken, but the answer is lost).
pub struct Simulated {
    clock: Arc<dyn Clock>,
    ledger: Mutex<File>,
}

impl Simulated {
    /// Appends to the ledger at `path`, which is made if it is not there.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let ledger = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { clock, ledger: Mutex::new(ledger) })
    }

    /// One line for each acceptance, before it is answered: `{ at, attempt, lead, channel, to }`.
    fn accept(&self, contact: &Contact) -> io::Result<()> {
        let line = json!({
            "at": self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true),
            "attempt": contact.attempt,
            "lead": contact.lead,
            "channel": contact.message.channel(),
            "to": contact.message.to(),
        });
        // One write, so that the lines of processes that share a ledger don't mix.
        self.ledger.lock().write_all(format!("{line}\n").as_bytes())
    }

    fn answer(&self, contact: &Contact) -> Outcome {
        let to = contact.message.to();
        if to.contains("refused") {
            return Outcome::Refused(Refusal::permanent("refused, as the recipient's marker asks"));
        }
        if to.contains("failing") {
            return Outcome::Refused(Refusal::transient("failed, as the recipient's marker asks"));
        }
        if to.contains("optout") {
            return Outcome::Refused(Refusal { is_opt_out: true, ..Refusal::permanent("the recipient opted out") });
        }
        if to.contains("busy") {
            return Outcome::Wait { after: Duration::from_secs(30), error: "busy, as the marker asks".into() };
        }
        if let Err(error) = self.accept(contact) {
            return Outcome::Wait {
                after: Duration::from_secs(1),
                error: format!("the ledger can't be written: {error}"),
            };
        }
        if to.contains("lost") {
            return Outcome::Unknown { error: "the answer was lost, as the marker asks".into() };
        }
        Outcome::Accepted(Receipt {
            provider: "simulated",
            provider_ref: Some(contact.attempt.simple().to_string()),
            cost_micros: None,
            currency: None,
            result: json!({ "status": "accepted" }),
        })
    }
}

impl Sender for Simulated {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move { self.answer(&contact) })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Message;
    use domain::clock::SystemClock;

    #[tokio::test]
    async fn it_writes_down_what_it_takes_and_answers_as_it_is_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LEDGER);
        let simulated = Simulated::open(&path, Arc::new(SystemClock::new())).unwrap();
        let send = async |username: &str| {
            let message = Message::Telegram { username: username.into(), text: "Hello".into() };
            simulated.send(Contact { attempt: Uuid::from_u128(1), lead: Uuid::from_u128(2), message }).await
        };
        assert!(matches!(send("ann").await, Outcome::Accepted(_)));
        assert!(matches!(send("ann_lost").await, Outcome::Unknown { .. }));
        assert!(matches!(send("ann_busy").await, Outcome::Wait { .. }));
        assert!(matches!(send("ann_refused").await, Outcome::Refused(Refusal { is_permanent: true, .. })));
        assert!(matches!(send("ann_failing").await, Outcome::Refused(Refusal { is_permanent: false, .. })));
        assert!(matches!(send("ann_optout").await, Outcome::Refused(Refusal { is_opt_out: true, .. })));
        let ledger = std::fs::read_to_string(&path).unwrap();
        let to: Vec<serde_json::Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(to.iter().map(|line| line["to"].as_str().unwrap()).collect::<Vec<_>>(), ["ann", "ann_lost"]);
    }
}
