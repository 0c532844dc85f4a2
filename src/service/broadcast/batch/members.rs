//! Putting channels into a batch and taking them out.

use serde_json::json;

use super::{check_ids, unique};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result, Violations};
use domain::id::{BatchId, ChannelId};
use storage::broadcast::{batch, batch_members};

/// Puts channels into a batch, and returns it with the number of those that were not in it before.
///
/// # Errors
/// `NOT_FOUND` if one of the channels is not there: then nothing changes. [`Error::Invalid`] if none is named.
pub async fn add_channels(
    on: &Services,
    actor: &Actor,
    id: BatchId,
    channels: Vec<ChannelId>,
) -> Result<(batch::Model, i32)> {
    if channels.is_empty() {
        return Err(Error::invalid("channelIds", "names no channel, so none would be added"));
    }
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
    on.write(actor, |w| async move {
        // First of all the batch: who changes it at the same time waits here, so the count stays exact.
        let old = w.require(id).await?;
        batch::Entity::require_unfrozen(&w, &[id]).await?;
        let (word, moved, channel_count) = if is_addition {
            let added = add(&w, id, channels).await?;
            ("added", added, old.channel_count + added)
        } else {
            let removed = batch_members::remove(&w, id, channels).await?;
            ("removed", removed, old.channel_count - removed)
        };
        let new = w.replace(&old, batch::Model { channel_count, ..old.clone() }).await?;
        let metadata = json!({ word: moved, "channelCount": channel_count });
        w.note_answer(Action::BatchUpdated, id, metadata, &moved).await?;
        Ok((new, moved))
    })
    .await
}

async fn add(w: &Write, id: BatchId, channels: &[ChannelId]) -> Result<i32> {
    if batch_members::count_known(w, channels).await? < channels.len() as u64 {
        return Err(Error::NotFound("channel"));
    }
    batch_members::add(w, id, channels).await
}
