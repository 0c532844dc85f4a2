//! Where the files of uploads lie: in the data folder of the process that took them in, or in a place that a whole fleet shares.
//! Nothing but this knows which.

mod content;
mod incoming;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub use self::content::{AWAY, Content};
use self::incoming::disk;
pub use self::incoming::{Incoming, Received};
use crate::place::{Opened, Place};
use domain::error::{Error, Result};
use domain::id::UploadId;

/// The setting that names the place.
pub const SETTING: &str = "HERALD_FILES";
/// The folder of uploads in a data folder, or in the place.
const UPLOADS: &str = "uploads";
/// The end of the name of a file that has not come whole.
const PART: &str = "part";
/// Says whose the place is: the life of the database whose rows name the files.
pub const OWNER: &str = "herald-files";
/// Where in the data folder copies lie while something is read that needs a file of this machine.
const COPIES: &str = "fetched";
/// Copies that there are at the same time.
const MOST_COPIES: usize = 2;

/// The files of uploads. Copies of it are the same.
#[derive(Debug, Clone)]
pub struct Files(Kept);

#[derive(Debug, Clone)]
enum Kept {
    Folder {
        root: PathBuf,
        /// The same folder as a place, if other processes have it too.
        shared: Option<Opened>,
    },
    Bucket(Bucket),
}

#[derive(Debug, Clone)]
struct Bucket {
    at: Opened,
    copies: Arc<Copies>,
}

#[derive(Debug)]
struct Copies {
    folder: PathBuf,
    room: Arc<Semaphore>,
    /// Whether what an earlier run left was removed.
    cleared: OnceCell<()>,
}

/// A file of this machine: the upload's own, or a copy that goes when this is dropped.
pub struct Local {
    path: PathBuf,
    _copy: Option<(TempPath, OwnedSemaphorePermit)>,
}

impl Local {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Bucket {
    fn object(&self, id: UploadId) -> object_store::path::Path {
        self.at.path(&format!("{UPLOADS}/{id}"))
    }

    fn away(&self, error: object_store::Error) -> Error {
        Error::Unavailable(self.at.away(error))
    }
}

impl Files {
    /// Files in the data folder of this process.
    pub fn within(data_dir: &Path) -> Self {
        Self(Kept::Folder { root: data_dir.into(), shared: None })
    }

    /// Files at a place that all processes have.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn at(place: &Place, data_dir: &Path) -> anyhow::Result<Self> {
        let at = place.open(SETTING)?;
        Ok(Self(match place {
            Place::Folder(root) => Kept::Folder { root: root.clone(), shared: Some(at) },
            Place::S3(_) => return Ok(Self::in_bucket(at, data_dir)),
        }))
    }

    /// Files in a bucket that is open already.
    pub fn in_bucket(at: Opened, data_dir: &Path) -> Self {
        let (folder, room) = (data_dir.join(COPIES), Arc::new(Semaphore::new(MOST_COPIES)));
        Self(Kept::Bucket(Bucket { at, copies: Arc::new(Copies { folder, room, cleared: OnceCell::new() }) }))
    }

    /// The place, if it is one that all processes have.
    pub const fn shared(&self) -> Option<&Opened> {
        match &self.0 {
            Kept::Folder { shared, .. } => shared.as_ref(),
            Kept::Bucket(bucket) => Some(&bucket.at),
        }
    }

