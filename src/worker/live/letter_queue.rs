//! The letters of one account to leads: recipients are looked up ahead, and each is written at a slot of the account's own pace.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use serde_json::json;
use tokio::sync::mpsc;

use super::letters::{Letter, wait};
use super::state::State;
use crate::flight::{self, Slot};
use domain::delivery::table::{Method, Ruling, rule};
use domain::delivery::{Fault, Receipt as Sent};
use domain::error::Result;
use domain::markup::Marked;
use domain::secret_key::LastingUse;
use providers::{Outcome, Receipt, Refusal};
use service::retention::delivery::letter::{self, Leave, Turn};
use storage::broadcast::queue::budget;
use storage::retention::lead_peer;
use telegram::live::{Message, Recipient};

/// How long an ambiguous letter is repeated under its `random_id`; then nobody knows.
const REPEAT: Duration = Duration::from_secs(20);
/// A wait that no letter waits for in its account's hands.
const LONG: Duration = Duration::from_secs(10);
/// How long a letter waits after what may pass.
const SOON: Duration = Duration::from_secs(5);
/// How long a letter waits when a day's budget is spent.
const SPENT: Duration = Duration::from_mins(10);

/// Letters whose recipients are known, in the order in which they are written.
#[derive(Debug, Default)]
pub struct LetterQueue(Mutex<VecDeque<Ready>>);

/// A letter that can be written.
#[derive(Debug)]
pub struct Ready {
    letter: Letter,
    to: lead_peer::Model,
    /// When it may have been sent first, on the monotonic clock.
    ambiguous_since: Option<Duration>,
}

impl LetterQueue {
    /// The next letter.
    pub fn next(&self) -> Option<Ready> {
        self.lock().pop_front()
    }

    fn put(&self, ready: Ready) {
        self.lock().push_back(ready);
    }

