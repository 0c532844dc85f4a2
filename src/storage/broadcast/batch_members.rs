//! Putting channels into batches and taking them out, many in one statement. Raw SQL, because sea-orm knows neither a
//! parameter with many rows nor `INSERT .. SELECT .. ON CONFLICT`.
//!
//! The batch's row is locked by the caller: so its count is exact, however many do this at the same time.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, SqlErr, Value,
};
use serde::Serialize;

use super::channel_filter::ChannelFilter;
use super::{batch, batch_channel, channel};
use crate::sql::{self, Dialect};
use crate::{Tx, page};
use domain::error::{Error, Result};
use domain::id::{BatchId, ChannelId};

/// A row of the parameter.
#[derive(Serialize)]
struct Id {
    id: ChannelId,
}

fn parameter(ids: &[ChannelId]) -> Value {
    let rows: Vec<Id> = ids.iter().map(|id| Id { id: *id }).collect();
    sql::rows(&rows)
}

/// How many of `ids` are channels; each id is counted once, as it stands once in `ids`.
pub async fn count_known(tx: &Tx, ids: &[ChannelId]) -> Result<u64> {
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$1", &[("id", "uuid")]);
    let sql = format!("SELECT COUNT(*) AS known FROM {table} JOIN channels c ON c.id = r.id");
    let row = tx.query_one_raw(dialect.statement(&sql, [parameter(ids)])).await?;
    let known: i64 = row.ok_or_else(|| Error::internal(anyhow::anyhow!("no count")))?.try_get("", "known")?;
    Ok(known.unsigned_abs())
}

/// Adds those of `ids` that are channels and not in the batch yet, and returns how many these were.
pub async fn add(tx: &Tx, batch: BatchId, ids: &[ChannelId]) -> Result<i32> {
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$2", &[("id", "uuid")]);
    let sql = format!(
        "INSERT INTO batch_channels (batch_id, channel_id)
         SELECT $1, c.id FROM {table} JOIN channels c ON c.id = r.id WHERE true ORDER BY c.id
         ON CONFLICT (batch_id, channel_id) DO NOTHING"
    );
    let added = tx.execute_raw(dialect.statement(&sql, [batch.into(), parameter(ids)])).await;
    counted(added.map_err(vanished)?.rows_affected())
}

/// Adds channels that the filter finds, up to `limit` of those whose ids come after `last`, and returns how many these were.
pub async fn add_found(
    tx: &Tx,
    batch: BatchId,
    filter: &ChannelFilter,
    last: Option<ChannelId>,
    limit: i32,
) -> Result<i32> {
    let mut found =
        filter.select().order_by_asc(channel::Column::Id).limit(u64::from(limit.unsigned_abs())).select_only();
    if let Some(last) = last {
        found = found.filter(channel::Column::Id.gt(last));
    }
    let found = found.expr_as(sea_orm::sea_query::Expr::val(batch), "batch_id").column(channel::Column::Id);
    let mut insert = Query::insert();
    insert
        .into_table(batch_channel::Entity)
        .columns([batch_channel::Column::BatchId, batch_channel::Column::ChannelId])
        .select_from(found.into_query())
        .map_err(Error::internal)?
        .on_conflict(OnConflict::columns([Alias::new("batch_id"), Alias::new("channel_id")]).do_nothing().to_owned());
    counted(tx.execute(&insert).await.map_err(vanished)?.rows_affected())
}

/// The last channel in the batch, by its id.
pub async fn last(tx: &Tx, batch: BatchId) -> Result<Option<ChannelId>> {
    use batch_channel::Column;
    let last = batch_channel::Entity::of(batch).order_by_desc(Column::ChannelId).limit(1).select_only();
    Ok(last.column(Column::ChannelId).into_tuple().one(tx).await?)
}

/// How many channels are in the batch.
pub async fn count(tx: &Tx, batch: BatchId) -> Result<i32> {
    counted(page::count_all(tx, batch_channel::Entity::of(batch)).await?)
}

/// Removes the batch if no channel is in it, and returns whether it is gone.
pub async fn remove_empty(tx: &Tx, batch: BatchId) -> Result<bool> {
    let sql = "DELETE FROM batches WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM batch_channels WHERE batch_id = $1)";
    tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, [batch.into()])).await?;
    Ok(batch::Entity::find_by_id(batch).one(tx).await?.is_none())
}

/// Takes channels out of the batch, and returns how many were in it.
pub async fn remove(tx: &Tx, batch: BatchId, ids: &[ChannelId]) -> Result<i32> {
    let dialect = Dialect(tx.get_database_backend());
    let table = dialect.table("$2", &[("id", "uuid")]);
    let sql = format!("DELETE FROM batch_channels WHERE batch_id = $1 AND channel_id IN (SELECT r.id FROM {table})");
    counted(tx.execute_raw(dialect.statement(&sql, [batch.into(), parameter(ids)])).await?.rows_affected())
}

/// Takes up to `limit` channels out of the batch, and returns how many these were.
pub async fn remove_some(tx: &Tx, batch: BatchId, limit: i32) -> Result<i32> {
    let sql = "DELETE FROM batch_channels WHERE batch_id = $1 AND channel_id IN
               (SELECT channel_id FROM batch_channels WHERE batch_id = $1 ORDER BY channel_id LIMIT $2)";
    let values: [Value; 2] = [batch.into(), i64::from(limit).into()];
    counted(tx.execute_raw(Dialect(tx.get_database_backend()).statement(sql, values)).await?.rows_affected())
}

/// Takes a channel out of all its batches, whose rows are locked.
pub async fn remove_everywhere(tx: &Tx, id: ChannelId, now: DateTime<Utc>) -> Result<()> {
    let dialect = Dialect(tx.get_database_backend());
    let sql = format!(
        "UPDATE batches SET channel_count = channel_count - 1, updated_at = $2,
             version = CASE WHEN version = {UNFINISHED} THEN {UNFINISHED} ELSE version + 1 END
         WHERE id IN (SELECT batch_id FROM batch_channels WHERE channel_id = $1)",
        UNFINISHED = batch::UNFINISHED
    );
    tx.execute_raw(dialect.statement(&sql, [id.into(), now.into()])).await?;
    let sql = "DELETE FROM batch_channels WHERE channel_id = $1";
    tx.execute_raw(dialect.statement(sql, [id.into()])).await?;
    Ok(())
}

/// A channel was deleted between the select and the check of the reference to it.
fn vanished(error: sea_orm::DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Error::Conflict("a channel has just been deleted".into()),
        _ => error.into(),
    }
}

fn counted(rows: u64) -> Result<i32> {
    i32::try_from(rows).map_err(|_| Error::Precondition("a batch has at most 2,147,483,647 channels".into()))
}
