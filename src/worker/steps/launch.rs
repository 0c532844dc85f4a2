//! Launching leased contacts: each is handed over at its slot, or goes back untouched (R1).

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::{Either, select};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Tools;
use crate::holder::Holder;
use domain::pacing::{Start, start};
use domain::retention::verdict::Outcome;
use providers::{self, CALL_TIMEOUT};
use service::retention::delivery::lease::Ready;
use service::retention::delivery::settle::Answer;

/// What a launch works with.
#[derive(Clone)]
pub struct Launch {
    pub tools: Tools,
    pub holder: Arc<Holder>,
    pub answers: mpsc::UnboundedSender<Answer>,
    pub session: CancellationToken,
}

impl Launch {
    /// Hands each contact over at its slot; `claimed` is when their claim began, on the monotonic clock.
    pub async fn run(self, ready: Vec<Ready>, claimed: Duration) {
        for one in ready {
            if self.wait_for(one.slot, claimed).await {
                self.hand_over(one).await;
            } else {
                self.tell(answer(&one, Outcome::Untouched));
            }
        }
    }

    /// Waits for the slot; false if the contact must not be handed over any more.
    async fn wait_for(&self, slot: i64, claimed: Duration) -> bool {
        let clock = &self.tools.on.clock;
        loop {
            let (now, elapsed) = (clock.nanos(), clock.monotonic());
            if self.session.is_cancelled() || !self.holder.is_valid(elapsed) {
                return false;
            }
            match start(slot, now, claimed, elapsed) {
                Start::Go => return true,
                Start::Missed => return false,
                Start::Wait(nanos) => clock.sleep(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))).await,
            }
        }
    }

    /// The hand-over is the first poll; if the answer is not there at once, it is awaited elsewhere.
    async fn hand_over(&self, ready: Ready) {
        let (contacts, contact) = (self.tools.contacts.clone(), ready.contact.clone());
        let mut call = Box::pin(async move { contacts.send(contact).await });
        if let Poll::Ready(outcome) = futures_util::poll!(&mut call) {
            return self.tell(told(&ready, outcome));
        }
        let this = self.clone();
        tokio::spawn(async move {
            let limit = this.tools.on.clock.sleep(CALL_TIMEOUT);
            let outcome = match select(call, limit).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(_) => providers::Outcome::Unknown { error: "the provider did not answer in time".into() },
            };
            this.tell(told(&ready, outcome));
        });
    }

    fn tell(&self, answer: Answer) {
        if self.answers.send(answer).is_err() {
            tracing::error!("an answer came after its settler was gone");
        }
    }
}

/// A provider's answer in the terms of retention.
fn told(ready: &Ready, outcome: providers::Outcome) -> Answer {
    let time = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
    match outcome {
        providers::Outcome::Accepted(receipt) => Answer { receipt: Some(receipt), ..answer(ready, Outcome::Accepted) },
        providers::Outcome::Refused(refusal) => {
            let pause = refusal.retry_after.map(time);
            let outcome = Outcome::Refused { is_permanent: refusal.is_permanent, pause };
            Answer { error: Some(refusal.error), is_opt_out: refusal.is_opt_out, ..answer(ready, outcome) }
        }
        providers::Outcome::Wait { after, error } => {
            Answer { error: Some(error), ..answer(ready, Outcome::Wait(time(after))) }
        }
        providers::Outcome::Unknown { error } => Answer { error: Some(error), ..answer(ready, Outcome::Unknown) },
    }
}

fn answer(ready: &Ready, outcome: Outcome) -> Answer {
    Answer {
        execution: ready.execution,
        enrollment: ready.enrollment,
        lead: ready.lead,
        campaign: ready.campaign,
        attempt: Some(ready.attempt),
        key: ready.key,
        outcome,
        receipt: None,
        error: None,
        is_opt_out: false,
        is_lost: false,
    }
}
