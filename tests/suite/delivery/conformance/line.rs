//! A line to a messenger as the rules see it: what is handed over on it, and what that is answered.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::delivery::{Fault, Receipt, Reply};
use futures_util::future::BoxFuture;
use service::Services;
use telegram::{Messenger, Outgoing, Peer};
use worker::Worker;

use super::super::fixture::Office;
use super::super::live::field::Field;
use crate::harness::Cable;
use crate::harness::telegram::{On, Play, code};

/// What the next send to somebody meets, instead of being accepted.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// This error.
    Error(&'static str),
    /// The connection is lost, and the message was not accepted.
    LostBefore,
    /// The connection is lost, and the message was accepted.
    LostAfter,
    /// It is accepted so much later.
    Late(Duration),
}

/// One hand-over of a message, as the messenger saw it.
#[derive(Debug, Clone)]
pub struct HandOver {
    pub at: Instant,
    pub username: String,
    pub random_id: i64,
}

/// A line to a messenger, and the office that sends on it.
pub trait Line: Sized {
    async fn open() -> Self;

    fn office(&mut self) -> &mut Office;

    /// A worker of the office.
    fn worker(&self) -> Worker;

    /// What the next send to `username` meets, after those that were named before.
    fn answer(&self, username: &str, answer: Answer);

    /// The hand-overs until now, in order.
    fn handed_over(&self) -> Vec<HandOver>;

    /// Recipient and text of what was accepted, in order.
    fn accepted(&self) -> Vec<(String, String)>;
}

/// The line of campaigns that are simulated: a messenger in this process, on the machine's own clock.
pub struct Simulated {
    office: Office,
    messenger: Arc<Played>,
}

/// MTProto over TCP to the suite's own server.
pub struct Live(Field);

impl Line for Simulated {
    async fn open() -> Self {
        Self { office: Office::open().await, messenger: Arc::default() }
    }

    fn office(&mut self) -> &mut Office {
        &mut self.office
    }

    fn worker(&self) -> Worker {
        self.office.worker_with(self.messenger.clone(), Arc::new(|_| ()))
    }

    fn answer(&self, username: &str, answer: Answer) {
        self.messenger.book.lock().expect("no panic").plays.entry(username.to_owned()).or_default().push(answer);
    }

    fn handed_over(&self) -> Vec<HandOver> {
        self.messenger.book.lock().expect("no panic").handed_over.clone()
    }

    fn accepted(&self) -> Vec<(String, String)> {
        self.messenger.book.lock().expect("no panic").accepted.clone()
    }
}

impl Line for Live {
    async fn open() -> Self {
        Self(Field::open(1).await)
    }

    fn office(&mut self) -> &mut Office {
        &mut self.0.office
    }

    fn worker(&self) -> Worker {
        self.0.worker()
    }

    fn answer(&self, username: &str, answer: Answer) {
        let play = match answer {
            Answer::Error(error) => Play::Error(error),
            Answer::LostBefore => Play::DropBefore,
            Answer::LostAfter => Play::DropAfter,
            Answer::Late(by) => Play::Late(by),
        };
        self.0.telegram.play(On::send_to(username), play);
    }

    fn handed_over(&self) -> Vec<HandOver> {
        let told = self.0.sends().into_iter().map(|call| HandOver {
            at: call.at,
            username: call.username.expect("a send has a recipient"),
            random_id: call.random_id.expect("a send has its number"),
        });
        told.collect()
    }

    fn accepted(&self) -> Vec<(String, String)> {
        self.0.telegram.accepted().into_iter().map(|message| (message.username, message.text)).collect()
    }
}

/// A messenger that does as a test says.
#[derive(Default)]
struct Played {
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    plays: HashMap<String, Vec<Answer>>,
    handed_over: Vec<HandOver>,
    accepted: Vec<(String, String)>,
    known: HashSet<i64>,
}

impl Book {
    /// Takes the message to its recipient; one whose number is known was there before.
    fn accept(&mut self, username: &str, message: &Outgoing) -> Receipt {
        if !self.known.insert(message.random_id) {
            return Receipt::Duplicate;
        }
        self.accepted.push((username.to_owned(), message.text.text.clone()));
        Receipt::Accepted { message_id: i64::try_from(self.accepted.len()).ok() }
    }

    fn next_answer(&mut self, username: &str) -> Option<Answer> {
        let plays = self.plays.get_mut(username).filter(|plays| !plays.is_empty())?;
        Some(plays.remove(0))
    }
}

impl Messenger for Played {
    fn send(&self, message: Outgoing) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let username = match &message.peer {
                Peer::Channel { username } => username.to_string(),
                Peer::SavedMessages => "me".to_owned(),
            };
            let answer = {
                let mut book = self.book.lock().expect("no panic");
                let (at, random_id) = (Instant::now(), message.random_id);
                book.handed_over.push(HandOver { at, username: username.clone(), random_id });
                book.next_answer(&username)
            };
            if let Some(Answer::Late(by)) = answer {
                tokio::time::sleep(by).await;
            }
            match answer {
                Some(Answer::Error(error)) => return Err(Fault::rpc(code(error), error)),
                Some(Answer::LostBefore) => return Err(Fault::ConnectionLost),
                Some(Answer::LostAfter | Answer::Late(_)) | None => {}
            }
            let receipt = self.book.lock().expect("no panic").accept(&username, &message);
            if let Some(Answer::LostAfter) = answer { Err(Fault::ConnectionLost) } else { Ok(receipt) }
        })
    }
}

/// A line, and how far its office's database is from the worker.
pub struct Stage<L> {
    pub line: L,
    far: Option<(Services, Cable)>,
}

impl<L: Line> Stage<L> {
    /// With the database at hand; or behind a way there and back of so long, which needs PostgreSQL.
    pub async fn open(round_trip: Option<Duration>) -> Self {
        let mut line = L::open().await;
        let Some(round_trip) = round_trip else { return Self { line, far: None } };
        let office = line.office();
        let cable = Cable::to(&office.database().server()).await;
        let mut on = office.on.clone();
        on.db = office.database().by(cable.port).open(office.folder.path()).await;
        cable.lengthen(round_trip);
        Self { line, far: Some((on, cable)) }
    }

    /// The worker, as far from the database as the stage is. The rules of the office are those that it has now.
    pub fn worker(&mut self) -> Worker {
        let Some((far, _)) = &self.far else { return self.line.worker() };
        let far = Services { rules: self.line.office().on.rules.clone(), ..far.clone() };
        let near = std::mem::replace(&mut self.line.office().on, far);
        let worker = self.line.worker();
        self.line.office().on = near;
        worker
    }

    pub fn office(&mut self) -> &Office {
        self.line.office()
    }
}
