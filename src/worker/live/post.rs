//! The post of one account: letters to leads, looked up ahead, each written at a slot of the account's own pace.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::letters::{Letter, wait};
use super::seat::Seat;
use domain::clock;
use domain::delivery::table::{Method, Ruling, rule};
use domain::delivery::{Fault, Receipt as Sent, wait_until};
use domain::error::Result;
use domain::markup::Marked;
use domain::pacing::{Start, start};
use providers::{Outcome, Receipt, Refusal};
use service::broadcast::delivery::account;
use service::retention::delivery::letter::{self, Leave, Turn};
use storage::broadcast::queue::budget;
use storage::retention::lead_peer;
use telegram::live::{Message, Recipient};

/// So long an ambiguous letter is repeated under its `random_id`; then nobody knows.
const REPEAT: Duration = Duration::from_secs(20);
/// A wait that no letter waits for in its account's hands.
const LONG: Duration = Duration::from_secs(10);
/// How long a letter waits after what may pass.
const SOON: Duration = Duration::from_secs(5);
/// How long a letter waits when a day's budget is spent.
const SPENT: Duration = Duration::from_mins(10);
/// The purpose of a letter's `random_id`: no job has it.
const PURPOSE: &str = "lead";

/// Letters whose recipients are known, in the order in which they are written.
#[derive(Debug, Default)]
pub struct Post(Mutex<VecDeque<Ready>>);

/// A letter that can be written.
#[derive(Debug)]
pub struct Ready {
    letter: Letter,
    to: lead_peer::Model,
    /// When it may have been sent first, on the monotonic clock.
    ambiguous_since: Option<Duration>,
}

impl Post {
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

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Ready>> {
        self.0.lock().expect("no panic happens under this lock")
    }
}

/// Looks the recipients of letters up until the driver ends, inside the account's budget.
pub async fn run(seat: Arc<Seat>, mut letters: mpsc::Receiver<Letter>) {
    loop {
        let letter = tokio::select! {
            letter = letters.recv() => letter,
            () = seat.stop.cancelled() => return,
        };
        let Some(letter) = letter else { return };
        if !is_connected(&seat).await {
            letter.answer(wait(SOON, "the Telegram account is not let in"));
            continue;
        }
        if !letter.is_wanted() {
            continue;
        }
        let held = seat.gate.held_until() - seat.tools.on.clock.nanos();
        if let Some(held) = u64::try_from(held).ok().map(Duration::from_nanos).filter(|held| *held > LONG) {
            letter.answer(wait(held, "Telegram asked the account to wait"));
            continue;
        }
        match recipient(&seat, &letter).await {
            Ok(Ok(to)) => {
                seat.post.put(Ready { letter, to, ambiguous_since: None });
                seat.ready.notify_one();
            }
            Ok(Err(outcome)) => letter.answer(outcome),
            Err(error) => letter.answer(wait(SOON, &error.to_string())),
        }
    }
}

/// Waits until the account is connected; false if it will not be.
async fn is_connected(seat: &Seat) -> bool {
    while !seat.connection.is_ready() {
        if seat.stop.is_cancelled() || seat.connection.refusal().is_some() {
            return false;
        }
        tokio::select! { () = seat.connection.changed() => {}, () = seat.stop.cancelled() => {} }
    }
    true
}

