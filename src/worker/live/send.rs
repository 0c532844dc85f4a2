//! One message through one account: at its instant, or not at all (R1).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::seat::Seat;
use crate::gate::Gate;
use domain::broadcast::CampaignMode;
use domain::clock;
use domain::delivery::table::{Ruling, rule};
use domain::delivery::{Attempt, Effect, Fault, Reply, judge};
use domain::meters;
use domain::pacing::{GRACE, Start, start};
use service::broadcast::delivery::Mission;
use service::broadcast::delivery::settle::{Answer, Carrier};
use storage::broadcast::queue::lease::Due;
use telegram::live::{Message, Recipient, StoredMedia};

/// When a message is to start.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// The later one of the account's slot and the campaign's, in nanoseconds since 1970.
    pub at: i64,
    /// The campaign's: nothing starts more than a grace after it.
    pub campaign: i64,
    /// When its claim began, on the monotonic clock.
    pub claimed: Duration,
}

/// A leased job on its way.
pub struct Send {
    pub mission: Arc<Mission>,
    /// Of the campaign's run.
    pub campaign: Arc<Gate>,
    /// The account that sends it.
    pub seat: Arc<Seat>,
    /// What goes along, as the account has put it at Telegram.
    pub media: Option<StoredMedia>,
    pub answers: mpsc::UnboundedSender<Answer>,
    /// None where the account does not know the recipient, which TEST mode does not need.
    pub to: Option<Recipient>,
    pub carrier: Carrier,
    pub job: Due,
    /// The key of its lease, and the lease's entry in the change log.
    pub lease: (i64, i64),
    pub run: i32,
}

impl Send {
    /// Hands it over at its instant and awaits what becomes of it; or gives it back untouched.
    pub async fn run(self, slot: Slot) {
        let message = match self.message() {
            Ok(Some(message)) => message,
            Ok(None) => return self.tell(None, None),
            Err(why) => {
                tracing::warn!(campaign = %self.mission.id, channel = self.job.username, why, "a text cannot be rendered");
                return self.answered(None, Err(Fault::rpc(400, "TEMPLATE_FAILED")));
            }
        };
        if !self.wait_for(slot).await {
            return self.tell(None, None);
        }
        let started = self.seat.tools.on.now();
        meters::lag(self.seat.tools.on.clock.nanos() - slot.at);
        // The first poll is the hand-over.
        let reply = match &self.media {
            Some(media) => self.seat.connection.send_media(&message, media).await,
            None => self.seat.connection.send(&message).await,
        };
        if reply.as_ref().is_err_and(|fault| rule(fault) == Ruling::Media) {
            self.forget_media().await;
        }
        self.answered(Some(started), reply);
    }

    /// The preparer puts it at Telegram again.
    async fn forget_media(&self) {
        self.seat.media().remove(&self.mission.id);
        let Some(attachment) = &self.mission.attachment else { return };
        if let Err(error) = attachment.forget(&self.seat.tools.on, self.seat.id).await {
            tracing::warn!(account = %self.seat.id, ?error, "an expired attachment cannot be forgotten");
        }
    }

    /// None if there is nobody to send it to.
    fn message(&self) -> Result<Option<Message>, String> {
        let random_id = self.job.random_id.ok_or("the job has no random_id")?;
        if self.mission.attachment.is_some() && self.media.is_none() {
            return Ok(None);
        }
        let to = match self.mission.mode {
            CampaignMode::Live => self.to,
            CampaignMode::Test => Some(Recipient::SavedMessages),
        };
        let text = self.mission.text(&self.job)?;
        Ok(to.map(|to| Message { to, text, random_id }))
    }

    /// Waits for the instant; false if the send must not start.
    async fn wait_for(&self, slot: Slot) -> bool {
        let clock = &self.seat.tools.on.clock;
        loop {
            let (now, elapsed) = (clock.nanos(), clock.monotonic());
            let is_open = self.campaign.is_open(now) && self.seat.gate.is_open(now);
            if !is_open || !self.seat.holder.is_valid(elapsed) || !self.seat.connection.is_ready() {
                return false;
            }
            if now > slot.campaign + clock::duration_nanos(GRACE) {
                return false;
            }
            match start(slot.at, now, slot.claimed, elapsed) {
                Start::Go => return true,
                Start::Missed => return false,
                Start::Wait(nanos) => clock.sleep(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))).await,
            }
        }
    }

    fn answered(&self, started: Option<DateTime<Utc>>, reply: Reply) {
        if reply == Err(Fault::NotConnected) {
            return self.tell(None, None);
        }
        self.obey(&reply);
        self.tell(started, Some(reply));
    }

    /// R18: a wait closes the account's gate before anything else happens; the settlement makes it known to all.
    fn obey(&self, reply: &Reply) {
        let attempt = Attempt {
            attempts: self.job.attempts,
            ambiguous_since: self.job.ambiguous_since,
            ended: self.seat.tools.on.now(),
            is_peer_fresh: self.carrier.is_peer_fresh,
            has_history: self.mission.mode == CampaignMode::Live,
        };
        match judge(reply, attempt, self.mission.policy).effect {
            Effect::Wait { until, .. } => self.seat.gate.hold(clock::nanos(until)),
            Effect::AccountRefused(_) => self.seat.gate.close(),
            Effect::ContentRefused => self.campaign.close(),
            _ => {}
        }
    }

    fn tell(&self, started_at: Option<DateTime<Utc>>, reply: Option<Reply>) {
        let (key, seq) = self.lease;
        let answer = Answer {
            position: self.job.position,
            channel: self.job.channel_id,
            channel_errors: self.job.error_count,
            random_id: self.job.random_id.unwrap_or_default(),
            key,
            seq,
            run: self.run,
            attempts: self.job.attempts,
            ambiguous_since: self.job.ambiguous_since,
            started_at,
            ended_at: self.seat.tools.on.now(),
            reply,
            carrier: Some(self.carrier),
        };
        if self.answers.send(answer).is_err() {
            tracing::error!(campaign = %self.mission.id, "an answer came after its settler was gone");
        }
    }
}
