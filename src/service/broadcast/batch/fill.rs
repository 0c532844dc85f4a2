//! Filling a new batch and emptying an old one. PostgreSQL does it in one transaction. SQLite has one writer, so large
//! batches go in chunks (R23), and are not there until they are whole.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{BatchId, ChannelId};
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::{batch, batch_members, channel};
use storage::noun;

/// Channels that SQLite puts into a batch in one transaction: 10 ms where 200,000 are in it already.
const CHUNK: i32 = 5_000;

/// How many channels one transaction moves.
pub(super) fn chunk(on: &Services) -> i32 {
    if on.db.is_postgres() { i32::MAX } else { CHUNK }
}

/// Creates the batch with these channels: at most as many as one call may name.
pub(super) async fn with(on: &Services, actor: &Actor, row: batch::Model, ids: &[ChannelId]) -> Result<batch::Model> {
    let row = &row;
    on.write(actor, |w| async move {
        if batch_members::count_known(&w, ids).await? < ids.len() as u64 {
            return Err(Error::NotFound("channel"));
        }
        insert(&w, row).await?;
        let count = batch_members::add(&w, row.id, ids).await?;
        finish(&w, row.clone(), count).await
    })
    .await
}

/// Creates the batch with all channels that the filter finds now.
pub(super) async fn with_found(
    on: &Services,
    actor: &Actor,
    row: batch::Model,
    filter: &ChannelFilter,
) -> Result<batch::Model> {
    if !on.db.is_postgres() {
        let id = row.id;
        let filled = in_chunks(on, actor, row, filter).await;
        if filled.is_err() {
            purge(on, id).await?;
        }
        return filled;
    }
    let row = &row;
    on.write(actor, |w| async move {
        insert(&w, row).await?;
        let count = batch_members::add_found(&w, row.id, filter).await?;
        finish(&w, row.clone(), count).await
    })
    .await
}

async fn in_chunks(on: &Services, actor: &Actor, row: batch::Model, filter: &ChannelFilter) -> Result<batch::Model> {
    let (row, mut count, mut last) = (&row, 0, None);
    on.write(actor, |w| async move { insert(&w, row).await }).await?;
    loop {
        // Looked for outside the transaction, in which it could take long to find few.
        let found = &next(on, filter, last).await?;
        let Some(end) = found.last() else { break };
        count += on.write(actor, |w| async move { batch_members::add(&w, row.id, found).await }).await?;
        last = Some(*end);
    }
    on.write(actor, |w| async move { finish(&w, row.clone(), count).await }).await
}

async fn next(on: &Services, filter: &ChannelFilter, last: Option<ChannelId>) -> Result<Vec<ChannelId>> {
    let mut select = filter.select().select_only().column(channel::Column::Id);
    if let Some(last) = last {
        select = select.filter(channel::Column::Id.gt(last));
    }
    let select = select.order_by_asc(channel::Column::Id).limit(u64::from(CHUNK.unsigned_abs()));
    Ok(select.into_tuple().all(on.db.reader()).await?)
}

async fn insert(tx: &impl ConnectionTrait, row: &batch::Model) -> Result<()> {
    batch::Entity::insert(noun::fresh(row.clone())).exec_without_returning(tx).await?;
    Ok(())
}

/// The batch is whole: from now on it is there.
async fn finish(w: &Write, row: batch::Model, count: i32) -> Result<batch::Model> {
    let mut row = row.into_active_model();
    row.channel_count = Set(count);
    row.version = Set(1);
    let created = row.update(w).await?;
    w.keep(&created);
    w.note(Action::BatchCreated, created.id, json!({ "name": created.name, "channelCount": count })).await?;
    Ok(created)
}

/// The batch is not there any more, though its channels are still in it.
pub(super) async fn hide(w: &Write, row: batch::Model) -> Result<()> {
    let mut row = row.into_active_model();
    row.version = Set(batch::UNFINISHED);
    row.update(w).await?;
    Ok(())
}

/// Removes a hidden batch.
pub(super) async fn purge(on: &Services, id: BatchId) -> Result<()> {
    while on.system_write(|w| async move { batch_members::remove_some(&w, id, CHUNK).await }).await? > 0 {}
    on.system_write(|w| async move { Ok(batch::Entity::delete_by_id(id).exec(&w).await?) }).await?;
    Ok(())
}

/// Removes batches that a crash left half filled or half emptied. To be called once, before anything else is done: later it
/// would take away what is just being made. On PostgreSQL there are none.
pub async fn undo_interrupted(on: &Services) -> Result<()> {
    for row in batch::Entity::unfinished().all(on.db.reader()).await? {
        purge(on, row.id).await?;
    }
    Ok(())
}
