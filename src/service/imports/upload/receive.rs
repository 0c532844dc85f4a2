//! The file of an upload while it comes in: under another name, and gone if it does not come whole.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::label::HEAD;
use domain::error::{Error, Result};

/// The end of the name of a file that has not come whole.
pub(super) const PART: &str = "part";

/// A file that comes in. Dropped before it is kept, it vanishes: the client went away, or something failed.
pub(super) struct Incoming {
    file: File,
    bytes: u64,
    head: Vec<u8>,
    part: Doomed,
    whole: PathBuf,
}

/// A file that came whole, until [`Kept::forget`] says that the database knows of it.
pub(super) struct Kept {
    bytes: u64,
    file: Doomed,
}

/// A file that is removed unless it is saved.
struct Doomed(Option<PathBuf>);

impl Incoming {
    /// Begins a file that will lie at `whole`.
    pub(super) async fn open(whole: PathBuf) -> Result<Self> {
        let folder = whole.parent().unwrap_or(Path::new("."));
        tokio::fs::create_dir_all(folder).await.map_err(disk)?;
        let path = whole.with_extension(PART);
        let file = File::create_new(&path).await.map_err(disk)?;
        Ok(Self { file, bytes: 0, head: Vec::new(), part: Doomed(Some(path)), whole })
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How the file begins.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<()> {
        let missing = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..missing]);
        self.file.write_all(piece).await.map_err(disk)?;
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// Makes the file and its name last.
    pub(super) async fn keep(mut self) -> Result<Kept> {
        // What is written comes to the disk's answer only with a flush.
        self.file.flush().await.map_err(disk)?;
        self.file.sync_all().await.map_err(disk)?;
        let folder = self.whole.parent().unwrap_or(Path::new(".")).to_owned();
        let part = self.part.0.as_ref().expect("it is taken only here");
        tokio::fs::rename(part, &self.whole).await.map_err(disk)?;
        self.part.0 = None;
        let file = Doomed(Some(self.whole));
        File::open(folder).await.map_err(disk)?.sync_all().await.map_err(disk)?;
        Ok(Kept { bytes: self.bytes, file })
    }
}

impl Kept {
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The database knows of it: it stays.
    pub(super) fn forget(mut self) {
        self.file.0 = None;
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

/// The disk is full or away, or a limit of the file system is reached: later there may be room again.
pub(super) fn disk(error: io::Error) -> Error {
    Error::Unavailable(anyhow::Error::new(error).context("the file of an upload"))
}
