//! Imports: a list of channels or of leads goes in, however long it is.
//!
//! The row of an import says how many bytes of its file are in the database, in the transaction that put them there. So an
//! import that was cut off, by a crash or by a database that went away, goes on exactly where it stopped.

mod adopt;
mod cancel;
pub mod channels;
mod decoded;
mod failure;
mod kind;
pub mod leads;
mod reader;
mod records;
mod runner;
mod turn;
pub mod upload;
mod watch;

pub use self::cancel::cancel;
pub use self::kind::Wanted;
pub use self::reader::Lines;
pub use self::runner::{Progress, run, run_pending};
pub use self::watch::Watch;
use sea_orm::PaginatorTrait;

use crate::{Services, Write};
use domain::audit::Action;
use domain::encoding::FileEncoding;
use domain::error::{Error, Result};
use domain::id::UploadId;
use events::Event;
use storage::imports::{Batch, Counts, Import, ImportTable};

/// Why an import without its file can't be done.
const GONE: &str = "the file of this upload is no longer there; upload it again";

/// Imports of one user that may wait at the same time.
const MOST_WAITING: u64 = 100;

/// A kind of import, which has a table of its own.
pub trait Importable: ImportTable {
    /// What the log calls its imports.
    const NAME: &'static str;
    /// The audit line of an import that has ended.
    const ENDED: Action;
    /// The table that it fills.
    const FILLED: &'static str;
    /// Lines of a batch, on PostgreSQL and on SQLite, where nobody else writes meanwhile (R23).
    const BATCH_LINES: (i64, i64);

    /// How the lines of its files are read.
    type Lines: Lines;

    /// How the lines of one import are read.
    fn lines(on: &Services, import: &Self::Model) -> Result<Self::Lines>;

    /// Writes a batch, if the import is where the batch begins; None if it is not.
    fn write(
        on: &Services,
        id: Self::Id,
        batch: &Batch<<Self::Lines as Lines>::Row>,
    ) -> impl Future<Output = Result<Option<Counts>>> + Send;

    /// The event that tells of an import.
    fn event(id: Self::Id) -> Event;

    /// Whether an event may tell of a new import of this kind.
    fn is_told_by(event: &Event) -> bool;
}

/// The import of an uploaded file, which somebody asks for.
async fn queued<I: Importable>(
    on: &Services,
    w: &Write,
    id: UploadId,
    encoding: Option<FileEncoding>,
) -> Result<Import> {
    let user = w.actor.signed_in()?;
    if I::waiting_of(user).count(&**w).await? >= MOST_WAITING {
        let why = format!("{MOST_WAITING} {} of yours have not ended: wait for them, or cancel some", I::NAME);
        return Err(Error::Precondition(why));
    }
    let file = upload::mark_used(w, id).await?;
    let is_here = file.node_id == on.node || on.files.shared().is_some();
    if is_here && !on.files.has(id).await? {
        return Err(Error::Precondition(GONE.into()));
    }
    let import = Import::queued(&file, user, w.now, encoding);
    // Whoever is asked does it, if it has the file.
    Ok(if is_here { Import { node_id: on.node, ..import } } else { import })
}
