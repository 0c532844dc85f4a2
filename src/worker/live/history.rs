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
use storage::broadcast::queue::{doubt, requeue};
use storage::broadcast::{channel, job, telegram_account};
use telegram::live::{Message, Sighting, Span};

/// Telegram's clock and this one may differ so much, and a send may have begun so long before its answer was given up.
pub const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// Looks for what may have been sent: if it is there, the job is SENT. If it is not, or nobody can tell, then a job that somebody
/// wants sent again may be sent; and of another one the next lease ends it UNKNOWN: somebody may have removed it. A job of which a
/// restored database does not know enough may be sent only if it is surely not there.
pub async fn look_back(state: &State, mission: &Mission, item: &Item) -> Result<()> {
    let on = &state.tools.on;
    let doubted = mission.doubted.filter(|(since, _)| item.sought_since == Some(*since));
    let (mut tried, mut is_sure) = (false, false);
    let channel = channel::Entity::find_by_id(item.channel_id).one(on.db.reader()).await?;
    let text = channel.and_then(|channel| mission.text_to(&channel).ok());
    let since = item.ambiguous_since.or(item.sought_since);
    if let (Some(to), Some(since), Some(text)) = (recipient(item), since, text) {
        let from = item.started_at.map_or(since, |started| started.min(since)) - MARGIN;
        // What this database has sent itself since, it knows.
        let until = doubted.filter(|_| item.ambiguous_since.is_none()).map_or(on.now(), |(_, until)| until + MARGIN);
        let ours = if doubted.is_some() { users(state).await? } else { Vec::new() };
        let (has_media, span) = (mission.attachment.is_some(), Span { from, until });
        match state.connection.find_sent_by(&ours, to, &text.text, has_media, span).await {
            Ok(Sighting::Sent(message_id)) => {
                let sought = identified(state, mission, item).await?;
                return found(state, mission, &sought, message_id).await;
            }
            // What another account of ours has written to a person, this one does not see.
            Ok(Sighting::Missing) => (tried, is_sure) = (true, !item.is_private() || ours.len() < 2),
            Ok(Sighting::Unclear) => tried = true,
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
        // It can't be sent either.
        (tried, is_sure) = (true, true);
    }
    if tried && doubted.is_some() && !is_sure {
        identified(state, mission, item).await?;
        let window = TimeDelta::from_std(mission.policy.dedupe_window).unwrap_or(TimeDelta::MAX);
        let long_ago = on.now().checked_sub_signed(window).unwrap_or(DateTime::UNIX_EPOCH);
        let since = since.map_or(long_ago, |since| since.min(long_ago));
        doubt::unknowable(&on.db, mission.id, item.position, since).await?;
        state.looked_back().insert((mission.id, item.position));
        state.ready.notify_one();
    } else if tried && item.ambiguous_since.is_none() {
        requeue::sought(&on.db, mission.id, item.position).await?;
        state.ready.notify_one();
    } else if tried {
        state.looked_back().insert((mission.id, item.position));
        state.ready.notify_one();
    }
    Ok(())
}

/// The Telegram users that Herald sends by.
async fn users(state: &State) -> Result<Vec<i64>> {
    let accounts = telegram_account::Entity::find().all(state.tools.on.db.reader()).await?;
    Ok(accounts.into_iter().filter_map(|account| account.telegram_user_id).collect())
}

/// The job with its identity, which it gets now if it was never leased.
async fn identified(state: &State, mission: &Mission, item: &Item) -> Result<Sought> {
    let sought = Sought::from(item);
    if sought.random_id.is_some() {
        return Ok(sought);
    }
    let on = &state.tools.on;
    let random_id = on.keys.lasting.random_id(mission.identities(), item.job.id.0, item.job.epoch);
    doubt::identify(&on.db, mission.id, item.position, random_id).await?;
    Ok(Sought { random_id: Some(random_id), ..sought })
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
