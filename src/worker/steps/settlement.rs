//! How providers' answers are settled.

use domain::error::Result;
use domain::retention::verdict::Outcome;
use domain::retention::words::ContactChannel;
use service::Services;
use service::retention::delivery::settle::{Answer, settle};

use crate::completer::Settlement;

/// The contacts of one channel.
pub struct Contacts {
    pub on: Services,
    pub channel: ContactChannel,
}

impl Settlement for Contacts {
    type Answer = Answer;
    const BATCH: usize = 500;
    const IS_REPEATED: bool = false;

    fn name(&self) -> String {
        format!("contacts by {}", self.channel)
    }

    async fn settle(&self, answers: &mut [Answer]) -> Result<()> {
        settle(&self.on, answers).await
    }

    fn lease(answer: &Answer) -> i64 {
        answer.key
    }

    /// What the provider said is left out.
    fn reduce(answer: &mut Answer) -> bool {
        let (receipt, error) = (answer.receipt.take(), answer.error.take());
        let can = receipt.is_some() || error.is_some();
        if can && !matches!(answer.outcome, Outcome::Accepted) {
            answer.outcome = Outcome::Unknown;
        }
        can
    }
}
