//! Editing and deleting messages that went nowhere: the ledger gets a line for each, as Telegram would get a call.

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::EntityTrait;
use tokio_util::sync::CancellationToken;

use crate::agenda::Board;
use crate::tools::Tools;
use domain::broadcast::{CampaignMode, JobStatus, SentChangeKind};
use domain::delivery::Fault;
use domain::delivery::table::{Ruling, rule};
use domain::error::Result;
use events::Event;
use service::broadcast::delivery::Mission;
use storage::broadcast::sent_change::{Came, Entity, Model, NO_ACCOUNT, settle};
use storage::broadcast::{channel, job};
use telegram::{Alteration, Peer};

/// Changes that are read at once.
const READ: u64 = 100;

/// Changes messages until the session ends. The board is renewed each second: what failed or was put off comes up again by itself.
pub async fn run(tools: Tools, mut board: Board, session: CancellationToken) {
    while !session.is_cancelled() {
        if board.borrow_and_update().as_ref().is_some_and(|agenda| agenda.changes) {
            match turn(&tools, &session).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(?error, "messages that went nowhere cannot be changed"),
            }
        }
        tokio::select! {
            seen = board.changed() => if seen.is_err() { return },
            () = session.cancelled() => {}
        }
    }
}

/// Does what is due; whether there may be more at once.
async fn turn(tools: &Tools, session: &CancellationToken) -> Result<bool> {
    let on = &tools.on;
    let due = Entity::due(on.db.reader(), NO_ACCOUNT, on.now(), READ).await?;
    let is_full = due.len() as u64 == READ;
    for change in due {
        if session.is_cancelled() {
            return Ok(false);
        }
        let came = attempt(tools, &change).await?;
        settle(&on.db, &change, &came).await?;
        on.tell(Event::Campaign(change.campaign_id));
    }
    Ok(is_full)
}

async fn attempt(tools: &Tools, change: &Model) -> Result<Came> {
    let on = &tools.on;
    let later = |why: String| Came::Later { at: on.now() + TimeDelta::seconds(1), why, counts: false };
    let Some(job) = job::Entity::at(change.campaign_id, change.position).one(on.db.reader()).await? else {
        return Ok(Came::Unsent);
    };
    match job.status {
        JobStatus::Sent | JobStatus::Unknown => {}
        JobStatus::Queued if job.ambiguous_since.is_some() => {}
        JobStatus::Sending => return Ok(later("SENDING".into())),
        JobStatus::Queued | JobStatus::Failed | JobStatus::Cancelled => return Ok(Came::Unsent),
    }
    let channel = channel::Entity::find_by_id(change.channel_id).one(on.db.reader()).await?;
    let (Some(random_id), Some(channel)) = (job.random_id, channel) else { return Ok(Came::Unsent) };
    let mission = Mission::load(on, change.campaign_id).await?;
    let text = match change.kind {
        SentChangeKind::Delete | SentChangeKind::Find => None,
        SentChangeKind::Edit => match mission.text_to(&channel) {
            Ok(text) => Some(text),
            Err(why) => return Ok(Came::Failed(why)),
        },
    };
    let peer = match mission.mode {
        CampaignMode::Live => Peer::Channel { username: Arc::from(channel.username.as_str()) },
        CampaignMode::Test => Peer::SavedMessages,
    };
    let has_media = mission.attachment.is_some();
    let change = Alteration { peer, random_id, text, has_media };
    let done: std::result::Result<(), Fault> = tools.messenger.alter(change).await;
    Ok(match done {
        Ok(()) => Came::Done,
        Err(fault) => match rule(&fault) {
            Ruling::Ambiguous | Ruling::Unsent | Ruling::Retry => later(fault.to_string()),
            _ => Came::Failed(fault.to_string()),
        },
    })
}
