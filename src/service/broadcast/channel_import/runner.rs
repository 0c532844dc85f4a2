//! Does the imports of this node, one after the other.

use std::time::Duration;

use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::reader::{self, Source};
use crate::access::audit::{self, Subject};
use crate::broadcast::upload;
use crate::imports::{Failure, Kind, TELL};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::broadcast::ImportStatus;
use domain::error::{Error, Result};
use domain::id::ChannelImportId;
use domain::role::Role;
use events::Event;
use storage::Noun;
use storage::broadcast::channel_import;
use storage::broadcast::channel_staging::{self, Batch};

/// Errors of an import that are kept.
const ERRORS: i64 = 1_000;
/// Lines of a batch. PostgreSQL: twice as many were 2 % faster. SQLite: 25 ms, at most 40, in which nobody else writes (R23).
const BATCH_LINES: (i64, i64) = (10_000, 600);
/// New channels that make the database's statistics of the catalog old.
const MANY: i64 = 10_000;

/// Where an import stands after a batch.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The import, as it is stored.
    pub import: channel_import::Model,
    /// How long the batch took to write.
    pub took: Duration,
}

/// Runs the imports of this node as they come, until `stop`.
pub async fn run(on: Services, stop: CancellationToken) {
    let kind = Kind {
        name: "imports of channels",
        is_told_by: |event| matches!(event, Event::Import(_)),
        pending: |on, stop| Box::pin(run_pending(on, stop, |_| {})),
    };
    kind.run(on, stop).await;
}

/// Runs the imports of this node that have not ended, those too that an earlier run of the process left. `seen` is told
/// of each batch. With `stop` it returns after the present batch.
///
/// # Errors
/// [`Error::Unavailable`] if the database or the disk went away: to be called again, it goes on where it stopped.
pub async fn run_pending(
    on: &Services,
    stop: &CancellationToken,
    mut seen: impl FnMut(&Progress) + Send,
) -> Result<()> {
    for import in channel_import::Entity::unfinished(on.node).all(on.db.reader()).await? {
        if stop.is_cancelled() {
            return Ok(());
        }
        let id = import.id;
        if let Err(failure) = run_one(on, import, stop, &mut seen).await {
            fail(on, id, &failure.verdict(id)?).await?;
        }
    }
    Ok(())
}

async fn run_one(
    on: &Services,
    queued: channel_import::Model,
    stop: &CancellationToken,
    seen: &mut (impl FnMut(&Progress) + Send),
) -> Result<(), Failure> {
    let mut import = begin(on, queued).await?;
    let mut batches = reader::start(Source {
        path: upload::path(on, import.upload_id),
        from: import.bytes_read,
        batch_lines: if on.db.is_postgres() { BATCH_LINES.0 } else { BATCH_LINES.1 },
        errors: usize::try_from(ERRORS - import.invalid.min(ERRORS)).unwrap_or_default(),
        now: import.created_at,
    });
    let mut told = on.clock.monotonic();
    while let Some(batch) = batches.recv().await {
        let began = on.clock.monotonic();
        write(on, &mut import, &batch?).await?;
        let now = on.clock.monotonic();
        if now.saturating_sub(told) >= TELL {
            on.tell(Event::Import(import.id));
            told = now;
        }
        seen(&Progress { import: import.clone(), took: now.saturating_sub(began) });
        if stop.is_cancelled() {
            return Ok(());
        }
    }
    complete(on, &import).await?;
    Ok(())
}

/// The import's row becomes RUNNING, unless an earlier run of it began.
async fn begin(on: &Services, queued: channel_import::Model) -> Result<channel_import::Model> {
    if queued.status == ImportStatus::Running {
        return Ok(queued);
    }
    let id = queued.id;
    let begun = on
        .db
        .write(|tx| async move {
            let row = channel_import::Entity::require(&*tx, id).await?;
            let version = row.version + 1;
            let mut row = row.into_active_model();
            row.status = Set(ImportStatus::Running);
            row.started_at = Set(Some(on.now()));
            row.version = Set(version);
            Ok(row.update(&*tx).await?)
        })
        .await?;
    on.tell(Event::Import(id));
    Ok(begun)
}

/// Writes one batch, and notes the same on `import` as the database does on its row.
async fn write(on: &Services, import: &mut channel_import::Model, batch: &Batch) -> Result<()> {
    let inserted = channel_staging::write(&on.db, import.id, batch, on.now()).await?.ok_or_else(|| {
        Error::Unavailable(anyhow::anyhow!(
            "the import went on elsewhere, or a commit was not answered: it is read anew"
        ))
    })?;
    import.lines += batch.lines;
    import.inserted += inserted;
    import.invalid += batch.invalid;
    import.duplicates += batch.lines - batch.invalid - inserted;
    import.bytes_read = batch.bytes.end;
    import.version += 1;
    Ok(())
}

async fn complete(on: &Services, import: &channel_import::Model) -> Result<()> {
    if on.db.is_postgres() && import.inserted >= MANY {
        // Or the next batch and list are planned for the catalog as it was before.
        on.db.analyze("channels").await?;
    }
    end(on, import.id, ImportStatus::Completed, None).await
}

async fn fail(on: &Services, id: ChannelImportId, why: &str) -> Result<()> {
    end(on, id, ImportStatus::Failed, Some(why)).await
}

async fn end(on: &Services, id: ChannelImportId, status: ImportStatus, why: Option<&str>) -> Result<()> {
    on.db
        .write(|tx| async move {
            let tx = &*tx;
            let row = channel_import::Entity::require(tx, id).await?;
            let version = row.version + 1;
            let mut row = row.into_active_model();
            row.status = Set(status);
            row.error_message = Set(why.map(ToOwned::to_owned));
            row.completed_at = Set(Some(on.now()));
            row.version = Set(version);
            let row = row.update(tx).await?;
            // It is done in the name of the user who asked for it.
            let actor = Actor::user(row.created_by_id, Role::Operator, None);
            let metadata = json!({
                "status": status, "lines": row.lines, "inserted": row.inserted,
                "duplicates": row.duplicates, "invalid": row.invalid, "error": why,
            });
            audit::record(on, tx, &actor, Action::ChannelImported, Subject("ChannelImport", id.0), metadata).await
        })
        .await?;
    on.tell(Event::Import(id));
    on.tell(Event::Audit);
    Ok(())
}
