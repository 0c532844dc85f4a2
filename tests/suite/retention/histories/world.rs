//! An installation in which histories are played by the use cases that the API, the callbacks and the workers call.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::VirtualClock;
use domain::error::Error;
use domain::id::{RetentionCampaignId, RetentionSequenceId, ScriptId};
use domain::retention::pace::Lead;
use domain::retention::schedule_clock::Pace;
use domain::retention::verdict::Outcome;
use domain::retention::words::{ContactChannel, DelayUnit};
use providers::Message;
use service::broadcast::delivery::sender;
use service::retention::delivery::lease::{Claim, Ready, lease};
use service::retention::delivery::settle::{Answer, settle};
use service::retention::{callback, campaign, sequence};
use storage::Noun;
use storage::broadcast::sender as senders;
use storage::retention::{campaign as campaigns, lead as leads};

use super::super::engine::{Bureau, step};
use super::Op;
use super::oracle::{Case, Made, Oracle};
use crate::delivery::fixture::Office;

/// Contacts a minute of each channel.
const RATE: i64 = 60_000;
/// An installation without a worker, whose steps are taken by the test.
pub struct World {
    pub bureau: Bureau,
    clock: Arc<VirtualClock>,
    sender: senders::Model,
    mail: ScriptId,
    text: ScriptId,
}

/// What one history has.
pub struct History<'a> {
    pub world: &'a World,
    pub number: usize,
    pub oracle: Oracle,
    pub campaigns: Vec<RetentionCampaignId>,
    pub sequences: Vec<RetentionSequenceId>,
    /// The links of the emails that went out, and where those went.
    pub links: Vec<(String, String)>,
    pub texts: usize,
    contacts: usize,
}

impl World {
    pub async fn open() -> Self {
        // A Monday morning.
        let clock = Arc::new(VirtualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let bureau = Bureau { office: Office::with_clock(clock.clone()).await };
        let on = &bureau.office.on;
        let sender = worker::identity(on).unwrap();
        sender::register(on, &sender).await.unwrap();
        let mail = bureau.script(ContactChannel::Email, "Hello").await;
        let text = bureau.script(ContactChannel::Sms, "Hello").await;
        Self { bureau, clock, sender, mail, text }
    }

    /// Plays a history. Returns how many contacts were made in it.
    ///
    /// # Errors
    /// Somebody was contacted who must not be, or something failed that can't.
    pub async fn play(&self, number: usize, ops: &[Op]) -> Result<usize, String> {
        let (mut campaigns, mut sequences) = (Vec::new(), Vec::new());
        for _ in 0..super::CAMPAIGNS {
            campaigns.push(self.bureau.campaign(|row| row.time_zone = Some("Europe/Berlin".into())).await);
        }
        for campaign in campaigns.iter().copied().map(Some).chain([None]) {
            let steps = [
                (ContactChannel::Email, self.mail, 0),
                (ContactChannel::Sms, self.text, 3),
                (ContactChannel::Email, self.mail, 20),
                (ContactChannel::Sms, self.text, 24),
            ];
            let steps = steps.map(|(channel, script, hours)| step(channel, script, hours, DelayUnit::Hours));
            sequences.push(self.bureau.sequence(steps.to_vec(), |new| new.campaign = campaign).await.id);
        }
        let (oracle, links) = (Oracle::default(), Vec::new());
        let mut history = History { world: self, number, oracle, campaigns, sequences, links, texts: 0, contacts: 0 };
        for op in ops {
            history.does(op).await.map_err(|why| format!("{why} (history {number}, at {op:?})"))?;
        }
        history.does(&Op::Pass(2_880)).await?;
        for sequence in &history.sequences {
            let Office { on, actor, .. } = &self.bureau.office;
            allowed(self.in_time(sequence::archive(on, actor, *sequence)).await)?;
        }
        Ok(history.contacts)
    }

    /// The outcome of what waits for time that passes.
    pub async fn in_time<T>(&self, work: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.clock.advance(Duration::from_millis(100));
            }
        };
        tokio::select! {
            outcome = work => outcome,
            () = passing => unreachable!("time does not end"),
        }
    }
}

/// What is refused in plain words is a part of any history; the rest is a fault.
pub fn allowed<T>(outcome: Result<T, Error>) -> Result<Option<T>, String> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(
            Error::Conflict(_) | Error::Precondition(_) | Error::Transition(_) | Error::Invalid(_) | Error::NotFound(_),
        ) => Ok(None),
        Err(error) => Err(format!("this can't fail: {error:?}")),
    }
}

impl History<'_> {
    /// Lets time pass in some steps; in each what is due is done.
    pub async fn pass(&mut self, minutes: u64) -> Result<(), String> {
        let on = &self.world.bureau.office.on;
        for _ in 0..4 {
            self.world.clock.advance(Duration::from_secs(minutes * 15));
            callback::pump(on).await.map_err(|error| format!("{error:?}"))?;
            for channel in [ContactChannel::Email, ContactChannel::Sms] {
                while self.round(channel).await? {
                    self.world.clock.advance(Duration::from_millis(300));
                }
            }
            // Late, as a process may be.
            campaign::keep_dates(on).await.map_err(|error| format!("{error:?}"))?;
        }
        Ok(())
    }

    /// Leases what is due on a channel, hands it over, and settles it. False: there was nothing.
    async fn round(&mut self, channel: ContactChannel) -> Result<bool, String> {
        let on = &self.world.bureau.office.on;
        let claim = Claim {
            channel,
            rate: RATE,
            clock: Pace::REAL,
            sender: self.world.sender.id,
            epoch: self.world.sender.epoch,
            key: storage::broadcast::queue::new_key(),
            limit: 50,
            lead: Lead::default(),
        };
        let now = on.now();
        let leased = match lease(on, &claim).await {
            Err(Error::Precondition(_)) => return Ok(false),
            leased => leased.map_err(|error| format!("{error:?}"))?,
        };
        let mut answers = Vec::new();
        for ready in &leased.ready {
            let outcome =
                if ready.slot == 0 { Outcome::Untouched } else { self.hand_over(ready, channel, now).await? };
            answers.push(answer(ready, outcome));
        }
        settle(on, &answers).await.map_err(|error| format!("{error:?}"))?;
        Ok(leased.is_done)
    }

    async fn hand_over(
        &mut self,
        ready: &Ready,
        channel: ContactChannel,
        now: DateTime<Utc>,
    ) -> Result<Outcome, String> {
        let db = self.world.bureau.office.on.db.reader();
        let lead = leads::Entity::by_ids(&[ready.lead]).one(db).await.unwrap().ok_or("the lead is gone")?;
        let campaign = match ready.campaign {
            Some(id) => campaigns::Entity::by_ids(&[id]).one(db).await.unwrap(),
            None => None,
        };
        let to = ready.contact.message.to();
        self.oracle.judge(&Case { to, channel, lead: &lead, campaign: campaign.as_ref(), now })?;
        self.contacts += 1;
        if let Message::Email(mail) = &ready.contact.message {
            let link = mail.unsubscribe.as_deref().and_then(|url| url.rsplit('/').next());
            self.links.push((link.ok_or("an email has no link")?.to_owned(), mail.to.clone()));
        }
        let outcome = match self.contacts % 7 {
            3 => Outcome::Refused { is_permanent: false, pause: None },
            5 => Outcome::Unknown,
            _ => Outcome::Accepted,
        };
        if !matches!(outcome, Outcome::Refused { .. }) {
            self.oracle.made.push(Made { lead: lead.id, channel, at: now });
        }
        Ok(outcome)
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
