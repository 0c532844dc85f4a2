//! Editing and deleting what the account has sent, at the pace at which it sends.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::EntityTrait;

use super::state::State;
use crate::tools::LOOK;
use domain::broadcast::{CampaignMode, SentChangeKind};
use domain::delivery::table::{Method, Ruling, rule};
use domain::delivery::{Fault, wait_until};
use domain::error::{Error, Result};
use events::Event;
use service::broadcast::delivery::{Mission, account};
use storage::broadcast::sent_change::{Came, Entity, Model, settle};
use storage::broadcast::{account_peer, channel};
use telegram::live::Recipient;

/// Changes that are read at once.
const READ: u64 = 20;
/// Attempts that end in an error that may pass.
const ATTEMPTS: i32 = 5;

/// Changes messages until the driver ends.
pub async fn run(state: Arc<State>) {
    let clock = state.tools.on.clock.clone();
    while !state.stop.is_cancelled() {
        if let Err(error) = turn(&state).await {
            tracing::warn!(account = %state.id, ?error, "what was sent cannot be changed");
        }
        tokio::select! { () = clock.sleep(LOOK) => {}, () = state.stop.cancelled() => {} }
    }
}

fn may(state: &State) -> bool {
    state.is_usable() && state.gate.is_open(state.tools.on.clock.nanos())
}

async fn turn(state: &State) -> Result<()> {
    let on = &state.tools.on;
    if !may(state) {
        return Ok(());
    }
    let due = Entity::due(on.db.reader(), state.id, on.now(), READ).await?;
    if due.is_empty() {
        return Ok(());
    }
    let Some(account) = account::reload(on, state.id).await? else { return Ok(()) };
    let rate = u32::try_from(account.messages_per_minute.max(1)).unwrap_or(1);
    for change in due {
        if !may(state) {
            break;
        }
        let came = attempt(state, &change).await?;
        settle(&on.db, &change, &came).await?;
        // The line above is one statement without a transaction that could tell.
        on.tell(Event::Campaign(change.campaign_id));
        tokio::select! { () = on.clock.sleep(Duration::from_mins(1) / rate) => {}, () = state.stop.cancelled() => {} }
    }
    Ok(())
}

/// Tries one change.
async fn attempt(state: &State, change: &Model) -> Result<Came> {
    let on = &state.tools.on;
    let mission = Mission::load(on, change.campaign_id).await?;
    let Some(to) = recipient(state, &mission, change).await? else {
        return Ok(Came::Failed("PEER_ID_INVALID".into()));
    };
    let Ok(id) = i32::try_from(change.message_id) else { return Ok(Came::Failed("MESSAGE_ID_INVALID".into())) };
    let done = match change.kind {
        SentChangeKind::Delete => state.connection.delete(to, vec![id]).await,
        SentChangeKind::Edit => {
            let channel = channel::Entity::find_by_id(change.channel_id).one(on.db.reader()).await?;
            let text = channel.ok_or(Error::NotFound("channel")).map(|channel| mission.text_to(&channel))?;
            match text {
                Ok(text) => state.connection.edit(to, id, &text).await,
                Err(why) => return Ok(Came::Failed(why)),
            }
        }
    };
    match done {
        Ok(()) => Ok(Came::Done),
        Err(fault) => refused(state, change, &fault).await,
    }
}

async fn recipient(state: &State, mission: &Mission, change: &Model) -> Result<Option<Recipient>> {
    if mission.mode == CampaignMode::Test {
        return Ok(Some(Recipient::SavedMessages));
    }
    let known = account_peer::Entity::find_by_id((state.id, change.channel_id)).one(state.tools.on.db.reader()).await?;
    Ok(known.and_then(|peer| {
        let (id, access_hash) = (peer.peer_id, peer.access_hash?);
        Some(if peer.is_user { Recipient::User { id, access_hash } } else { Recipient::Channel { id, access_hash } })
    }))
}

/// Draws the consequences of a refusal: for the message, or for the account (R18). To try again does no harm, whatever
/// has come of it.
async fn refused(state: &State, change: &Model, fault: &Fault) -> Result<Came> {
    let on = &state.tools.on;
    let later = |seconds| Came::Later(on.now() + TimeDelta::seconds(seconds), fault.to_string());
    Ok(match rule(fault) {
        Ruling::Wait(seconds) => Came::Later(state.wait(Method::Send, seconds).await?, fault.to_string()),
        Ruling::SlowMode(seconds) => Came::Later(wait_until(on.now(), seconds), fault.to_string()),
        Ruling::Account(status) => {
            state.park(status, fault).await?;
            later(60)
        }
        Ruling::Unsent => later(1),
        Ruling::Ambiguous | Ruling::Retry | Ruling::Defer if change.attempts < ATTEMPTS => later(1 << change.attempts),
        _ => Came::Failed(fault.to_string()),
    })
}
