//! A worker on a clock that the test moves, and a Telegram that answers as the test says.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::DateTime;
use domain::clock::{Clock, VirtualClock, duration_nanos};
use domain::delivery::{Receipt, Reply};
use domain::pacing::{GRACE, interval};
use futures_util::future::BoxFuture;
use telegram::{Messenger, Outgoing, Peer};
use worker::{Tools, Worker};

use super::fixture::Office;

/// One hand-over of a message.
#[derive(Debug, Clone)]
pub struct Call {
    /// In nanoseconds since 1970, of the test's clock.
    pub at: i64,
    pub username: String,
    pub text: String,
    pub random_id: i64,
    /// How often this random id was handed over before.
    pub nth: usize,
}

/// What a call is answered; None: nothing, ever.
pub type Script = Box<dyn Fn(&Call) -> Option<Reply> + Send + Sync>;

/// A message that was accepted.
pub const ACCEPTED: Option<Reply> = Some(Ok(Receipt::Accepted { message_id: None }));

struct Scripted {
    clock: Arc<VirtualClock>,
    calls: Mutex<Vec<Call>>,
    script: Script,
}

impl Messenger for Scripted {
    fn send(&self, message: Outgoing) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let call = {
                let mut calls = self.calls.lock().expect("no panic");
                let username = match &message.peer {
                    Peer::Channel { username } => username.to_string(),
                    Peer::SavedMessages => "me".into(),
                };
                let nth = calls.iter().filter(|call| call.random_id == message.random_id).count();
                let (at, text) = (self.clock.nanos(), message.text.text.clone());
                let call = Call { at, username, text, random_id: message.random_id, nth };
                calls.push(call.clone());
                call
            };
            match (self.script)(&call) {
                Some(reply) => reply,
                None => std::future::pending().await,
            }
        })
    }
}

/// An installation in which time passes when the test says so.
pub struct Lab {
    pub office: Office,
    pub clock: Arc<VirtualClock>,
    telegram: Arc<Scripted>,
}

impl Lab {
    pub async fn open(script: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let clock = Arc::new(VirtualClock::at(DateTime::from_timestamp(1_800_000_000, 0).expect("in range")));
        let office = Office::with_clock(clock.clone()).await;
        let telegram = Arc::new(Scripted { clock: clock.clone(), calls: Mutex::default(), script: Box::new(script) });
        Self { office, clock, telegram }
    }

    pub fn worker(&self) -> Worker {
        self.office.worker_with(self.telegram.clone(), Arc::new(|_| ()))
    }

    /// A worker whose signs of life go to another database.
    pub fn worker_with_beats(&self, beats: storage::Db) -> Worker {
        let (on, messenger) = (self.office.on.clone(), self.telegram.clone());
        let contacts = self.office.contacts();
        Worker::start(Tools { on, beats, messenger, contacts, neighbour: Arc::new(|_| ()) })
    }

    pub fn calls(&self) -> Vec<Call> {
        self.telegram.calls.lock().expect("no panic").clone()
    }

    /// Lets so much time pass, in such steps. After each the machine has a moment to do what is due.
    pub async fn pass(&self, span: Duration, step: Duration) {
        let end = self.clock.monotonic() + span;
        while self.clock.monotonic() < end {
            self.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets time pass in such steps until it holds.
    pub async fn pass_until(&self, what: &str, step: Duration, mut holds: impl AsyncFnMut() -> bool) {
        let began = Instant::now();
        while !holds().await {
            self.pass(step * 10, step).await;
            assert!(began.elapsed() < Duration::from_secs(45), "waited in vain for {what}: {:?}", self.calls());
        }
    }

    /// No span of time holds more calls than the rate allows (R1, R2): the n-th after a call comes n intervals later, less
    /// the grace by which the first of them may have been late.
    pub fn assert_paced(&self, rate: i64) {
        let mut at: Vec<i64> = self.calls().iter().map(|call| call.at).collect();
        at.sort_unstable();
        for (n, first) in at.iter().enumerate() {
            for (later, distance) in at[n..].iter().zip(0i64..) {
                let least = distance * interval(rate) - duration_nanos(GRACE);
                assert!(later - first >= least, "{distance} calls within {} ns", later - first);
            }
        }
    }

    /// Everybody under one identity each, and that is all.
    pub fn assert_identities(&self, count: usize) {
        let ids: HashSet<i64> = self.calls().iter().map(|call| call.random_id).collect();
        let names: HashSet<String> = self.calls().iter().map(|call| call.username.clone()).collect();
        assert_eq!((ids.len(), names.len()), (count, count));
    }
}
