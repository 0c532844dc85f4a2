//! The executor of one lease: each contact is handed over at its slot, or goes back untouched (R1).

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::Either;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::flight::{self, Slot};
use crate::holder::Holder;
use crate::tools::Tools;
use domain::retention::verdict::Outcome;
use providers::{self, CALL_TIMEOUT};
use service::retention::delivery::lease::Ready;
use service::retention::delivery::settle::Answer;

/// What hands the contacts of one lease over.
#[derive(Clone)]
pub struct Executor {
    pub tools: Tools,
    pub holder: Arc<Holder>,
    pub answers: mpsc::UnboundedSender<Answer>,
    pub session: CancellationToken,
}

impl Executor {
    /// Hands each contact over at its slot; `claimed` is when their claim began, on the monotonic clock.
    pub async fn run(self, ready: Vec<Ready>, claimed: Duration) {
        let clock = self.tools.on.clock.clone();
        for one in ready {
            let slot = Slot { at: one.slot, claimed };
            if flight::wait_for(&*clock, &self.holder, slot, |_| !self.session.is_cancelled()).await {
                self.hand_over(one).await;
            } else {
                self.tell(answer(&one, Outcome::Untouched));
            }
        }
    }

    async fn hand_over(&self, ready: Ready) {
        let (contacts, contact) = (self.tools.contacts.clone(), ready.contact.clone());
        let call = Box::pin(async move { contacts.send(contact).await });
        match flight::hand_over(&self.tools.on.clock, call, CALL_TIMEOUT).await {
            Either::Left(outcome) => self.tell(answered(&ready, outcome)),
            Either::Right(rest) => {
                let this = self.clone();
                tokio::spawn(async move {
                    let late = || providers::Outcome::Unknown { error: "the provider did not answer in time".into() };
                    this.tell(answered(&ready, rest.await.unwrap_or_else(late)));
                });
            }
        }
    }

    fn tell(&self, answer: Answer) {
        if self.answers.send(answer).is_err() {
            tracing::error!("an answer came after its completer was gone");
        }
    }
}

/// A provider's answer in the terms of retention.
fn answered(ready: &Ready, outcome: providers::Outcome) -> Answer {
    let time = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
    match outcome {
        providers::Outcome::Accepted(receipt) => Answer { receipt: Some(receipt), ..answer(ready, Outcome::Accepted) },
        providers::Outcome::Refused(refusal) => {
            let pause = refusal.retry_after.map(time);
            let outcome = Outcome::Refused { is_permanent: refusal.is_permanent, pause };
            Answer {
                error: Some(refusal.error),
                is_opt_out: refusal.is_opt_out,
                is_dead: refusal.is_dead,
                ..answer(ready, outcome)
            }
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
        is_dead: false,
        is_lost: false,
    }
}
