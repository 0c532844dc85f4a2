//! Filling a new batch and emptying an old one. Large ones go in chunks, so that nobody waits long and no transaction grows with the
//! catalog (R23), and are not there until they are whole.

use chrono::TimeDelta;
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

/// Channels that SQLite puts into a batch in one transaction: 10 ms where 200,000 are in it already. Meanwhile nobody else writes.
const CHUNK: i32 = 5_000;
/// Channels that PostgreSQL puts into a batch in one transaction.
const LARGE_CHUNK: i32 = 10_000;
/// Nobody fills a batch for so long any more: what is not whole by then was left by a crash, or by an answer that came too late.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// How many channels one transaction moves.
pub(super) fn chunk(on: &Services) -> i32 {
    if on.db.is_postgres() { LARGE_CHUNK } else { CHUNK }
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
    let id = row.id;
    let filled = if on.db.is_postgres() {
        in_large_chunks(on, actor, row, filter).await
    } else {
        in_chunks(on, actor, row, filter).await
    };
    if filled.is_err() {
        purge(on, id).await?;
    }
    filled
}

/// In one transaction, if they are few.
async fn in_large_chunks(
    on: &Services,
    actor: &Actor,
    row: batch::Model,
    filter: &ChannelFilter,
) -> Result<batch::Model> {
    let (row, mut is_there) = (&row, false);
    loop {
        let whole = on.write(actor, |w| async move {
            let last = if is_there {
                batch_members::last(&w, row.id).await?
            } else {
                insert(&w, row).await?;
                None
            };
            let added = batch_members::add_found(&w, row.id, filter, last, LARGE_CHUNK).await?;
            match (is_there, added < LARGE_CHUNK) {
                (_, false) => Ok(None),
                (false, true) => finish(&w, row.clone(), added).await.map(Some),
                (true, true) => finish_all(&w, row).await.map(Some),
            }
        });
        match whole.await? {
            Some(whole) => return Ok(whole),
            None => is_there = true,
        }
    }
}

async fn in_chunks(on: &Services, actor: &Actor, row: batch::Model, filter: &ChannelFilter) -> Result<batch::Model> {
    let (row, mut last) = (&row, None);
    on.write(actor, |w| async move { insert(&w, row).await }).await?;
    loop {
        // Looked for outside the transaction, in which it could take long to find few.
        let found = &next(on, filter, last).await?;
        let Some(end) = found.last() else { break };
        on.write(actor, |w| async move { batch_members::add(&w, row.id, found).await }).await?;
        last = Some(*end);
    }
    on.write(actor, |w| async move { finish_all(&w, row).await }).await
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

/// Like [`finish`], of a batch that was filled in several transactions: between them channels may have been deleted, which are in no
/// batch any more.
async fn finish_all(w: &Write, row: &batch::Model) -> Result<batch::Model> {
    batch::Entity::hold_unfinished(w, row.id).await?;
    let count = batch_members::count(w, row.id).await?;
    finish(w, row.clone(), count).await
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

/// Removes a hidden batch. Others may be at it, too: it is gone once none of its channels is left, and not when this one finds none to
/// remove.
pub(super) async fn purge(on: &Services, id: BatchId) -> Result<()> {
    let chunk = chunk(on);
    loop {
        while on.system_write(|w| async move { batch_members::remove_some(&w, id, chunk).await }).await? > 0 {}
        if on.system_write(|w| async move { batch_members::remove_empty(&w, id).await }).await? {
            return Ok(());
        }
    }
}

/// Removes batches that a crash left half filled or half emptied. To be called once, before anything else is done: on SQLite it
/// takes away whatever is not whole, later also what is just being made. Other processes may be on a PostgreSQL: see [`sweep`].
pub async fn undo_interrupted(on: &Services) -> Result<()> {
    if on.db.is_postgres() {
        return sweep(on).await;
    }
    for row in batch::Entity::unfinished().all(on.db.reader()).await? {
        purge(on, row.id).await?;
    }
    Ok(())
}

/// Removes batches that have not been whole for so long that nobody is at them any more.
pub async fn sweep(on: &Services) -> Result<()> {
    let left = batch::Entity::unfinished().filter(batch::Column::CreatedAt.lt(on.now() - PATIENCE));
    for row in left.all(on.db.reader()).await? {
        purge(on, row.id).await?;
    }
    Ok(())
}
