//! Does the imports of this node, one after the other.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Importable;
use super::failure::Failure;
use super::reader::{self, Source};
use super::upload;
use crate::{Actor, Services};
use domain::broadcast::ImportStatus;
use domain::error::{Error, Result};
use domain::role::Role;
use storage::imports::{Import, room};

/// Progress is told at most so often.
const TELL: Duration = Duration::from_millis(100);
/// How often imports are looked for that nobody told of, and how long a database or disk that is away is left alone.
const LOOK: Duration = Duration::from_secs(2);
/// New rows that make the database's statistics of their table old.
const MANY: i64 = 10_000;

/// Where an import stands after a batch.
#[derive(Debug, Clone)]
pub struct Progress<I> {
    /// Which one it is.
    pub id: I,
    /// The import, as it is stored.
    pub import: Import,
    /// How long the batch took to write.
    pub took: Duration,
}

/// Does the imports of this node as they come, until `stop`.
pub async fn run<I: Importable>(on: Services, stop: CancellationToken) {
    let mut events = on.events.subscribe();
    while !stop.is_cancelled() {
        // What was told before is found by looking.
        events.forget();
        if let Err(error) = run_pending::<I>(&on, &stop, |_| {}).await {
            tracing::warn!(error = ?error, "{} have to wait", I::NAME);
        }
        tokio::select! {
            () = events.until(LOOK, |event| I::is_told_by(&event)) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does the imports of this node that have not ended, those too that an earlier run of the process left. `seen` is told of
/// each batch. With `stop` it returns after the present batch.
///
/// # Errors
/// [`Error::Unavailable`] if the database or the disk went away: to be called again, it goes on where it stopped.
pub async fn run_pending<I: Importable>(
    on: &Services,
    stop: &CancellationToken,
    mut seen: impl FnMut(&Progress<I::Id>) + Send,
) -> Result<()> {
    for row in I::unfinished(on.node).all(on.db.reader()).await? {
        if stop.is_cancelled() {
            return Ok(());
        }
        if let Err(failure) = run_one::<I>(on, &row, stop, &mut seen).await {
            let why = failure.verdict(I::id(&row))?;
            end::<I>(on, &row, ImportStatus::Failed, Some(&why)).await?;
        }
    }
    Ok(())
}

async fn run_one<I: Importable>(
    on: &Services,
    queued: &I::Model,
    stop: &CancellationToken,
    seen: &mut (impl FnMut(&Progress<I::Id>) + Send),
) -> Result<(), Failure> {
    let id = I::id(queued);
    let mut import = begin::<I>(on, queued).await?;
    let lines = I::lines(on, queued)?;
    let source = Source {
        path: upload::path(on, import.upload_id),
        from: import.bytes_read,
        batch_lines: if on.db.is_postgres() { I::BATCH_LINES.0 } else { I::BATCH_LINES.1 },
        errors: room(import.invalid),
    };
    let mut batches = reader::start(source, lines);
    let mut told = on.clock.monotonic();
    while let Some(batch) = batches.recv().await {
        let (batch, began) = (batch?, on.clock.monotonic());
        let counts = I::write(on, id, &batch).await?.ok_or_else(elsewhere)?;
        import = import.moved_on(batch.bytes.end, counts);
        let now = on.clock.monotonic();
        // Not with each batch, which would tell of every write, but as often as somebody can follow.
        if now.saturating_sub(told) >= TELL {
            on.tell(I::event(id));
            told = now;
        }
        seen(&Progress { id, import: import.clone(), took: now.saturating_sub(began) });
        if stop.is_cancelled() {
            return Ok(());
        }
    }
    if on.db.is_postgres() && import.inserted >= MANY {
        // Or the next batch and list are planned for the table as it was before.
        on.db.analyze(I::FILLED).await?;
    }
    Ok(end::<I>(on, queued, ImportStatus::Completed, None).await?)
}

fn elsewhere() -> Error {
    Error::Unavailable(anyhow::anyhow!("the import went on elsewhere, or a commit was not answered: it is read anew"))
}

/// The import's row becomes RUNNING, unless an earlier run of it began.
async fn begin<I: Importable>(on: &Services, queued: &I::Model) -> Result<Import> {
    let (id, import) = (I::id(queued), I::import(queued));
    if import.status == ImportStatus::Running {
        return Ok(import);
    }
    let begun = on.system_write(|w| async move {
        let old = w.require(id).await?;
        let begun = Import { status: ImportStatus::Running, started_at: Some(w.now), ..I::import(&old) };
        w.tell(I::event(id));
        w.replace(&old, I::with(&old, begun)).await
    });
    Ok(I::import(&begun.await?))
}

/// The import has ended, in the name of the user who asked for it.
async fn end<I: Importable>(on: &Services, row: &I::Model, status: ImportStatus, why: Option<&str>) -> Result<()> {
    let id = I::id(row);
    on.write(&Actor::user(I::import(row).created_by_id, Role::Operator, None), |w| async move {
        let old = w.require(id).await?;
        let error_message = why.map(ToOwned::to_owned);
        let ended = Import { status, error_message, completed_at: Some(w.now), ..I::import(&old) };
        let metadata = json!({
            "status": status, "lines": ended.lines, "inserted": ended.inserted,
            "duplicates": ended.duplicates, "invalid": ended.invalid, "error": why,
        });
        w.replace(&old, I::with(&old, ended)).await?;
        w.tell(I::event(id));
        w.note(I::ENDED, id, metadata).await
    })
    .await
}
