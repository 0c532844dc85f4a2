//! Letters to leads: contacts by Telegram on their way from the producers of steps to the drivers of accounts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{mpsc, oneshot};

use crate::tools::Tools;
use domain::error::Result;
use domain::id::{ContactAttemptId, LeadId, TelegramAccountId};
use providers::{Contact, Message, Outcome, Sender};
use service::Services;
use service::retention::delivery::letter;

/// Letters that wait for one account at most.
const CAPACITY: usize = 32;
/// How long a letter waits for its account's turn. With the send and its repetitions it must end before the producer gives it up.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long this process wants accounts after there was a letter to write.
const WANTED: Duration = Duration::from_mins(2);
/// How long a letter waits until an account is connected.
const SOON: Duration = Duration::from_secs(2);
/// How long a letter waits while nobody can write it.
const NOBODY: Duration = Duration::from_mins(5);

/// One letter.
#[derive(Debug)]
pub struct Letter {
    /// The contact that it is.
    pub attempt: ContactAttemptId,
    /// The lead that gets it.
    pub lead: LeadId,
    /// The lead's name on Telegram.
    pub username: String,
    /// What it says.
    pub text: String,
    ticket: Ticket,
    answer: oneshot::Sender<Outcome>,
}

impl Letter {
    /// Takes it off the hands of who waits for it: from now on it is this account's to tell what became of it. False if it was
    /// given up.
    pub fn take(&self) -> bool {
        self.ticket.claim(TAKEN)
    }

    /// Whether somebody still waits for it.
    pub fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    /// Tells what became of it.
    pub fn answer(self, outcome: Outcome) {
        // Nobody waits for it any more: it counts as UNKNOWN there, which it is.
        drop(self.answer.send(outcome));
    }
}

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// The claim on a letter: either its account writes it, or the producer gives it up, never both.
#[derive(Debug, Clone, Default)]
struct Ticket(Arc<AtomicU8>);

impl Ticket {
    fn claim(&self, by: u8) -> bool {
        self.0.compare_exchange(WAITING, by, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// Gives a letter up with the future that waits for it.
struct Wait(Ticket);

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.claim(GIVEN_UP);
    }
}

/// The accounts of this process that take letters. As a [`Sender`] it takes all channels: what is no letter goes on to the others.
pub struct Letters {
    on: Services,
    others: Arc<dyn Sender>,
    open: Mutex<HashMap<TelegramAccountId, mpsc::Sender<Letter>>>,
    /// Until when this process wants accounts, in milliseconds of the monotonic clock.
    wanted: AtomicU64,
}

impl Letters {
    /// Before the providers of the other channels.
    pub fn before(tools: &Tools) -> Self {
        let (on, others) = (tools.on.clone(), tools.contacts.clone());
        Self { on, others, open: Mutex::default(), wanted: AtomicU64::new(0) }
    }

    /// Whether accounts are wanted though no campaign goes by them.
    pub fn are_waiting(&self) -> bool {
        millis(self.on.clock.monotonic()) < self.wanted.load(Ordering::SeqCst)
    }

    /// From now on letters may go by this account.
    pub fn open(&self, account: TelegramAccountId) -> mpsc::Receiver<Letter> {
        let (box_of_account, letters) = mpsc::channel(CAPACITY);
        self.lock().insert(account, box_of_account);
        letters
    }

    /// No letter goes by it any more.
    pub fn close(&self, account: TelegramAccountId) {
        self.lock().remove(&account);
    }

    async fn deliver(&self, attempt: ContactAttemptId, lead: LeadId, username: String, text: String) -> Outcome {
        self.wanted.store(millis(self.on.clock.monotonic() + WANTED), Ordering::SeqCst);
        let chosen = match self.choose(lead).await {
            Ok(Ok(chosen)) => chosen,
            Ok(Err((after, why))) => return Outcome::Wait { after, error: why.into() },
            Err(error) => return Outcome::Wait { after: SOON, error: error.to_string() },
        };
        let (ticket, (answer, mut answered)) = (Ticket::default(), oneshot::channel());
        let letter = Letter { attempt, lead, username, text, ticket: ticket.clone(), answer };
        if chosen.try_send(letter).is_err() {
            return wait(SOON, "the Telegram account has as many letters as it can write");
        }
        let waiting = Wait(ticket);
        let in_time = tokio::time::timeout(PATIENCE, &mut answered).await;
        if let Ok(Ok(outcome)) = in_time {
            return outcome;
        }
        if waiting.0.claim(GIVEN_UP) {
            return wait(SOON, "the Telegram account did not come to it in time");
        }
        let lost =
            || Outcome::Unknown { error: "the Telegram account was given up with the letter in its hands".into() };
        if in_time.is_ok() { lost() } else { answered.await.unwrap_or_else(|_| lost()) }
    }

    /// The account that knows the lead, or else the one with the fewest letters; or how long there is none, and why.
    async fn choose(&self, lead: LeadId) -> Result<Result<mpsc::Sender<Letter>, (Duration, &'static str)>> {
        let known = letter::acquainted(&self.on, lead).await?;
        if !known.is_empty() {
            let open = self.lock();
            let found = known.iter().find_map(|account| open.get(account).cloned());
            return Ok(found.ok_or((SOON, "the Telegram account that knows the lead is not connected here")));
        }
        let freest = self.lock().values().max_by_key(|letters| letters.capacity()).cloned();
        if let Some(found) = freest {
            return Ok(Ok(found));
        }
        let is_nobody = letter::able(&self.on).await?.is_empty();
        let nobody = (NOBODY, "there is no Telegram account that can send: see addTelegramAccount");
        Ok(Err(if is_nobody { nobody } else { (SOON, "no Telegram account is connected by this process yet") }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TelegramAccountId, mpsc::Sender<Letter>>> {
        self.open.lock()
    }
}

impl Sender for Letters {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        let (attempt, lead) = (ContactAttemptId(contact.attempt), LeadId(contact.lead));
        match contact.message {
            Message::Telegram { username, text } => Box::pin(self.deliver(attempt, lead, username, text)),
            message => self.others.send(Contact { message, ..contact }),
        }
    }
}

pub(super) fn wait(after: Duration, why: &str) -> Outcome {
    Outcome::Wait { after, error: why.into() }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
