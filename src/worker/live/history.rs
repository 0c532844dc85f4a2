//! Looking for a message in the history of its channel, where no answer told what became of it (R11).

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::EntityTrait;

use super::state::{State, recipient};
use domain::broadcast::CampaignMode;
use domain::delivery::table::{Method, Ruling, rule};
use domain::delivery::{Receipt, Reply};
use domain::error::Result;
use domain::id::ChannelId;
use service::broadcast::delivery::Mission;
use service::broadcast::delivery::settle::{Answer, Carrier, settle};
use storage::broadcast::queue::lease::Due;
use storage::broadcast::queue::prefetch::Item;
use storage::broadcast::queue::requeue;
use storage::broadcast::{channel, job};
use telegram::live::{Message, Sighting, Span};

/// Telegram's clock and this one may differ so much, and a send may have begun so long before its answer was given up.
pub const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// Looks for what may have been sent: if it is there, the job is SENT. If it is not, or nobody can tell, then a job that somebody
/// wants sent again may be sent; and of another one the next lease ends it UNKNOWN: somebody may have removed it.
pub async fn look_back(state: &State, mission: &Mission, item: &Item) -> Result<()> {
    let on = &state.tools.on;
    let mut tried = false;
    let channel = channel::Entity::find_by_id(item.channel_id).one(on.db.reader()).await?;
    let text = channel.and_then(|channel| mission.text_to(&channel).ok());
    let since = item.ambiguous_since.or(item.sought_since);
    if let (Some(to), Some(since), Some(text)) = (recipient(item), since, text) {
        let from = item.started_at.map_or(since, |started| started.min(since)) - MARGIN;
        let has_media = mission.attachment.is_some();
        match state.connection.find_sent(to, &text.text, has_media, Span { from, until: on.now() }).await {
            Ok(Sighting::Sent(message_id)) => return found(state, mission, &item.into(), message_id).await,
            Ok(Sighting::Missing | Sighting::Unclear) => tried = true,
            Err(fault) => match rule(&fault) {
                Ruling::Wait(seconds) | Ruling::SlowMode(seconds) => {
                    state.wait(Method::Read, seconds).await?;
                }
                Ruling::Account(status) => state.park(status, &fault).await?,
                Ruling::Unsent | Ruling::Ambiguous | Ruling::Retry => {}
                _ => tried = true,
            },
        }
    } else {
        tried = true;
    }
    if tried && item.ambiguous_since.is_none() {
        requeue::sought(&on.db, mission.id, item.position).await?;
        state.ready.notify_one();
    } else if tried {
        state.looked_back().insert((mission.id, item.position));
        state.ready.notify_one();
    }
    Ok(())
}

/// The answer to a send, with the number of the message: where it did not bring that, as that to a repetition does not, the
/// history has it. Should it not be found now, it is looked for when somebody wants the message changed.
pub async fn numbered(
    state: &State,
    mission: &Mission,
    (job, message): (&Due, &Message),
    started: DateTime<Utc>,
    reply: Reply,
) -> Reply {
    let has_number = !matches!(reply, Ok(Receipt::Duplicate | Receipt::Accepted { message_id: None }));
    let on = &state.tools.on;
    if has_number || mission.mode != CampaignMode::Live || !state.reading.is_open(on.clock.nanos()) {
        return reply;
    }
    let from = job.ambiguous_since.map_or(started, |since| since.min(started)) - MARGIN;
    let (to, span) = (message.to, Span { from, until: on.now() });
    match state.connection.find_sent(to, &message.text.text, mission.attachment.is_some(), span).await {
        Ok(Sighting::Sent(number)) => return Ok(Receipt::Accepted { message_id: Some(number) }),
        Ok(Sighting::Missing | Sighting::Unclear) => {}
        Err(fault) => {
            if let Ruling::Wait(seconds) | Ruling::SlowMode(seconds) = rule(&fault)
                && let Err(error) = state.wait(Method::Read, seconds).await
            {
                tracing::warn!(account = %state.id, ?error, "a wait can't be written down");
            }
        }
    }
    reply
}

/// A job whose message was looked for.
pub struct Sought {
    position: i32,
    channel: ChannelId,
    random_id: Option<i64>,
    ambiguous_since: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
}

impl From<&Item> for Sought {
    fn from(item: &Item) -> Self {
        let Item { position, channel_id, random_id, ambiguous_since, started_at, .. } = *item;
        Self { position, channel: channel_id, random_id, ambiguous_since, started_at }
    }
}

impl From<&job::Model> for Sought {
    fn from(job: &job::Model) -> Self {
        let job::Model { position, channel_id, random_id, ambiguous_since, started_at, .. } = *job;
        Self { position, channel: channel_id, random_id, ambiguous_since, started_at }
    }
}

/// A receipt counts whoever brings it (R9): it is matched by the job's identity, for nobody has leased it.
pub async fn found(state: &State, mission: &Mission, sought: &Sought, message_id: i64) -> Result<()> {
    let answer = Answer {
        position: sought.position,
        channel: sought.channel,
        channel_errors: 0,
        random_id: sought.random_id.unwrap_or_default(),
        key: 0,
        seq: 0,
        run: mission.run,
        attempts: 0,
        ambiguous_since: sought.ambiguous_since,
        started_at: sought.started_at,
        ended_at: sought.started_at.unwrap_or_else(|| state.tools.on.now()),
        reply: Some(Ok(Receipt::Accepted { message_id: Some(message_id) })),
        carrier: Some(Carrier { account: state.id, is_peer_fresh: false, slow_seconds: None }),
    };
    settle(&state.tools.on, mission, &[answer], &[]).await
}
