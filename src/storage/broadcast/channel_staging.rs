//! One batch of an import, in one transaction: the channels, the counts, the errors.
//!
//! Raw SQL, because sea-orm knows neither COPY nor a temporary table. On PostgreSQL it also goes past [`Db::write`]: COPY
//! belongs to a connection, which sea-orm's transaction does not give out. Measured on 400,000 channels with all indexes:
//! COPY 85,000 a second, the same rows as JSON or arrays in one parameter 70,000 to 77,000; ids in line order instead of
//! username order 70,000.

use std::io::ErrorKind;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::sqlx::{self, Connection, Executor, PgConnection};
use sea_orm::{ConnectionTrait, DbErr, RuntimeErr};
use serde::Serialize;
use tokio::time::timeout;

use crate::broadcast::channel_import::Entity;
use crate::db::limits;
use crate::imports::{self, Counts, ImportTable};
use crate::noun::Noun;
use crate::sql::{self, Dialect};
use crate::{Db, Tx};
use domain::error::{Error, Result};
use domain::fold::fold;
use domain::id::{ChannelId, ChannelImportId};

/// How long a batch may take. Its connection is closed then, and the import goes on from what was committed.
const LIMIT: Duration = Duration::from_mins(2);

/// A channel to be inserted.
#[derive(Debug, Clone)]
pub struct NewChannel {
    pub id: ChannelId,
    pub username: String,
    pub category: String,
    pub tgstat_url: Option<String>,
    pub collected_at: DateTime<Utc>,
}

/// Lines of a file that go in together: each username once, in the order of the usernames, so that two imports of the same
/// names wait for each other instead of locking each other out. The ids rise too.
pub type Batch = imports::Batch<NewChannel>;

/// Writes a batch, if the import is where the batch begins. None: the import has ended or is somewhere else, because what was
/// thought to have failed was committed after all.
pub async fn write(db: &Db, import: ChannelImportId, batch: &Batch, now: DateTime<Utc>) -> Result<Option<Counts>> {
    if db.is_postgres() {
        // Not repeated here: after any error the import goes on from what was committed.
        let mut driven = db.driven().await?;
        let copied = timeout(LIMIT, copy(driven.connection()?, import, batch, now)).await;
        let copied = copied.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into())));
        let inserted = copied.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(error.into())))?;
        driven.give_back();
        return Ok(inserted.map(|inserted| counts(batch, inserted)));
    }
    db.write(|tx| async move { insert(&tx, import, batch, now).await }).await
}

const fn counts(batch: &Batch, inserted: i64) -> Counts {
    Counts { lines: batch.lines, inserted, invalid: batch.invalid }
}

/// The columns that an import fills, and where the rest comes from.
const INSERT: &str =
    "INSERT INTO channels (id, username, category, category_fold, tgstat_url, collected_at, created_at,
    updated_at)
    SELECT id, username, category, category_fold, tgstat_url, collected_at, $1, $1 FROM";

/// The import's row moves on only from where the batch begins (compare and set).
const MOVE_ON: &str = "UPDATE channel_imports SET
        lines = lines + $3, inserted = inserted + $4, invalid = invalid + $5,
        duplicates = duplicates + $3 - $4 - $5, bytes_read = $6, version = version + 1
    WHERE id = $1 AND bytes_read = $2 AND status = 'RUNNING'";

