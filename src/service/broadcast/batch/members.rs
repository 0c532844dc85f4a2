//! Putting channels into a batch and taking them out.

use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::json;

use super::{check_ids, unique};
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{BatchId, ChannelId};
use events::Event;
use storage::Noun;
use storage::Tx;
use storage::broadcast::{batch, batch_members};

/// Puts channels into a batch, and returns it with the number of those that were not in it before.
///
/// # Errors
/// `NOT_FOUND` if one of the channels is not there: then nothing changes.
pub async fn add_channels(
    on: &Services,
    actor: &Actor,
    id: BatchId,
    channels: Vec<ChannelId>,
) -> Result<(batch::Model, i32)> {
    change(on, actor, id, channels, true).await
}

/// Takes channels out of a batch, and returns it with the number of those that were in it.
pub async fn remove_channels(
    on: &Services,
    actor: &Actor,
    id: BatchId,
    channels: Vec<ChannelId>,
) -> Result<(batch::Model, i32)> {
    change(on, actor, id, channels, false).await
}

async fn change(
    on: &Services,
    actor: &Actor,
    id: BatchId,
    channels: Vec<ChannelId>,
    is_addition: bool,
) -> Result<(batch::Model, i32)> {
    let mut wrong = Violations::default();
    check_ids(&mut wrong, &channels);
    wrong.into_result()?;
    let channels = &unique(channels);
    let changed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            // First of all the batch: who changes it at the same time waits here, so the count stays exact.
            let row = batch::Entity::require(tx, id).await?;
            batch::Entity::require_unfrozen(tx, &[id]).await?;
            let moved = if is_addition {
                add(tx, id, channels).await?
            } else {
                batch_members::remove(tx, id, channels).await?
            };
            let count = if is_addition { row.channel_count + moved } else { row.channel_count - moved };
            let mut row = row.changed(on.now());
            row.channel_count = Set(count);
            let changed = row.update(tx).await?;
            let word = if is_addition { "added" } else { "removed" };
            let metadata = json!({ word: moved, "channelCount": count });
            audit::record(on, tx, actor, Action::BatchUpdated, Subject("Batch", id.0), metadata).await?;
            Ok((changed, moved))
        })
        .await?;
    on.tell(Event::Audit);
    Ok(changed)
}

async fn add(tx: &Tx, id: BatchId, channels: &[ChannelId]) -> Result<i32> {
    if batch_members::count_known(tx, channels).await? < channels.len() as u64 {
        return Err(Error::NotFound("channel"));
    }
    batch_members::add(tx, id, channels).await
}
