//! Batches: named lists of channels.

mod fill;
mod members;

use async_graphql::MaybeUndefined;
use sea_orm::EntityTrait;
use serde_json::json;

use super::usage;
use crate::access::changes::with_changes;
use crate::once::{Again, Done};
use crate::{Actor, Services, picked, tasks};
use domain::audit::Action;
use domain::error::{Error, Result, Violations, require_version};
use domain::id::{BatchId, ChannelId};
use domain::role::Role;
use domain::task::TaskKind;
use domain::text::{self, Bounds, or};
use storage::Folded;
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::{batch, batch_members, campaign};
use storage::task;

pub(crate) use self::fill::{empty_chunk, fill_chunk, take_back};
pub use self::fill::{sweep, undo_interrupted};
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
    /// Whether nobody is picked on purpose.
    pub allow_empty: bool,
    /// Whether campaigns to it may write to persons and bots; only an admin lets them.
    pub allow_private: Option<bool>,
}

/// A batch that was created.
#[derive(Debug)]
pub struct Created {
    /// The batch.
    pub batch: batch::Model,
    /// Where its channels are many, the task that puts them into it; until that is through, it is not there.
    pub task: Option<task::Model>,
}

impl Again for Created {
    async fn again(on: &Services, done: Done) -> Result<Self> {
        let task = tasks::latest(on, TaskKind::CreateBatch, done.resource).await?;
        Ok(Self { batch: batch::Model::again(on, done).await?, task })
    }
}

/// The changes of a batch; what is undefined stays, null removes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// 1 to 200 characters.
    pub name: Option<String>,
    /// At most 2,000 characters.
    pub description: MaybeUndefined<String>,
    /// Whether campaigns to it may write to persons and bots; only an admin says so.
    pub allow_private: Option<bool>,
    /// The version that the change is meant for.
    pub expected_version: Option<i32>,
}

/// Creates a batch.
///
/// # Errors
/// `NOT_FOUND` if one of the channels is not there; [`Error::Invalid`](domain::error::Error::Invalid) if nobody is picked and that is
/// not allowed: then no batch is made. [`Error::Forbidden`] if somebody who is no admin lets campaigns write to persons.
pub async fn create(on: &Services, actor: &Actor, new: New) -> Result<Created> {
    let New { name, description, channels, filter, allow_empty, allow_private } = new;
    let allow_private = allow_private.unwrap_or(false);
    require_admin(actor, allow_private)?;
    let mut wrong = Violations::default();
    let name = wrong.take("name", text::line(&name, Bounds::NAME));
    let description = wrong.take_text("description", description, |text| text::prose(text, Bounds::DESCRIPTION));
    wrong.require(channels.is_none() || filter.is_none(), "filter", "give either channelIds or filter");
    check_ids(&mut wrong, channels.as_deref().unwrap_or_default());
    let is_empty = channels.as_ref().is_some_and(Vec::is_empty) && !allow_empty;
    wrong.require(!is_empty, "channelIds", "names no channel; if that is meant, leave it out");
    wrong.into_result()?;
    if let Some(filter) = filter.as_ref().filter(|_| !allow_empty) {
        picked::require_channels(on.db.reader(), filter, picked::ALLOWED).await?;
    }
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
        name_fold: Folded::default(),
        allow_private,
    };
    if let Some(filter) = filter {
        return fill::with_found(on, actor, row, &filter).await;
    }
    let batch = fill::with(on, actor, row, &unique(channels.unwrap_or_default())).await?;
    Ok(Created { batch, task: None })
}

/// Messages to persons who did not ask for them cost accounts: only an admin takes that upon the installation.
fn require_admin(actor: &Actor, is_asked_for: bool) -> Result<()> {
    if is_asked_for && actor.role != Role::Admin { Err(Error::Forbidden) } else { Ok(()) }
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

/// Changes a batch, but not its channels.
///
/// # Errors
/// [`Error::Forbidden`] if somebody who is no admin changes whether campaigns may write to persons.
pub async fn update(on: &Services, actor: &Actor, id: BatchId, change: Change) -> Result<batch::Model> {
    let Change { name, description, allow_private, expected_version } = change;
    let mut wrong = Violations::default();
    let name = &name.map(|name| wrong.take("name", text::line(&name, Bounds::NAME)));
    let prose = |text: &str| text::prose(text, Bounds::DESCRIPTION);
    let description = &wrong.take_change("description", description, prose);
    wrong.into_result()?;
    on.write(actor, |w| async move {
        let old = w.require(id).await?;
        require_version("batch", old.version, expected_version)?;
        let allow_private = allow_private.unwrap_or(old.allow_private);
        require_admin(actor, allow_private != old.allow_private)?;
        let new = batch::Model {
            name: name.clone().unwrap_or(old.name.clone()),
            description: or(old.description.clone(), description.clone()),
            allow_private,
            ..old.clone()
        };
        let new = w.replace(&old, new).await?;
        w.note(Action::BatchUpdated, id, with_changes(json!({ "name": new.name }), &old, &new)).await?;
        Ok(new)
    })
    .await
}

/// Deletes a batch; its channels stay in the catalog.
///
/// # Errors
/// [`Error::Precondition`] while campaigns use it.
pub async fn delete(on: &Services, actor: &Actor, id: BatchId) -> Result<(batch::Model, Option<task::Model>)> {
    let deleted = on.write(actor, |w| async move {
        let row = w.require(id).await?;
        usage::refuse(&w, campaign::Entity::of_batch(id), "the batch is used by").await?;
        let mut begun = None;
        if row.channel_count <= on.rules.at_once {
            batch_members::remove_some(&w, id, i32::MAX).await?;
            batch::Entity::delete_by_id(id).exec(&w).await?;
        } else {
            begun = Some(fill::hide(&w, row.clone()).await?);
        }
        w.note(Action::BatchDeleted, id, json!({ "name": row.name, "channelCount": row.channel_count })).await?;
        Ok((row, begun))
    });
    let (deleted, begun) = deleted.await?;
    let task = match begun {
        Some(begun) => Some(tasks::soon(on, begun).await?),
        None => None,
    };
    Ok((deleted, task))
}