/// Who the letter goes to, as the account may name it; or why it does not go.
async fn recipient(seat: &Seat, letter: &Letter) -> Result<Result<lead_peer::Model, Outcome>> {
    let on = &seat.tools.on;
    if let Some(known) = letter::known(on, seat.id, letter.lead, &letter.username).await? {
        return Ok(Ok(known));
    }
    if !seat.is_held() {
        return Ok(Err(wait(SOON, "the Telegram account is about to change hands")));
    }
    let is_flooded = on.clock.nanos() < seat.resolve_until.load(Ordering::SeqCst);
    if is_flooded || !budget::resolve(&on.db, seat.id, on.now(), 0).await? {
        return Ok(Err(wait(
            SPENT,
            "the Telegram account may look nobody up now: it waits, or its day's budget is spent",
        )));
    }
    let found = match seat.connection.resolve(&letter.username).await {
        Ok(found) => found,
        Err(fault) => return not_found(seat, &fault).await.map(Err),
    };
    let Recipient::User { access_hash, .. } = found.recipient else {
        return Ok(Err(Outcome::Refused(Refusal::permanent("on Telegram this name is no person's"))));
    };
    let (username, resolved_at) = (letter.username.clone(), on.now());
    let (account_id, lead_id, peer_id) = (seat.id, letter.lead, found.peer_id);
    let known = lead_peer::Model { account_id, lead_id, username, peer_id, access_hash, resolved_at, written_at: None };
    lead_peer::Entity::know(&on.db, &known).await?;
    // Evenly, and at most twice as fast as it sends: hundreds in seconds have cost accounts most of a day.
    on.clock.sleep(Duration::from_secs(30) / letter::per_minute(on, seat.id).await?).await;
    // Whether it was written to is in the row, should it have had another name.
    Ok(letter::known(on, seat.id, letter.lead, &letter.username)
        .await?
        .ok_or_else(|| wait(SOON, "forgotten meanwhile")))
}

/// What follows from a look-up that failed (R18).
async fn not_found(seat: &Seat, fault: &Fault) -> Result<Outcome> {
    let on = &seat.tools.on;
    Ok(match rule(fault) {
        Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
            let until = wait_until(on.now(), seconds);
            seat.resolve_until.fetch_max(clock::nanos(until), Ordering::SeqCst);
            account::wait(on, seat.id, Method::Resolve, (seconds, until)).await?;
            wait(Duration::from_secs(seconds.into()), "Telegram asks the account to wait with look-ups")
        }
        Ruling::Account(status) => {
            seat.gate.close();
            account::park(on, seat.id, status, &fault.to_string()).await?;
            wait(SOON, "Telegram refuses the account")
        }
        Ruling::Retry | Ruling::Ambiguous | Ruling::Unsent | Ruling::Defer | Ruling::Media | Ruling::Sent => {
            wait(SOON, &fault.to_string())
        }
        _ => Outcome::Refused(Refusal::permanent(format!("Telegram knows no such person: {fault}"))),
    })
}