    fn put_back(&self, ready: Ready) {
        self.lock().push_front(ready);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Ready>> {
        self.0.lock()
    }
}

/// Looks the recipients of letters up until the driver ends, inside the account's budget.
pub async fn run(state: Arc<State>, mut letters: mpsc::Receiver<Letter>) {
    loop {
        let letter = tokio::select! {
            letter = letters.recv() => letter,
            () = state.stop.cancelled() => return,
        };
        let Some(letter) = letter else { return };
        if !is_connected(&state).await {
            letter.answer(wait(SOON, "the Telegram account is not let in"));
            continue;
        }
        if !letter.is_wanted() {
            continue;
        }
        let held = state.gate.held_until() - state.tools.on.clock.nanos();
        if let Some(held) = u64::try_from(held).ok().map(Duration::from_nanos).filter(|held| *held > LONG) {
            letter.answer(wait(held, "Telegram asked the account to wait"));
            continue;
        }
        match recipient(&state, &letter).await {
            Ok(Ok(to)) => {
                state.letters.put(Ready { letter, to, ambiguous_since: None });
                state.ready.notify_one();
            }
            Ok(Err(outcome)) => letter.answer(outcome),
            Err(error) => letter.answer(wait(SOON, &error.to_string())),
        }
    }
}

/// Waits until the account is connected; false if it will not be.
async fn is_connected(state: &State) -> bool {
    while !state.connection.is_ready() {
        if state.stop.is_cancelled() || state.connection.refusal().is_some() {
            return false;
        }
        tokio::select! { () = state.connection.changed() => {}, () = state.stop.cancelled() => {} }
    }
    true
}

/// Looks up whom the letter goes to, as the account may name it; or why it does not go.
async fn recipient(state: &State, letter: &Letter) -> Result<Result<lead_peer::Model, Outcome>> {
    let on = &state.tools.on;
    if let Some(known) = letter::known(on, state.id, letter.lead, &letter.username).await? {
        return Ok(Ok(known));
    }
    if !state.is_held() {
        return Ok(Err(wait(SOON, "the Telegram account is about to change hands")));
    }
    let is_flooded = !state.resolving.is_open(on.clock.nanos());
    if is_flooded || !budget::resolve(&on.db, state.id, on.now(), 0).await? {
        return Ok(Err(wait(
            SPENT,
            "the Telegram account may look nobody up now: it waits, or its day's budget is spent",
        )));
    }
    let found = match state.connection.resolve(&letter.username).await {
        Ok(found) => found,
        Err(fault) => return not_found(state, &fault).await.map(Err),
    };
    let Recipient::User { access_hash, .. } = found.recipient else {
        return Ok(Err(Outcome::Refused(Refusal::permanent("on Telegram this name is no person's"))));
    };
    let (username, resolved_at) = (letter.username.clone(), on.now());
    let (account_id, lead_id, peer_id) = (state.id, letter.lead, found.peer_id);
    let known = lead_peer::Model { account_id, lead_id, username, peer_id, access_hash, resolved_at, written_at: None };
    lead_peer::Entity::know(&on.db, &known).await?;
    // Evenly, and at most twice as fast as it sends: hundreds in seconds have cost accounts most of a day.
    on.clock.sleep(Duration::from_secs(30) / letter::per_minute(on, state.id).await?).await;
    // Whether it was written to is in the row, should it have had another name.
    Ok(letter::known(on, state.id, letter.lead, &letter.username)
        .await?
        .ok_or_else(|| wait(SOON, "forgotten meanwhile")))
}

/// Draws the consequences of a look-up that failed (R18).
async fn not_found(state: &State, fault: &Fault) -> Result<Outcome> {
    Ok(match rule(fault) {
        Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
            state.wait(Method::Resolve, seconds).await?;
            wait(Duration::from_secs(seconds.into()), "Telegram asks the account to wait with look-ups")
        }
        Ruling::Account(status) => {
            state.park(status, fault).await?;
            wait(SOON, "Telegram refuses the account")
        }
        Ruling::Retry | Ruling::Ambiguous | Ruling::Unsent | Ruling::Defer | Ruling::Media | Ruling::Sent => {
            wait(SOON, &fault.to_string())
        }
        _ => Outcome::Refused(Refusal::permanent(format!("Telegram knows no such person: {fault}"))),
    })
}

impl Ready {
    /// Uses up the account's slot for this letter; None if it does not go now, which its producer has been told.
    pub async fn begin(self, state: &State, slot: i64) -> Result<Option<Self>> {
        let is_repetition = self.ambiguous_since.is_some();
        if !is_repetition && !self.letter.take() {
            return Ok(None);
        }
        if self.ambiguous_since.is_some_and(|since| state.tools.on.clock.monotonic().saturating_sub(since) > REPEAT) {
            self.letter.answer(unknown("Telegram did not answer"));
            return Ok(None);
        }
        let turn = Turn {
            attempt: self.letter.attempt,
            lead: self.letter.lead,
            account: state.id,
            holder: state.holder.row.id,
            epoch: state.epoch,
            slot,
            is_new_peer: self.to.written_at.is_none() && !is_repetition,
        };
        let why = match letter::begin(&state.tools.on, turn).await {
            Ok(Leave::Given) => return Ok(Some(self)),
            Ok(Leave::Withdrawn) => wait(Duration::ZERO, "it was paused or ended meanwhile"),
            Ok(Leave::Spent) => wait(SPENT, "the Telegram account waits, or has written to enough new people today"),
            Err(error) => {
                self.end(wait(SOON, &error.to_string()));
                return Err(error);
            }
        };
        self.end(why);
        Ok(None)
    }

