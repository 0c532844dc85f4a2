//! Where what the database no longer needs is kept: a folder, or a bucket of S3.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::Context;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use domain::error::{Error, Result};

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchivePlace {
    /// In this folder.
    Folder(PathBuf),
    /// In a bucket: `s3://bucket/prefix`. The keys, the region and the endpoint are in the variables `AWS_...`.
    S3(String),
}

/// An archive. Files in it are written whole or not at all.
pub struct Archive {
    store: Box<dyn ObjectStore>,
    prefix: Path,
}

impl Archive {
    /// Opens the archive at `place`; a folder is made if it is not there.
    ///
    /// # Errors
    /// It can't be reached, or the variables `AWS_...` don't say how.
    pub fn open(place: &ArchivePlace) -> Result<Self> {
        let opened = match place {
            ArchivePlace::Folder(path) => folder(path),
            ArchivePlace::S3(url) => bucket(url),
        };
        opened.map_err(Error::internal)
    }

    /// Writes a file; one of this name is replaced.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.store.put(&self.path(name), bytes.into()).await.map_err(away)?;
        Ok(())
    }

    /// A file; None if there is none of this name.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.store.get(&self.path(name)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(away)?.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }
}

fn folder(path: &PathBuf) -> anyhow::Result<Archive> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("HERALD_AUDIT_ARCHIVE: {} can't be made", path.display()))?;
    // What was archived is deleted from the database: it must outlive a power cut.
    let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
    Ok(Archive { store: Box::new(store), prefix: Path::default() })
}

fn bucket(url: &str) -> anyhow::Result<Archive> {
    let prefix = url::Url::parse(url).context("HERALD_AUDIT_ARCHIVE")?;
    let prefix = Path::from_url_path(prefix.path()).context("HERALD_AUDIT_ARCHIVE")?;
    let store = AmazonS3Builder::from_env().with_url(url).build().context("HERALD_AUDIT_ARCHIVE")?;
    Ok(Archive { store: Box::new(store), prefix })
}

fn away(error: object_store::Error) -> Error {
    Error::Unavailable(anyhow::Error::from(error).context("the archive can't be used now"))
}
