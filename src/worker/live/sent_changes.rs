//! Editing, deleting and finding what the account has sent, at the pace at which it sends.
//!
//! A message whose number no answer has brought is looked for in the history first, and the number is written down before anything
//! is done with it. So whatever is cut off can be done again, as often as it is cut off.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::EntityTrait;

use super::history::{MARGIN, found};
use super::state::State;
use crate::tools::{LOOK, is_work};
use domain::broadcast::{CampaignMode, JobStatus, SentChangeKind};
use domain::clock::instant;
use domain::delivery::table::{Method, Ruling, rule};
use domain::delivery::{Fault, wait_until};
use domain::error::Result;
use events::Event;
use service::broadcast::delivery::{Mission, account};
use storage::broadcast::queue::{budget, peers, requeue};
use storage::broadcast::sent_change::{ACCOUNT_REMOVED, Came, Entity, Model, settle};
use storage::broadcast::{account_peer, channel, job};
use telegram::live::{Recipient, Sighting, Span};

/// Changes that are read at once.
const READ: u64 = 20;
/// Attempts that end in an error that Telegram says may pass.
const ATTEMPTS: i32 = 5;
/// How long it waits at most after an error that may pass, in seconds.
const LONGEST_PAUSE: i64 = 300;
/// How long a look-up waits for which the day has no room.
const NO_ROOM: TimeDelta = TimeDelta::minutes(10);

/// Changes messages until the driver ends.
pub async fn run(state: Arc<State>) {
    let clock = state.tools.on.clock.clone();
    let mut events = state.tools.on.events.subscribe();
    while !state.stop.is_cancelled() {
        events.forget();
        match turn(&state).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(account = %state.id, ?error, "what was sent cannot be changed"),
        }
        tokio::select! {
            () = clock.sleep(LOOK) => {}
            () = events.woken(is_work) => {}
            () = state.stop.cancelled() => {}
        }
    }
}

fn may(state: &State) -> bool {
    state.is_usable() && state.gate.is_open(state.tools.on.clock.nanos())
}

/// Does what is due; whether there may be more at once.
async fn turn(state: &State) -> Result<bool> {
    let on = &state.tools.on;
    if !may(state) {
        return Ok(false);
    }
    let due = Entity::due(on.db.reader(), state.id, on.now(), READ).await?;
    let is_full = due.len() as u64 == READ;
    if due.is_empty() {
        return Ok(false);
    }
    let Some(account) = account::reload(on, state.id).await? else { return Ok(false) };
    let rate = u32::try_from(account.messages_per_minute.max(1)).unwrap_or(1);
    for change in due {
        if !may(state) {
            return Ok(false);
        }
        let came = Attempt::of(state, &change).await?;
        settle(&on.db, &change, &came).await?;
        // The line above is one statement without a transaction that could tell.
        on.tell(Event::Campaign(change.campaign_id));
        if matches!(came, Came::Unsent | Came::Another(_)) {
            continue;
        }
        tokio::select! { () = on.clock.sleep(Duration::from_mins(1) / rate) => {}, () = state.stop.cancelled() => {} }
    }
    Ok(is_full)
}

/// One attempt at one change.
struct Attempt<'a> {
    state: &'a State,
    change: &'a Model,
    mission: Mission,
    job: job::Model,
}

/// The value, or what has come of the attempt instead.
type Step<T> = Result<std::result::Result<T, Came>>;

impl<'a> Attempt<'a> {
    async fn of(state: &'a State, change: &'a Model) -> Result<Came> {
        let db = state.tools.on.db.reader();
        let Some(job) = job::Entity::at(change.campaign_id, change.position).one(db).await? else {
            return Ok(Came::Unsent);
        };
        match job.status {
            JobStatus::Sent | JobStatus::Unknown => {}
            JobStatus::Queued if job.ambiguous_since.is_some() => {}
            JobStatus::Sending => {
                let at = state.tools.on.now() + TimeDelta::seconds(1);
                return Ok(Came::Later { at, why: "SENDING".into(), counts: false });
            }
            JobStatus::Queued | JobStatus::Failed | JobStatus::Cancelled => return Ok(Came::Unsent),
        }
        match job.account_id {
            Some(account) if account == change.account_id => {}
            Some(account) => return Ok(Came::Another(account)),
            None => return Ok(Came::Failed(ACCOUNT_REMOVED.into())),
        }
        let mission = Mission::load(&state.tools.on, change.campaign_id).await?;
        let attempt = Attempt { state, change, mission, job };
        attempt.carry_out().await.map(|step| step.err().unwrap_or(Came::Done))
    }

