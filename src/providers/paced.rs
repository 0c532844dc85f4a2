//! A sender with a pace and a circuit breaker of its own: what it can't take now waits, and costs no attempt.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::http::LOCKED_OUT;
use super::{Contact, Message, Outcome, Refusal, Sender};
use domain::breaker::Breaker;
use domain::bucket::Bucket;
use domain::clock::Clock;
use domain::sms;

/// A sender behind its pace and its breaker.
pub struct Paced<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    gate: Mutex<Gate>,
}

struct Gate {
    bucket: Bucket,
    breaker: Breaker,
    /// Contacts in a row that were refused for good, though nothing was wrong with their addresses.
    refused: u32,
    /// What nobody understands and was said last.
    alike: Alike,
}

/// One thing that nobody understands, and the recipients to whom it was said in a row.
#[derive(Default)]
struct Alike {
    code: String,
    to: Vec<String>,
}

/// To so many recipients the same is said in a row before it is held to be none of theirs.
const SAME: usize = 5;

impl Alike {
    /// Notes what was said of `to`; whether it is none of the recipients' by now.
    fn note(&mut self, code: &str, to: &str) -> bool {
        if self.code != code {
            *self = Self { code: code.to_owned(), to: Vec::new() };
        }
        if self.to.len() < SAME && !self.to.iter().any(|known| known == to) {
            self.to.push(to.to_owned());
        }
        self.is_general()
    }

    fn is_general(&self) -> bool {
        self.to.len() >= SAME
    }

    fn told(&self) -> String {
        format!(
            "the provider answers {} to one recipient after another, so it is held for none of theirs: look up what it means and \
             mend it; until then one contact is tried now and then, and the others wait",
            self.code
        )
    }
}

/// From so many of them on each counts as a fault of the provider's: rather than that a whole sequence ends in refusals, somebody looks.
const TOO_MANY: u32 = 25;

impl<S> Paced<S> {
    /// At most `per_second` a second go to `inner`; text messages count by their segments.
    pub fn new(inner: S, per_second: u32, clock: Arc<dyn Clock>) -> Self {
        let bucket = Bucket::new(per_second.max(1), per_second, clock.monotonic());
        let gate = Gate { bucket, breaker: Breaker::default(), refused: 0, alike: Alike::default() };
        Self { inner, clock, gate: Mutex::new(gate) }
    }

    /// The sender without its pace, to ask it something.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Whether the breaker keeps all back.
    pub fn is_open(&self) -> bool {
        self.gate.lock().breaker.is_open(self.clock.monotonic())
    }

    fn admit(&self, message: &Message) -> Result<(), Outcome> {
        let now = self.clock.monotonic();
        let mut gate = self.gate.lock();
        // The pace first: a probe that the breaker lets through must be sent.
        let mut after_taking = gate.bucket;
        let wait = |after: Duration, error: &str| Outcome::Wait { after, error: error.into() };
        after_taking.take(weight(message), now).map_err(|after| wait(after, "the provider's pace is reached"))?;
        if let Err(after) = gate.breaker.admit(now) {
            let general = "the provider failed again and again: it is left alone for a while";
            let error = if gate.alike.is_general() { gate.alike.told() } else { general.to_owned() };
            return Err(wait(after, &error));
        }
        gate.bucket = after_taking;
        Ok(())
    }

    /// Notes the outcome of a contact to `to`, and what it means among the others.
    fn noted(&self, to: &str, outcome: Outcome) -> Outcome {
        let now = self.clock.monotonic();
        let mut gate = self.gate.lock();
        match &outcome {
            Outcome::Refused(Refusal { unknown: Some(code), error, .. }) if gate.alike.note(code, to) => {
                gate.breaker.open(now);
                return Outcome::Wait { after: LOCKED_OUT, error: format!("{} ({error})", gate.alike.told()) };
            }
            Outcome::Refused(refusal) if refusal.is_permanent && !refusal.is_opt_out && !refusal.is_dead => {
                gate.refused = gate.refused.saturating_add(1);
                if gate.refused > TOO_MANY { gate.breaker.failed(now) } else { gate.breaker.answered() }
            }
            Outcome::Accepted(_) => {
                (gate.refused, gate.alike) = (0, Alike::default());
                gate.breaker.answered();
            }
            Outcome::Refused(_) => gate.breaker.answered(),
            Outcome::Wait { .. } | Outcome::Unknown { .. } => gate.breaker.failed(now),
        }
        outcome
    }
}

