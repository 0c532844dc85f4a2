//! A file while it comes in: seen by nobody until it is whole, and gone if it does not come whole.

use std::io;
use std::path::{Path, PathBuf};

use object_store::ObjectStoreExt;
use object_store::buffered::BufWriter;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;

use super::{Files, Kept, PART};
use crate::place::Opened;
use domain::error::{Error, Result};
use domain::id::UploadId;

/// Bytes that are sent to a bucket at once, at least: a file that is smaller is sent as one.
const PIECE: u64 = 8 << 20;
/// Pieces that a bucket takes of one file, less some.
const PIECES: u64 = 9_000;
/// Pieces that are on their way at the same time, besides the one that is being filled.
const UNDER_WAY: usize = 2;

/// A file that comes in. Dropped before it is kept, it vanishes: the client went away, or something failed.
pub struct Incoming {
    to: To,
    bytes: u64,
}

enum To {
    Folder { file: File, part: Doomed, whole: PathBuf },
    Bucket { writer: Writer, object: Object },
}

/// A file that came whole, until [`Received::forget`] says that the database knows of it.
pub struct Received {
    /// How long it is.
    pub bytes: u64,
    file: Whole,
}

enum Whole {
    File(Doomed),
    Object(Object),
}

/// A file that is removed unless it is saved.
struct Doomed(Option<PathBuf>);

/// What is written to a bucket, broken off unless it is brought to its end.
struct Writer(Option<BufWriter>);

/// An object that is removed unless it is saved.
struct Object(Option<(Opened, object_store::path::Path)>);

impl Incoming {
    /// Begins the file `id`, which has at most `most` bytes.
    pub(super) async fn open(files: &Files, id: UploadId, most: u64) -> Result<Self> {
        let to = match &files.0 {
            Kept::Folder { .. } => {
                let whole = files.file(id).unwrap_or_default();
                let folder = whole.parent().unwrap_or(Path::new("."));
                tokio::fs::create_dir_all(folder).await.map_err(disk)?;
                let path = whole.with_extension(PART);
                let file = File::create_new(&path).await.map_err(disk)?;
                To::Folder { file, part: Doomed(Some(path)), whole }
            }
            Kept::Bucket(bucket) => {
                let path = bucket.object(id);
                let piece = usize::try_from(PIECE.max(most / PIECES)).map_err(Error::internal)?;
                let writer = BufWriter::with_capacity(bucket.at.store.clone(), path.clone(), piece);
                let writer = Writer(Some(writer.with_max_concurrency(UNDER_WAY)));
                To::Bucket { writer, object: Object(Some((bucket.at.clone(), path))) }
            }
        };
        Ok(Self { to, bytes: 0 })
    }

    /// How much of it has come.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// The disk is full, or the bucket away.
    pub async fn write(&mut self, piece: &[u8]) -> Result<()> {
        match &mut self.to {
            To::Folder { file, .. } => file.write_all(piece).await.map_err(disk)?,
            To::Bucket { writer: Writer(Some(writer)), object } => {
                writer.write_all(piece).await.map_err(|error| object.away(error))?;
            }
            To::Bucket { writer: Writer(None), .. } => {}
        }
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// Makes the file and its name last.
    ///
    /// # Errors
    /// As of [`Incoming::write`].
    pub async fn keep(self) -> Result<Received> {
        let bytes = self.bytes;
        let file = match self.to {
            To::Folder { file, part, whole } => Whole::File(renamed(file, part, whole).await?),
            To::Bucket { mut writer, object } => {
                if let Some(mut ending) = writer.0.take() {
                    ending.shutdown().await.map_err(|error| object.away(error))?;
                }
                Whole::Object(object)
            }
        };
        Ok(Received { bytes, file })
    }
}

async fn renamed(mut file: File, mut part: Doomed, whole: PathBuf) -> Result<Doomed> {
    // What is written comes to the disk's answer only with a flush.
    file.flush().await.map_err(disk)?;
    file.sync_all().await.map_err(disk)?;
    let folder = whole.parent().unwrap_or(Path::new(".")).to_owned();
    if let Some(path) = &part.0 {
        tokio::fs::rename(path, &whole).await.map_err(disk)?;
    }
    part.0 = None;
    let kept = Doomed(Some(whole));
    File::open(folder).await.map_err(disk)?.sync_all().await.map_err(disk)?;
    Ok(kept)
}

impl Received {
    /// The database knows of it: it stays.
    pub fn forget(mut self) {
        match &mut self.file {
            Whole::File(file) => file.0 = None,
            Whole::Object(object) => object.0 = None,
        }
    }
}

impl Object {
    fn away(&self, error: io::Error) -> Error {
        let error = error
            .downcast()
            .unwrap_or_else(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) });
        Error::Unavailable(match &self.0 {
            Some((at, _)) => at.away(error),
            None => error.into(),
        })
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "a broken upload stays until the next sweep");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (Some(mut writer), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            if let Err(error) = writer.abort().await {
                tracing::warn!(%error, "pieces of a broken upload stay in the bucket until its rule for unfinished ones");
            }
        });
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let (Some((at, path)), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        runtime.spawn(async move {
            match at.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => tracing::warn!(%error, %path, "a broken upload stays until it is swept"),
            }
        });
    }
}

/// The disk is full or away, or a limit of the file system is reached: later there may be room again.
pub(super) fn disk(error: io::Error) -> Error {
    Error::Unavailable(anyhow::Error::new(error).context("the file of an upload"))
}
