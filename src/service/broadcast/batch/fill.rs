//! Filling a new batch and emptying an old one. Large ones go in chunks, so that nobody waits long and no transaction grows with the
//! catalog (R23), and are not there until they are whole.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Created;
use crate::tasks::{self, Chunk, New, read, written};
use crate::{Actor, Services, Write};
use domain::audit::Action;
use domain::error::{Error, Result};
use domain::id::{BatchId, ChannelId, NounId, TaskId};
use domain::task::{TaskKind, TaskStatus};
use storage::Noun;
use storage::broadcast::channel_filter::ChannelFilter;
use storage::broadcast::{batch, batch_members, channel};
use storage::{noun, task};

/// Channels that SQLite puts into a batch in one transaction: 10 ms where 200,000 are in it already. Meanwhile nobody else writes.
const CHUNK: i32 = 5_000;
/// Channels that PostgreSQL puts into a batch in one transaction.
const LARGE_CHUNK: i32 = 10_000;
/// How long a mutation waits for a batch that a task fills: what is done with a batch next needs it to be there.
const SOON: Duration = Duration::from_secs(5);
/// Nobody fills a batch for so long any more: what is not whole by then was left by a crash, or by an answer that came too late.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// What the task was asked for with.
#[derive(Serialize, Deserialize)]
struct Input {
    filter: ChannelFilter,
}

/// How far the task is.
#[derive(Serialize, Deserialize, Default)]
struct Place {
    last: Option<ChannelId>,
}

/// How many channels one transaction moves.
fn chunk(on: &Services) -> i32 {
    tasks::chunk(on, LARGE_CHUNK, CHUNK)
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

/// Creates the batch with all channels that the filter finds now. Many are put into it by a task.
pub(super) async fn with_found(
    on: &Services,
    actor: &Actor,
    row: batch::Model,
    filter: &ChannelFilter,
) -> Result<Created> {
    let count = filter.count_all(on.db.reader()).await?;
    if count > u64::from(on.rules.at_once.unsigned_abs()) {
        return ask(on, actor, &row, filter, count).await;
    }
    let row = &row;
    let batch = on.write(actor, |w| async move {
        insert(&w, row).await?;
        let count = batch_members::add_found(&w, row.id, filter, None, i32::MAX).await?;
        finish(&w, row.clone(), count).await
    });
    Ok(Created { batch: batch.await?, task: None })
}

/// Asks for the task, and waits for it as long as a request may. It takes channels that are known by now, and no others.
async fn ask(on: &Services, actor: &Actor, row: &batch::Model, filter: &ChannelFilter, total: u64) -> Result<Created> {
    let begun = on.write(actor, |w| async move {
        insert(&w, row).await?;
        let created_before = Some(filter.created_before.map_or(w.now, |before| before.min(w.now)));
        let new = New {
            kind: TaskKind::CreateBatch,
            subject: row.id.uuid(),
            total: i64::try_from(total).ok(),
            input: written(&Input { filter: ChannelFilter { created_before, ..filter.clone() } })?,
            cursor: written(&Place::default())?,
        };
        let begun = tasks::begin(&w, new).await?.id;
        // The audit line comes when all are in it.
        w.done(row.id, &()).await?;
        Ok(begun)
    });
    let task = tasks::within(on, begun.await?, SOON).await?;
    let batch = match task.status {
        // Nothing of it is left.
        TaskStatus::Failed | TaskStatus::Cancelled => row.clone(),
        _ => batch::Entity::get(on.db.reader(), row.id).await?,
    };
    Ok(Created { batch, task: Some(task) })
}

/// Puts the next channels into a batch. With the last ones it is there.
pub(crate) async fn fill_chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let id = BatchId::from_uuid(row.subject_id);
    let (Input { filter }, Place { last }) = (read(&row.input)?, read(&row.cursor)?);
    let most = chunk(on);
    let found = next(w, &filter, last, most).await?;
    let is_through = found.len() < usize::try_from(most).map_err(Error::internal)?;
    batch_members::add(w, id, &found).await?;
    let last = found.last().copied().or(last);
    let done = row.done + i64::try_from(found.len()).map_err(Error::internal)?;
    if is_through {
        let batch = batch::Entity::get(w, id).await?;
        finish_all(w, &batch).await?;
    }
    Ok(Chunk { done, cursor: written(&Place { last })?, is_through })
}

async fn next(
    db: &impl ConnectionTrait,
    filter: &ChannelFilter,
    last: Option<ChannelId>,
    most: i32,
) -> Result<Vec<ChannelId>> {
    let mut select = filter.select().select_only().column(channel::Column::Id);
    if let Some(last) = last {
        select = select.filter(channel::Column::Id.gt(last));
    }
    let select = select.order_by_asc(channel::Column::Id).limit(u64::from(most.unsigned_abs()));
    Ok(select.into_tuple().all(db).await?)
}

/// Takes some channels out of a batch that is not there; whether it is gone.
pub(crate) async fn take_back(on: &Services, w: &Write, row: &task::Model) -> Result<bool> {
    let id = BatchId::from_uuid(row.subject_id);
    if batch_members::remove_some(w, id, chunk(on)).await? > 0 {
        return Ok(false);
    }
    batch_members::remove_empty(w, id).await
}

/// Takes the next channels out of a batch that was deleted. With the last ones it goes.
pub(crate) async fn empty_chunk(on: &Services, w: &Write, row: &task::Model) -> Result<Chunk> {
    let id = BatchId::from_uuid(row.subject_id);
    let removed = batch_members::remove_some(w, id, chunk(on)).await?;
    let is_through = removed == 0 && batch_members::remove_empty(w, id).await?;
    Ok(Chunk { done: row.done + i64::from(removed), cursor: row.cursor.clone(), is_through })
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

/// The batch is not there any more, though its channels are still in it: a task takes them out.
pub(super) async fn hide(w: &Write, row: batch::Model) -> Result<TaskId> {
    let new = New {
        kind: TaskKind::DeleteBatch,
        subject: row.id.uuid(),
        total: Some(row.channel_count.into()),
        input: json!({}),
        cursor: json!({}),
    };
    let mut row = row.into_active_model();
    row.version = Set(batch::UNFINISHED);
    row.update(w).await?;
    Ok(tasks::begin(w, new).await?.id)
}

/// Removes a hidden batch. Others may be at it, too: it is gone once none of its channels is left, and not when this one finds none to
/// remove.
async fn purge(on: &Services, id: BatchId) -> Result<()> {
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