    /// Hands it over at its slot.
    pub async fn send(mut self, state: &State, slot: Slot) {
        let on = &state.tools.on;
        let may_start = |now| state.gate.is_open(now) && state.connection.is_ready();
        if !flight::wait_for(&*on.clock, &state.holder, slot, may_start).await {
            return self.end(wait(Duration::from_secs(1), "the account's turn had passed"));
        }
        let to = Recipient::User { id: self.to.peer_id, access_hash: self.to.access_hash };
        // R13: made of the contact alone, so that a repetition is known as one.
        let random_id = on.keys.lasting.random_id(LastingUse::Letters, self.letter.attempt.0, 0);
        let began = on.clock.monotonic();
        let text = Arc::new(Marked::plain(self.letter.text.clone()));
        match state.connection.send(&Message { to, text, random_id }).await {
            Ok(receipt) => self.letter.answer(accepted(state, &receipt)),
            Err(fault) => match rule(&fault) {
                Ruling::Sent => self.letter.answer(accepted(state, &Sent::Duplicate)),
                Ruling::Ambiguous => {
                    // R11: it may have gone out. At another slot it is handed over again, as the same message.
                    self.ambiguous_since.get_or_insert(began);
                    state.letters.put_back(self);
                }
                // The connection was gone before it was handed over.
                Ruling::Unsent if self.ambiguous_since.is_some() => state.letters.put_back(self),
                ruling => {
                    let outcome = refused(state, &self, ruling, &fault).await;
                    self.end(outcome);
                }
            },
        }
    }

    /// Tells what became of it. No error makes undone what may have been sent before (R11).
    fn end(self, outcome: Outcome) {
        match (self.ambiguous_since, outcome) {
            (Some(_), Outcome::Wait { error, .. }) => self.letter.answer(unknown(&error)),
            (Some(_), Outcome::Refused(refusal)) => self.letter.answer(unknown(&refusal.error)),
            (_, outcome) => self.letter.answer(outcome),
        }
    }
}

fn unknown(why: &str) -> Outcome {
    Outcome::Unknown { error: format!("it may have been sent: {why}") }
}

fn accepted(state: &State, receipt: &Sent) -> Outcome {
    let message_id = match receipt {
        Sent::Accepted { message_id } => *message_id,
        Sent::Duplicate => None,
    };
    Outcome::Accepted(Receipt {
        provider: "telegram",
        provider_ref: message_id.map(|id| format!("{}:{id}", state.id)),
        result: json!({ "status": "sent", "account": state.id, "messageId": message_id }),
        ..Receipt::default()
    })
}

/// Draws the consequences of a refusal: for the account, or for the lead (R18, R20).
async fn refused(state: &State, ready: &Ready, ruling: Ruling, fault: &Fault) -> Outcome {
    match obey(state, ready, ruling, fault).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::warn!(account = %state.id, ?error, "what Telegram asks for can't be written down");
            wait(SOON, &fault.to_string())
        }
    }
}

async fn obey(state: &State, ready: &Ready, ruling: Ruling, fault: &Fault) -> Result<Outcome> {
    Ok(match ruling {
        Ruling::Wait(seconds) => {
            state.wait(Method::Send, seconds).await?;
            wait(Duration::from_secs(seconds.into()), "Telegram asks the account to wait")
        }
        Ruling::Account(status) => {
            state.park(status, fault).await?;
            wait(SOON, "Telegram refuses the account")
        }
        Ruling::Unsent => wait(SOON, "the connection to Telegram was lost"),
        Ruling::SlowMode(seconds) => wait(Duration::from_secs(seconds.into()), "Telegram asks to write slower"),
        Ruling::Peer => {
            // It is looked up anew, and asked once more.
            lead_peer::Entity::forget(&state.tools.on.db, state.id, ready.letter.lead).await?;
            Outcome::Refused(Refusal::transient(fault.to_string()))
        }
        Ruling::Retry | Ruling::Defer => Outcome::Refused(Refusal::transient(fault.to_string())),
        // Who blocks the account wants to hear nothing more from it.
        _ => Outcome::Refused(Refusal {
            is_opt_out: matches!(fault, Fault::Rpc { name, .. } if name == "USER_IS_BLOCKED"),
            is_dead: false,
            ..Refusal::permanent(fault.to_string())
        }),
    })
}
