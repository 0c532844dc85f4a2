//! Batches: named lists of channels.

mod fill;
mod members;

use async_graphql::MaybeUndefined;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::json;

use super::usage;
use crate::access::audit::{self, Subject};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::error::{Result, Violations, require_version};
use domain::id::{BatchId, ChannelId};
use domain::text::{self, Bounds};
use events::Event;
use storage::Noun;
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::{batch, batch_members, campaign};

pub use self::fill::undo_interrupted;
pub use self::members::{add_channels, remove_channels};

/// Channels that one call may name.
pub const MOST_CHANNELS: usize = 10_000;

/// A batch to be.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// The channels themselves.
    pub channels: Option<Vec<ChannelId>>,
    /// Or all that it finds now.
    pub filter: Option<ChannelFilter>,
}

/// The changes of a batch; what is undefined stays, null removes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// At most 2,000 characters.
    pub description: MaybeUndefined<String>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// Creates a batch.
///
/// # Errors
/// `NOT_FOUND` if one of the channels is not there: then no batch is made.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<batch::Model> {
    let New { name, description, channels, filter } = new;
    let mut wrong = Violations::default();
    let name = wrong.take("name", text::line(&name, Bounds::NAME));
    let description = wrong.take_text("description", description, |text| text::prose(text, Bounds::DESCRIPTION));
    wrong.require(channels.is_none() || filter.is_none(), "filter", "give either channelIds or filter");
    check_ids(&mut wrong, channels.as_deref().unwrap_or_default());
    wrong.into_result()?;
    let now = on.now();
    let row = batch::Model {
        id: BatchId::generate(),
        name,
        description,
        created_at: now,
        updated_at: now,
        created_by_id: actor.signed_in()?,
        channel_count: 0,
        version: batch::UNFINISHED,
    };
    let created = match filter {
        Some(filter) => fill::with_found(on, actor, row, &filter).await?,
        None => fill::with(on, actor, row, &unique(channels.unwrap_or_default())).await?,
    };
    on.tell(Event::Audit);
    Ok(created)
}

fn check_ids(wrong: &mut Violations, ids: &[ChannelId]) {
    wrong.require(
        ids.len() <= MOST_CHANNELS,
        "channelIds",
        "at most 10,000 channels can be named at once; use a filter",
    );
}

/// Each id once, in rising order.
fn unique(mut ids: Vec<ChannelId>) -> Vec<ChannelId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Changes the name or the description of a batch.
pub async fn update(on: &Services, actor: &Actor, id: BatchId, change: Change) -> Result<batch::Model> {
    let Change { name, description, expected_version } = change;
    let mut wrong = Violations::default();
    let name = &name.map(|name| wrong.take("name", text::line(&name, Bounds::NAME)));
    let prose = |text: &str| text::prose(text, Bounds::DESCRIPTION);
    let description = &wrong.take_change("description", description, prose);
    wrong.into_result()?;
    let changed = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let row = batch::Entity::require(tx, id).await?;
            require_version("batch", row.version, expected_version)?;
            let mut row = row.changed(on.now());
            if let Some(name) = name {
                row.name = Set(name.clone());
            }
            if !description.is_undefined() {
                row.description = Set(description.clone().take());
            }
            let changed = row.update(tx).await?;
            let metadata = json!({ "name": changed.name });
            audit::record(on, tx, actor, Action::BatchUpdated, Subject("Batch", id.0), metadata).await?;
            Ok(changed)
        })
        .await?;
    on.tell(Event::Audit);
    Ok(changed)
}

/// Deletes a batch; its channels stay in the catalog.
///
/// # Errors
/// [`Error::Precondition`] while campaigns use it.
pub async fn delete(on: &Services, actor: &Actor, id: BatchId) -> Result<batch::Model> {
    let chunk = fill::chunk(on);
    let (deleted, is_empty) = on
        .db
        .write(|tx| async move {
            let tx = &*tx;
            let row = batch::Entity::require(tx, id).await?;
            usage::refuse(tx, campaign::Entity::of_batch(id), "the batch is used by").await?;
            let metadata = json!({ "name": row.name, "channelCount": row.channel_count });
            let is_empty = row.channel_count <= chunk;
            if is_empty {
                batch_members::remove_some(tx, id, chunk).await?;
                batch::Entity::delete_by_id(id).exec(tx).await?;
            } else {
                fill::hide(tx, row.clone()).await?;
            }
            audit::record(on, tx, actor, Action::BatchDeleted, Subject("Batch", id.0), metadata).await?;
            Ok((row, is_empty))
        })
        .await?;
    on.tell(Event::Audit);
    if !is_empty {
        fill::purge(on, id).await?;
    }
    Ok(deleted)
}