    /// The folder whose disk the files fill; None: they fill a bucket.
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Kept::Folder { root, .. } => Some(root),
            Kept::Bucket(_) => None,
        }
    }

    /// Where a file lies, if it lies in a folder.
    pub fn file(&self, id: UploadId) -> Option<PathBuf> {
        self.folder().map(|root| root.join(UPLOADS).join(id.to_string()))
    }

    /// Begins to take in the file `id`, of at most `most` bytes.
    ///
    /// # Errors
    /// The disk is full, or the bucket away.
    pub async fn receive(&self, id: UploadId, most: u64) -> Result<Incoming> {
        Incoming::open(self, id, most).await
    }

    /// Whether the file is there.
    ///
    /// # Errors
    /// The place does not say.
    pub async fn has(&self, id: UploadId) -> Result<bool> {
        match &self.0 {
            Kept::Folder { .. } => tokio::fs::try_exists(self.file(id).unwrap_or_default()).await.map_err(disk),
            Kept::Bucket(bucket) => match bucket.at.store.head(&bucket.object(id)).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(bucket.away(error)),
            },
        }
    }

    /// Opens a file. To be called, as all that reads it, on a thread of `spawn_blocking`.
    ///
    /// # Errors
    /// It is not there; of the kind [`AWAY`], if the place is away.
    pub fn open(&self, id: UploadId) -> io::Result<Content> {
        Content::open(self, id)
    }

    /// How a file begins.
    ///
    /// # Errors
    /// As of [`Files::open`].
    pub async fn beginning(&self, id: UploadId, bytes: usize) -> io::Result<Vec<u8>> {
        let files = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut head = Vec::with_capacity(bytes);
            files.open(id)?.take(bytes as u64).read_to_end(&mut head)?;
            Ok(head)
        });
        read.await.map_err(io::Error::other)?
    }

    /// The file on this machine, for what can read no other: of a bucket's object a copy is made. None: it is not there.
    ///
    /// # Errors
    /// The bucket is away, or the disk has no room for the copy.
    pub async fn local(&self, id: UploadId) -> Result<Option<Local>> {
        let bucket = match &self.0 {
            Kept::Folder { .. } => {
                let path = self.file(id).unwrap_or_default();
                return Ok(tokio::fs::try_exists(&path).await.map_err(disk)?.then_some(Local { path, _copy: None }));
            }
            Kept::Bucket(bucket) => bucket,
        };
        let permit = bucket.copies.room.clone().acquire_owned().await.map_err(Error::internal)?;
        bucket.copies.clear().await?;
        let found = match bucket.at.store.get(&bucket.object(id)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(|error| bucket.away(error))?,
        };
        let named = tempfile::Builder::new().suffix(&format!(".{PART}")).tempfile_in(&bucket.copies.folder);
        let (file, copy) = named.map_err(disk)?.into_parts();
        let (mut file, mut pieces) = (tokio::fs::File::from_std(file), found.into_stream());
        while let Some(piece) = pieces.try_next().await.map_err(|error| bucket.away(error))? {
            file.write_all(&piece).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        Ok(Some(Local { path: copy.to_path_buf(), _copy: Some((copy, permit)) }))
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// The place is away.
    pub async fn remove(&self, id: UploadId) -> Result<()> {
        match &self.0 {
            Kept::Folder { .. } => gone(tokio::fs::remove_file(self.file(id).unwrap_or_default()).await),
            Kept::Bucket(bucket) => match bucket.at.store.delete(&bucket.object(id)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(bucket.away(error)),
            },
        }
    }

    /// The files that were whole before `before`.
    ///
    /// # Errors
    /// The place is away.
    pub async fn older_than(&self, before: DateTime<Utc>) -> Result<Vec<UploadId>> {
        match &self.0 {
            Kept::Folder { .. } => {
                let old = self.listed(before).await?;
                Ok(old.into_iter().filter(|(_, path)| path.extension().is_none()).map(|(id, _)| id).collect())
            }
            Kept::Bucket(bucket) => {
                let found = bucket.at.store.list(Some(&bucket.at.path(UPLOADS)));
                let old = found.try_filter_map(async |object| {
                    let id = object.location.filename().and_then(|name| name.parse().ok()).map(UploadId);
                    Ok(id.filter(|_| object.last_modified < before))
                });
                old.try_collect().await.map_err(|error| bucket.away(error))
            }
        }
    }

    /// Removes what has not come whole, and to which nothing was written since `before`. A bucket does this by a rule of its own.
    ///
    /// # Errors
    /// The disk is away.
    pub async fn clear(&self, before: DateTime<Utc>) -> Result<()> {
        if matches!(self.0, Kept::Bucket(_)) {
            return Ok(());
        }
        for (_, path) in self.listed(before).await? {
            if path.extension().is_some_and(|ending| ending == PART) {
                gone(tokio::fs::remove_file(path).await)?;
            }
        }
        Ok(())
    }

    /// The files in the folder, whole or not, that were written before `before`.
    async fn listed(&self, before: DateTime<Utc>) -> Result<Vec<(UploadId, PathBuf)>> {
        let folder = self.folder().unwrap_or(Path::new(".")).join(UPLOADS);
        let found = tokio::task::spawn_blocking(move || list(&folder, before)).await.map_err(Error::internal)?;
        found.map_err(disk)
    }
}

impl Copies {
    /// Makes the folder, empty: before this process has made a copy, all in it are of one that was killed.
    async fn clear(&self) -> Result<()> {
        let cleared = self.cleared.get_or_try_init(async || {
            match tokio::fs::remove_dir_all(&self.folder).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            tokio::fs::create_dir_all(&self.folder).await
        });
        cleared.await.copied().map_err(disk)
    }
}

fn gone(removed: io::Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(error)),
        _ => Ok(()),
    }
}

fn list(folder: &Path, before: DateTime<Utc>) -> io::Result<Vec<(UploadId, PathBuf)>> {
    let mut old = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        // Nothing was ever uploaded.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(old),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let Some(id) = path.file_stem().and_then(|name| name.to_str()?.parse().ok()).map(UploadId) else { continue };
        match entry.metadata() {
            // It vanished meanwhile: an upload came whole, or broke off.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            metadata => {
                if DateTime::<Utc>::from(metadata?.modified()?) < before {
                    old.push((id, path));
                }
            }
        }
    }
    Ok(old)
}

/// Whose files lie at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This database's.
    Ours,
    /// Nobody's until now.
    Nobody,
    /// Those of the database with this life.
    Another(String),
}

impl Opened {
    /// Whose files these are, `life` being that of the database that asks.
    ///
    /// # Errors
    /// The place is away.
    pub async fn owner(&self, life: Uuid) -> Result<Owner> {
        let read = async { self.store.get(&self.path(OWNER)).await?.bytes().await };
        match read.await {
            Ok(told) if *told.trim_ascii() == *life.to_string().as_bytes() => Ok(Owner::Ours),
            Ok(told) => Ok(Owner::Another(String::from_utf8_lossy(&told).trim().chars().take(36).collect())),
            Err(object_store::Error::NotFound { .. }) => Ok(Owner::Nobody),
            Err(error) => Err(Error::Unavailable(self.away(error))),
        }
    }

    /// Notes that the files are those of the database with this life.
    ///
    /// # Errors
    /// The place is away.
    pub async fn own(&self, life: Uuid) -> Result<()> {
        let written = self.store.put(&self.path(OWNER), life.to_string().into_bytes().into()).await;
        written.map(drop).map_err(|error| Error::Unavailable(self.away(error)))
    }

    /// Writes a file, reads it, and deletes it.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub async fn try_out(&self) -> anyhow::Result<()> {
        let (path, text) = (self.path(&format!("probe-{}", domain::id::time_sorted())), "herald doctor was here");
        let tried = async {
            self.store.put(&path, text.into()).await?;
            let back = self.store.get(&path).await?.bytes().await?;
            self.store.delete(&path).await?;
            Ok(back)
        };
        let back = tried.await.map_err(|error| self.away(error))?;
        anyhow::ensure!(back == text.as_bytes(), "{SETTING}: it gives back other bytes than it was given");
        Ok(())
    }
}
