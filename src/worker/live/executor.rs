//! The executor of one job through one account: at its instant, or not at all (R1).

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::history::numbered;
use super::state::State;
use crate::flight::{self, Slot};
use crate::pipeline::Exit;
use domain::broadcast::CampaignMode;
use domain::clock::duration_nanos;
use domain::delivery::table::{Ruling, rule};
use domain::delivery::{Fault, Reply};
use domain::meters;
use domain::pacing::GRACE;
use service::broadcast::delivery::settle::{Answer, Carrier, Lease};
use storage::broadcast::queue::lease::Due;
use telegram::live::{Message, Recipient, StoredMedia};

/// A leased job on its way.
pub struct Executor {
    pub exit: Exit,
    /// The state of the account that sends it.
    pub state: Arc<State>,
    /// The attachment, as the account has put it at Telegram.
    pub media: Option<StoredMedia>,
    /// None where the account does not know the recipient, which TEST mode does not need.
    pub to: Option<Recipient>,
    pub carrier: Carrier,
    pub job: Due,
    pub lease: Lease,
}

impl Executor {
    /// Hands it over at its instant and awaits what becomes of it; or gives it back untouched. The instant is the later one of
    /// the account's slot and the campaign's, `campaign`, after which nothing starts more than a grace later.
    pub async fn run(self, slot: Slot, campaign: i64) {
        let message = match self.message() {
            Ok(Some(message)) => message,
            Ok(None) => return self.tell(None, None),
            Err(why) => {
                tracing::warn!(campaign = %self.exit.mission.id, channel = self.job.username, why, "a text cannot be rendered");
                return self.answered(None, Err(Fault::rpc(400, "TEMPLATE_FAILED")));
            }
        };
        let on = &self.state.tools.on;
        let may_start = |now| {
            let is_open = self.exit.is_open(now) && self.state.connection.is_ready();
            is_open && now <= campaign + duration_nanos(GRACE)
        };
        if !flight::wait_for(&*on.clock, &self.state.holder, slot, may_start).await {
            return self.tell(None, None);
        }
        let started = on.now();
        meters::lag(on.clock.nanos() - slot.at);
        // The first poll is the hand-over.
        let reply = match &self.media {
            Some(media) => self.state.connection.send_media(&message, media).await,
            None => self.state.connection.send(&message).await,
        };
        let reply = numbered(&self.state, &self.exit.mission, (&self.job, &message), started, reply).await;
        if reply.as_ref().is_err_and(|fault| rule(fault) == Ruling::Media) {
            self.forget_media().await;
        }
        self.answered(Some(started), reply);
    }

    /// The prefetcher puts it at Telegram again.
    async fn forget_media(&self) {
        self.state.media().remove(&self.exit.mission.id);
        let Some(attachment) = &self.exit.mission.attachment else { return };
        if let Err(error) = attachment.forget(&self.state.tools.on, self.state.id).await {
            tracing::warn!(account = %self.state.id, ?error, "an expired attachment cannot be forgotten");
        }
    }

    /// None if there is nobody to send it to.
    fn message(&self) -> Result<Option<Message>, String> {
        let random_id = self.job.random_id.ok_or("the job has no random_id")?;
        if self.exit.mission.attachment.is_some() && self.media.is_none() {
            return Ok(None);
        }
        let to = match self.exit.mission.mode {
            CampaignMode::Live => self.to,
            CampaignMode::Test => Some(Recipient::SavedMessages),
        };
        let text = self.exit.mission.text(&self.job)?;
        Ok(to.map(|to| Message { to, text, random_id }))
    }

    fn answered(&self, started: Option<DateTime<Utc>>, reply: Reply) {
        if reply == Err(Fault::NotConnected) {
            return self.tell(None, None);
        }
        self.tell(started, Some(reply));
    }

    fn tell(&self, started_at: Option<DateTime<Utc>>, reply: Option<Reply>) {
        let untouched = Answer::untouched(&self.job, self.lease, self.state.tools.on.now());
        self.exit.tell(Answer { started_at, reply, carrier: Some(self.carrier), ..untouched });
    }
}
