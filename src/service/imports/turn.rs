//! One import while it is being done: a turn is some batches, then it is others' turn.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::decoded::{self, HEAD};
use super::failure::Failure;
use super::reader::{self, Coming, Lines, Source};
use super::runner::{self, Progress};
use super::{Importable, kind};
use crate::Services;
use domain::broadcast::ImportStatus;
use domain::encoding::FileEncoding;
use domain::error::{Error, Result};
use storage::imports::{Import, errors_kept, room};

/// How long a turn takes; a batch that has begun is written.
const TURN: Duration = Duration::from_millis(250);
/// Progress is told at most so often.
const TELL: Duration = Duration::from_millis(100);
/// New rows that make the database's statistics of their table old.
const MANY: i64 = 10_000;
/// So many lines that can't be read, from the first one on, and it is no such list.
const HOPELESS: i64 = 10_000;

type Batches<I> = Coming<<<I as Importable>::Lines as Lines>::Row>;

/// An import that is being done.
pub(super) struct Active<I: Importable> {
    /// Its row when it was taken in.
    pub(super) row: I::Model,
    /// How far it is.
    pub(super) import: Import,
    /// The number of its last turn; 0: it had none.
    pub(super) turn: u64,
    /// What is read of its file, while that is open.
    pub(super) batches: Option<Batches<I>>,
    /// How many lines of the file have been read, if this process has read them.
    lines: Option<i64>,
    /// How many lines from the first one on could not be read; None: one could.
    bad: Option<i64>,
    /// When it was last told how far it is.
    told: Duration,
}

/// What a turn has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is more to do.
    Over,
    /// The import has ended.
    Ended,
}

impl<I: Importable> Active<I> {
    /// An import that has not ended, as its row is now.
    pub(super) fn new(row: I::Model) -> Self {
        let import = I::import(&row);
        let bad = (import.lines == import.invalid).then_some(import.lines);
        Self { row, import, turn: 0, batches: None, lines: None, bad, told: Duration::ZERO }
    }

    /// Writes batches until the turn is over. `seen` is told of each; with `stop` it returns after the present one.
    pub(super) async fn take(
        &mut self,
        on: &Services,
        stop: &CancellationToken,
        seen: &mut (impl FnMut(&Progress<I::Id>) + Send),
    ) -> Result<Turn, Failure> {
        if self.import.status == ImportStatus::Queued && !self.begin(on).await? {
            return Ok(Turn::Ended);
        }
        let began = on.clock.monotonic();
        loop {
            let batches = match &mut self.batches {
                Some(batches) => batches,
                closed => {
                    let told = errors_kept::<I>(on.db.reader(), I::id(&self.row)).await?;
                    let source = source::<I>(on, &self.import, self.lines, room(told));
                    closed.insert(reader::start(source, I::lines(on, &self.row)?))
                }
            };
            let Some(batch) = batches.recv().await else { break };
            let (batch, lines) = batch?;
            let writing = on.clock.monotonic();
            let id = I::id(&self.row);
            let Some(counts) = I::write(on, id, &batch).await? else {
                let now = I::by_ids(&[id]).one(on.db.reader()).await.map_err(Error::from)?;
                // It was cancelled, or a commit was not answered.
                return if now.is_none_or(|row| I::import(&row).has_ended()) {
                    Ok(Turn::Ended)
                } else {
                    Err(elsewhere())
                };
            };
            self.import = self.import.clone().moved_on(batch.bytes.end, counts);
            self.lines = Some(lines);
            self.bad = self.bad.filter(|_| batch.invalid == batch.lines).map(|bad| bad + batch.lines);
            let now = on.clock.monotonic();
            // Not with each batch, which would tell of every write, but as often as somebody can follow.
            if now.saturating_sub(self.told) >= TELL {
                on.tell(I::event(id));
                self.told = now;
            }
            seen(&Progress { id, import: self.import.clone(), took: now.saturating_sub(writing) });
            if self.bad.is_some_and(|bad| bad >= HOPELESS) {
                return Err(hopeless());
            }
            if stop.is_cancelled() || now.saturating_sub(began) >= TURN {
                return Ok(Turn::Over);
            }
        }
        if on.db.is_postgres() && self.import.inserted >= MANY {
            // Or the next batch and list are planned for the table as it was before.
            on.db.analyze(I::FILLED).await?;
        }
        let why = nothing_in(&self.import);
        let status = if why.is_some() { ImportStatus::Failed } else { ImportStatus::Completed };
        runner::end::<I>(on, &self.row, status, why.as_deref()).await?;
        Ok(Turn::Ended)
    }

    /// The import's row becomes RUNNING, unless it has ended before its first turn.
    async fn begin(&mut self, on: &Services) -> Result<bool, Failure> {
        let id = I::id(&self.row);
        let head = on.files.beginning(self.import.upload_id, HEAD).await?;
        let encoding = Some(decoded::found(&head, self.import.encoding)?);
        let begun = on.system_write(|w| async move {
            let old = w.require(id).await?;
            let import = I::import(&old);
            if import.has_ended() {
                return Ok(None);
            }
            let begun = Import { status: ImportStatus::Running, started_at: Some(w.now), encoding, ..import };
            w.tell(I::event(id));
            Ok(Some(w.replace(&old, I::with(&old, begun)).await?))
        });
        let begun = begun.await?.map(|row| I::import(&row));
        let is_begun = begun.is_some();
        self.import = begun.unwrap_or_else(|| self.import.clone());
        Ok(is_begun)
    }
}

/// Why an import has failed whose file was read to its end: nothing of it is in the database, nor was before.
fn nothing_in(import: &Import) -> Option<String> {
    let Import { lines, inserted, duplicates, invalid, .. } = *import;
    match (inserted + duplicates, lines) {
        (0, 0) if import.bytes_read == 0 => Some(kind::EMPTY.to_owned()),
        (0, 0) => Some(
            "no line follows the one with the columns' names, or all are empty; if the file has more, what sent it took its line \
             ends away (curl does so with -d: use --data-binary)"
                .to_owned(),
        ),
        (0, 1) => Some("its only line did not go in: the errors say why".to_owned()),
        (0, _) => Some(format!("none of its {invalid} lines went in: the errors say why")),
        _ => None,
    }
}

fn source<I: Importable>(on: &Services, import: &Import, lines: Option<i64>, errors: usize) -> Source {
    Source {
        files: on.files.clone(),
        upload: import.upload_id,
        from: import.bytes_read,
        lines,
        batch_lines: if on.db.is_postgres() { I::BATCH_LINES.0 } else { I::BATCH_LINES.1 },
        errors,
        encoding: import.encoding.unwrap_or(FileEncoding::Utf8),
    }
}

fn elsewhere() -> Failure {
    let why = "the import went on elsewhere, or a commit was not answered: it is read anew";
    Error::Unavailable(anyhow::anyhow!(why)).into()
}

fn hopeless() -> Failure {
    Failure::File(format!(
        "none of the first {HOPELESS} lines could be read: the errors say why; is it the right file, in the right format?"
    ))
}