async fn copy(
    connection: &mut PgConnection,
    import: ChannelImportId,
    batch: &Batch,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<i64>> {
    let mut tx = connection.begin().await?;
    tx.execute(sqlx::AssertSqlSafe(limits())).await?;
    let inserted = copy_channels(&mut tx, &batch.rows, now).await?;
    let moved = sqlx::query(MOVE_ON)
        .persistent(false)
        .bind(import.0)
        .bind(batch.bytes.start)
        .bind(batch.lines)
        .bind(inserted)
        .bind(batch.invalid)
        .bind(batch.bytes.end);
    if moved.execute(&mut *tx).await?.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(None);
    }
    if !batch.errors.is_empty() {
        let (lines, messages): (Vec<i64>, Vec<&str>) = batch.errors.iter().map(|(line, why)| (*line, &**why)).unzip();
        let errors = "INSERT INTO channel_import_errors (import_id, line, message)
                      SELECT $1, line, message FROM unnest($2::bigint[], $3::text[]) AS e(line, message)";
        sqlx::query(errors).persistent(false).bind(import.0).bind(lines).bind(messages).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(Some(inserted))
}

async fn copy_channels(tx: &mut PgConnection, channels: &[NewChannel], now: DateTime<Utc>) -> sqlx::Result<i64> {
    if channels.is_empty() {
        return Ok(0);
    }
    // Temporary: no WAL, and nothing is left in the pool's connection.
    tx.execute(
        "CREATE TEMPORARY TABLE channel_staging
         (id uuid, username text, category text, category_fold text, tgstat_url text, collected_at timestamptz)
         ON COMMIT DROP",
    )
    .await?;
    let mut staging = tx.copy_in_raw("COPY channel_staging FROM STDIN").await?;
    staging.send(copy_text(channels)).await?;
    staging.finish().await?;
    // A table that was just written is read in the order of its rows.
    let insert = format!("{INSERT} channel_staging ON CONFLICT (username) DO NOTHING");
    let inserted = sqlx::query(sqlx::AssertSqlSafe(insert)).persistent(false).bind(now).execute(&mut *tx).await?;
    Ok(i64::try_from(inserted.rows_affected()).unwrap_or(i64::MAX))
}

/// COPY's text format. Control characters never come so far: only the backslash is to be escaped.
fn copy_text(channels: &[NewChannel]) -> Vec<u8> {
    let mut text = String::with_capacity(channels.len() * 160);
    let escape = |text: &mut String, field: &str| {
        if field.contains('\\') { text.push_str(&field.replace('\\', "\\\\")) } else { text.push_str(field) }
    };
    let mut id = uuid::Uuid::encode_buffer();
    for channel in channels {
        text.push_str(channel.id.0.hyphenated().encode_lower(&mut id));
        text.push('\t');
        text.push_str(&channel.username);
        text.push('\t');
        escape(&mut text, &channel.category);
        text.push('\t');
        escape(&mut text, &fold(&channel.category));
        text.push('\t');
        match &channel.tgstat_url {
            Some(url) => escape(&mut text, url),
            None => text.push_str("\\N"),
        }
        text.push('\t');
        text.push_str(&channel.collected_at.to_rfc3339_opts(SecondsFormat::Millis, true));
        text.push('\n');
    }
    text.into_bytes()
}

/// A row as [`Dialect::table`] reads it.
#[derive(Serialize)]
struct Row<'a> {
    id: ChannelId,
    username: &'a str,
    category: &'a str,
    category_fold: String,
    tgstat_url: Option<&'a str>,
    collected_at: String,
}

async fn insert(tx: &Tx, id: ChannelImportId, batch: &Batch, now: DateTime<Utc>) -> Result<Option<Counts>> {
    let import = Entity::require(tx, id).await?;
    if !Entity::import(&import).is_at(batch.bytes.start) {
        return Ok(None);
    }
    let dialect = Dialect(tx.get_database_backend());
    let rows: Vec<Row<'_>> = batch
        .rows
        .iter()
        .map(|channel| Row {
            id: channel.id,
            username: &channel.username,
            category: &channel.category,
            category_fold: fold(&channel.category),
            tgstat_url: channel.tgstat_url.as_deref(),
            collected_at: sql::instant(channel.collected_at),
        })
        .collect();
    let texts = ["username", "category", "category_fold", "tgstat_url", "collected_at"].map(|name| (name, "text"));
    let columns: Vec<_> = [("id", "uuid")].into_iter().chain(texts).collect();
    // Without `WHERE true` SQLite takes ON for the beginning of a join's condition.
    let insert = format!("{INSERT} {} WHERE true ON CONFLICT (username) DO NOTHING", dialect.table("$2", &columns));
    let inserted = tx.execute_raw(dialect.statement(&insert, [now.into(), sql::rows(&rows)])).await?.rows_affected();
    let inserted = i64::try_from(inserted).map_err(Error::internal)?;
    let counts = counts(batch, inserted);
    imports::keep_errors::<Entity>(tx, id, batch.errors.iter()).await?;
    imports::change::<Entity>(tx, &import, now, |import| import.moved_on(batch.bytes.end, counts)).await?;
    Ok(Some(counts))
}