    async fn carry_out(&self) -> Step<()> {
        let db = self.state.tools.on.db.reader();
        let Some(channel) = channel::Entity::find_by_id(self.change.channel_id).one(db).await? else {
            return Ok(Err(Came::Failed("CHANNEL_REMOVED".into())));
        };
        let mut is_fresh = false;
        loop {
            let to = match self.recipient(&channel, is_fresh).await? {
                Ok(to) => to,
                Err(came) => return Ok(Err(came)),
            };
            match self.change_at(to, &channel).await? {
                Ok(()) => return Ok(Ok(())),
                // What the account knows of the channel may be out of date.
                Err(Refused::By(fault)) if rule(&fault) == Ruling::Peer && !is_fresh => is_fresh = true,
                Err(Refused::By(fault)) => return self.refused(&fault).await.map(Err),
                Err(Refused::Came(came)) => return Ok(Err(came)),
            }
        }
    }

    async fn change_at(&self, to: Recipient, channel: &channel::Model) -> Result<std::result::Result<(), Refused>> {
        let number = match self.job.message_id {
            Some(number) => number,
            None => match self.find(to, channel).await? {
                Ok(number) => number,
                Err(refused) => return Ok(Err(refused)),
            },
        };
        let Ok(id) = i32::try_from(number) else { return Ok(Err(Refused::with("MESSAGE_ID_INVALID"))) };
        let done = match self.change.kind {
            SentChangeKind::Find => Ok(()),
            SentChangeKind::Delete => self.state.connection.delete(to, vec![id]).await,
            SentChangeKind::Edit => match self.mission.text_to(channel) {
                Ok(text) => self.state.connection.edit(to, id, &text).await,
                Err(why) => return Ok(Err(Refused::with(&why))),
            },
        };
        Ok(done.map_err(Refused::By))
    }

    /// The number of the message, from the history. It is written down before anything else: once the text is another one, nobody
    /// finds the message again.
    async fn find(&self, to: Recipient, channel: &channel::Model) -> Result<std::result::Result<i64, Refused>> {
        let on = &self.state.tools.on;
        if !self.state.reading.is_open(on.clock.nanos()) {
            let at = instant(self.state.reading.held_until());
            return Ok(Err(Refused::Came(Came::Later { at, why: "FLOOD_WAIT".into(), counts: false })));
        }
        let text = match self.mission.former_text_to(self.change.sought.as_deref(), channel) {
            Ok(text) => text,
            Err(why) => return Ok(Err(Refused::with(&why))),
        };
        let has_media = self.mission.attachment.is_some();
        match self.state.connection.find_sent(to, &text.text, has_media, self.span()).await {
            Ok(Sighting::Sent(number)) => {
                if self.job.status == JobStatus::Sent {
                    requeue::number(&on.db, self.job.campaign_id, self.job.position, number).await?;
                } else {
                    found(self.state, &self.mission, &(&self.job).into(), number).await?;
                }
                Ok(Ok(number))
            }
            Ok(Sighting::Missing) => Ok(Err(Refused::with("NOT_IN_HISTORY"))),
            Ok(Sighting::Unclear) => Ok(Err(Refused::with("HISTORY_TOO_LONG"))),
            Err(fault) => {
                if let Ruling::Wait(seconds) = rule(&fault) {
                    let at = self.state.wait(Method::Read, seconds).await?;
                    let why = fault.to_string();
                    return Ok(Err(Refused::Came(Came::Later { at, why, counts: false })));
                }
                Ok(Err(Refused::By(fault)))
            }
        }
    }