/// How much of the pace a message takes.
fn weight(message: &Message) -> u32 {
    match message {
        Message::Sms { body, .. } => sms::segments(body),
        _ => 1,
    }
}

impl<S: Sender> Sender for Paced<S> {
    fn send(&self, contact: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            if let Err(wait) = self.admit(&contact.message) {
                return wait;
            }
            let to = contact.message.to().to_owned();
            let outcome = self.inner.send(contact).await;
            self.noted(&to, outcome)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use uuid::Uuid;

    use super::*;
    use crate::Receipt;
    use domain::clock::SystemClock;

    /// Answers what it is told to, and counts.
    struct Scripted(AtomicU32, Outcome);

    impl Sender for Scripted {
        fn send(&self, _: Contact) -> BoxFuture<'_, Outcome> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(self.1.clone()))
        }
    }

    fn contact(body: &str) -> Contact {
        contact_to("+14155552671", body)
    }

    fn contact_to(to: &str, body: &str) -> Contact {
        let message = Message::Sms { to: to.into(), body: body.into() };
        Contact { attempt: Uuid::from_u128(1), lead: Uuid::from_u128(2), message }
    }

    async fn reached(outcome: Outcome, per_second: u32, body: &str) -> u32 {
        reached_of(20, outcome, per_second, body).await
    }

    async fn reached_of(count: usize, outcome: Outcome, per_second: u32, body: &str) -> u32 {
        let sender = Paced::new(Scripted(AtomicU32::new(0), outcome), per_second, Arc::new(SystemClock::new()));
        for _ in 0..count {
            sender.send(contact(body)).await;
        }
        sender.inner().0.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn the_pace_counts_segments() {
        let accepted = Outcome::Accepted(Receipt::default());
        assert_eq!(reached(accepted.clone(), 4, "one segment").await, 4);
        assert_eq!(reached(accepted, 4, &"two".repeat(60)).await, 2);
    }

    #[tokio::test]
    async fn a_provider_that_is_away_is_left_alone_and_one_that_refuses_is_not() {
        let away = Outcome::Wait { after: Duration::from_secs(1), error: String::new() };
        assert_eq!(reached(away, 100, "x").await, 5);
        assert_eq!(reached(Outcome::Unknown { error: String::new() }, 100, "x").await, 5);
        let refused = |refusal| Outcome::Refused(refusal);
        assert_eq!(reached(refused(Refusal::permanent("no")), 100, "x").await, 20);
        // Whoever refuses all of them is left alone in the end; that nobody is at an address says nothing of the provider.
        assert_eq!(reached_of(60, refused(Refusal::permanent("no")), 100, "x").await, 30);
        assert_eq!(reached_of(60, refused(Refusal::dead("nobody")), 100, "x").await, 60);
    }

    #[tokio::test]
    async fn what_nobody_understands_is_no_recipients_after_five_of_them() {
        let unknown = |code: &str| {
            Outcome::Refused(Refusal { unknown: Some(code.into()), ..Refusal::permanent(format!("{code} odd")) })
        };
        let sender = || Paced::new(Scripted(AtomicU32::new(0), unknown("99999")), 100, Arc::new(SystemClock::new()));
        let several = sender();
        let mut outcomes = Vec::new();
        for n in 0..8 {
            outcomes.push(several.send(contact_to(&format!("+1415555000{n}"), "x")).await);
        }
        assert_eq!(several.inner().0.load(Ordering::Relaxed), 5);
        assert!(outcomes[..4].iter().all(|outcome| matches!(outcome, Outcome::Refused(_))), "{outcomes:?}");
        for outcome in &outcomes[4..] {
            assert!(matches!(outcome, Outcome::Wait { error, .. } if error.contains("99999")), "{outcome:?}");
        }
        // One recipient who is refused again and again is one.
        let one = sender();
        for _ in 0..8 {
            assert!(matches!(one.send(contact("x")).await, Outcome::Refused(_)));
        }
        // One that is taken, or another reason, begins anew.
        let mut alike = Alike::default();
        assert!((0..4).all(|n| !alike.note("1", &n.to_string())) && !alike.note("2", "4") && !alike.note("1", "5"));
    }
}