impl Ready {
    /// Uses up the account's slot for this letter; None if it does not go now, which its lane has been told.
    pub async fn begin(self, seat: &Seat, slot: i64) -> Result<Option<Self>> {
        let is_repetition = self.ambiguous_since.is_some();
        if !is_repetition && !self.letter.take() {
            return Ok(None);
        }
        if self.ambiguous_since.is_some_and(|since| seat.tools.on.clock.monotonic().saturating_sub(since) > REPEAT) {
            self.letter.answer(unknown("Telegram did not answer"));
            return Ok(None);
        }
        let turn = Turn {
            attempt: self.letter.attempt,
            lead: self.letter.lead,
            account: seat.id,
            holder: seat.holder.row.id,
            epoch: seat.epoch,
            slot,
            is_new_peer: self.to.written_at.is_none() && !is_repetition,
        };
        let why = match letter::begin(&seat.tools.on, turn).await {
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

    /// Hands it over at its slot; `claimed` is when that was taken, on the monotonic clock.
    pub async fn send(mut self, seat: &Seat, slot: i64, claimed: Duration) {
        let on = &seat.tools.on;
        if !wait_for(seat, slot, claimed).await {
            return self.end(wait(Duration::from_secs(1), "the account's turn had passed"));
        }
        let to = Recipient::User { id: self.to.peer_id, access_hash: self.to.access_hash };
        // R13: made of the contact alone, so that a repetition is known as one.
        let random_id = on.key.random_id(PURPOSE, self.letter.attempt.0, 0);
        let began = on.clock.monotonic();
        let text = Arc::new(Marked::plain(self.letter.text.clone()));
        match seat.connection.send(&Message { to, text, random_id }).await {
            Ok(receipt) => self.letter.answer(accepted(seat, &receipt)),
            Err(fault) => match rule(&fault) {
                Ruling::Sent => self.letter.answer(accepted(seat, &Sent::Duplicate)),
                Ruling::Ambiguous => {
                    // R11: it may have gone out. At another slot it is handed over again, as the same message.
                    self.ambiguous_since.get_or_insert(began);
                    seat.post.put_back(self);
                }
                // The connection was gone before it was handed over.
                Ruling::Unsent if self.ambiguous_since.is_some() => seat.post.put_back(self),
                ruling => {
                    let outcome = refused(seat, &self, ruling, &fault).await;
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

/// Waits for the instant; false if nothing may start.
async fn wait_for(seat: &Seat, slot: i64, claimed: Duration) -> bool {
    let clock = &seat.tools.on.clock;
    loop {
        let (now, elapsed) = (clock.nanos(), clock.monotonic());
        if !seat.gate.is_open(now) || !seat.holder.is_valid(elapsed) || !seat.connection.is_ready() {
            return false;
        }
        match start(slot, now, claimed, elapsed) {
            Start::Go => return true,
            Start::Missed => return false,
            Start::Wait(nanos) => clock.sleep(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))).await,
        }
    }
}

fn accepted(seat: &Seat, receipt: &Sent) -> Outcome {
    let message_id = match receipt {
        Sent::Accepted { message_id } => *message_id,
        Sent::Duplicate => None,
    };
    Outcome::Accepted(Receipt {
        provider: "telegram",
        provider_ref: message_id.map(|id| format!("{}:{id}", seat.id)),
        result: json!({ "status": "sent", "account": seat.id, "messageId": message_id }),
        ..Receipt::default()
    })
}

/// What a refusal means: for the account, or for the lead (R18, R20).
async fn refused(seat: &Seat, ready: &Ready, ruling: Ruling, fault: &Fault) -> Outcome {
    match obey(seat, ready, ruling, fault).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::warn!(account = %seat.id, ?error, "what Telegram asks for can't be written down");
            wait(SOON, &fault.to_string())
        }
    }
}

async fn obey(seat: &Seat, ready: &Ready, ruling: Ruling, fault: &Fault) -> Result<Outcome> {
    let on = &seat.tools.on;
    Ok(match ruling {
        Ruling::Wait(seconds) => {
            let until = wait_until(on.now(), seconds);
            // Before anything else: it alone uses the account.
            seat.gate.hold(clock::nanos(until));
            account::wait(on, seat.id, Method::Send, (seconds, until)).await?;
            wait(Duration::from_secs(seconds.into()), "Telegram asks the account to wait")
        }
        Ruling::Account(status) => {
            seat.gate.close();
            account::park(on, seat.id, status, &fault.to_string()).await?;
            wait(SOON, "Telegram refuses the account")
        }
        Ruling::Unsent => wait(SOON, "the connection to Telegram was lost"),
        Ruling::SlowMode(seconds) => wait(Duration::from_secs(seconds.into()), "Telegram asks to write slower"),
        Ruling::Peer => {
            // It is looked up anew, and asked once more.
            lead_peer::Entity::forget(&on.db, seat.id, ready.letter.lead).await?;
            Outcome::Refused(Refusal::transient(fault.to_string()))
        }
        Ruling::Retry | Ruling::Defer => Outcome::Refused(Refusal::transient(fault.to_string())),
        // Who blocks the account wants to hear nothing more from it.
        _ => Outcome::Refused(Refusal {
            is_opt_out: matches!(fault, Fault::Rpc { name, .. } if name == "USER_IS_BLOCKED"),
            ..Refusal::permanent(fault.to_string())
        }),
    })
}
