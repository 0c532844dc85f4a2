//! Looking for a message in the history of its channel, when nobody may repeat it any more (R11).

use chrono::TimeDelta;
use sea_orm::EntityTrait;

use super::state::{State, recipient};
use domain::delivery::Receipt;
use domain::delivery::table::{Method, Ruling, rule};
use domain::error::Result;
use service::broadcast::delivery::Mission;
use service::broadcast::delivery::settle::{Answer, Carrier, settle};
use storage::broadcast::channel;
use storage::broadcast::queue::prefetch::Item;
use telegram::live::{Sighting, Span};

/// Telegram's clock and this one may differ so much.
const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// Looks for what may have been sent: if it is there, the job is SENT. If it is not, or nobody can tell, the next lease of the
/// job ends it UNKNOWN: somebody may have removed it.
pub async fn look_back(state: &State, mission: &Mission, item: &Item) -> Result<()> {
    let on = &state.tools.on;
    let mut tried = false;
    let channel = channel::Entity::find_by_id(item.channel_id).one(on.db.reader()).await?;
    let text = channel.and_then(|channel| mission.text_to(&channel).ok());
    if let (Some(to), Some(since), Some(text)) = (recipient(item), item.ambiguous_since, text) {
        let from = item.started_at.map_or(since, |started| started.min(since)) - MARGIN;
        match state.connection.find_sent(to, &text.text, Span { from, until: on.now() }).await {
            Ok(Sighting::Sent(message_id)) => return found(state, mission, item, message_id).await,
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
    if tried {
        state.looked_back().insert((mission.id, item.position));
        state.ready.notify_one();
    }
    Ok(())
}

/// A receipt counts whoever brings it (R9): it is matched by the job's identity, for nobody has leased it.
async fn found(state: &State, mission: &Mission, item: &Item, message_id: i64) -> Result<()> {
    let answer = Answer {
        position: item.position,
        channel: item.channel_id,
        channel_errors: 0,
        random_id: item.random_id.unwrap_or_default(),
        key: 0,
        seq: 0,
        run: mission.run,
        attempts: 0,
        ambiguous_since: item.ambiguous_since,
        started_at: item.started_at,
        ended_at: item.started_at.unwrap_or_else(|| state.tools.on.now()),
        reply: Some(Ok(Receipt::Accepted { message_id: Some(message_id) })),
        carrier: Some(Carrier { account: state.id, is_peer_fresh: false, slow_seconds: None }),
    };
    settle(&state.tools.on, mission, &[answer], &[]).await
}