    /// When it was sent, if it was: of a job that is in doubt no answer told so.
    fn span(&self) -> Span {
        let job = &self.job;
        let began = job.ambiguous_since.unwrap_or(job.created_at);
        let from = job.started_at.map_or(began, |started| started.min(began));
        let until = job.sent_at.map_or_else(|| self.state.tools.on.now(), |sent| sent.max(from));
        Span { from: from - MARGIN, until: until + MARGIN }
    }

    /// Whom it was sent to. What the account does not know any more is looked up; a name that leads to another channel now is
    /// none: a number means another message there.
    async fn recipient(&self, channel: &channel::Model, again: bool) -> Step<Recipient> {
        if self.mission.mode == CampaignMode::Test {
            return Ok(Ok(Recipient::SavedMessages));
        }
        let (on, own) = (&self.state.tools.on, self.state.id);
        let known = account_peer::Entity::find_by_id((own, channel.id)).one(on.db.reader()).await?;
        let (peer_id, to) = match known.and_then(|peer| Some((peer.peer_id, peer.is_user, peer.access_hash?))) {
            Some((id, is_user, access_hash)) if !again => {
                (id, if is_user { Recipient::User { id, access_hash } } else { Recipient::Channel { id, access_hash } })
            }
            _ => match self.look_up(channel).await? {
                Ok(found) => found,
                Err(came) => return Ok(Err(came)),
            },
        };
        if self.job.peer_id.is_some_and(|sent_to| sent_to != peer_id) {
            return Ok(Err(Came::Failed("CHANNEL_MOVED".into())));
        }
        Ok(Ok(to))
    }

    async fn look_up(&self, channel: &channel::Model) -> Step<(i64, Recipient)> {
        let on = &self.state.tools.on;
        let later = |at: DateTime<Utc>| Came::Later { at, why: "RESOLVES_SPENT".into(), counts: false };
        if !self.state.resolving.is_open(on.clock.nanos()) {
            return Ok(Err(later(instant(self.state.resolving.held_until()))));
        }
        if !budget::resolve(&on.db, self.state.id, on.now(), 0).await? {
            return Ok(Err(later(on.now() + NO_ROOM)));
        }
        match self.state.connection.resolve(&channel.username).await {
            Ok(found) => {
                let known = super::prefetcher::as_found(&found);
                peers::know(&on.db, (self.state.id, channel.id), known, on.now()).await?;
                Ok(Ok((found.peer_id, found.recipient)))
            }
            Err(fault) => match rule(&fault) {
                Ruling::Wait(seconds) => Ok(Err(later(self.state.wait(Method::Resolve, seconds).await?))),
                _ => self.refused(&fault).await.map(Err),
            },
        }
    }

    /// Draws the consequences of a refusal: for the message, or for the account (R18). To try again does no harm, whatever has come
    /// of it.
    async fn refused(&self, fault: &Fault) -> Result<Came> {
        let (state, change) = (self.state, self.change);
        let now = state.tools.on.now();
        let later = |at, counts| Came::Later { at, why: fault.to_string(), counts };
        let pause = TimeDelta::seconds((1_i64 << change.attempts.clamp(0, 16)).min(LONGEST_PAUSE));
        Ok(match rule(fault) {
            Ruling::Wait(seconds) => later(state.wait(Method::Send, seconds).await?, false),
            Ruling::SlowMode(seconds) => later(wait_until(now, seconds), false),
            Ruling::Account(status) => {
                state.park(status, fault).await?;
                later(now + TimeDelta::minutes(1), false)
            }
            Ruling::Unsent => later(now + TimeDelta::seconds(1), false),
            // The line was lost, however often: the server has not spoken.
            Ruling::Ambiguous if !matches!(fault, Fault::Rpc { .. }) => later(now + TimeDelta::seconds(1), false),
            Ruling::Ambiguous | Ruling::Retry | Ruling::Defer if change.attempts < ATTEMPTS => later(now + pause, true),
            _ => Came::Failed(fault.to_string()),
        })
    }
}

/// Why a message is not changed now.
enum Refused {
    /// Telegram, or the way to it.
    By(Fault),
    /// Herald itself.
    Came(Came),
}

impl Refused {
    fn with(why: &str) -> Self {
        Self::Came(Came::Failed(why.into()))
    }
}
