//! Where what the database no longer needs is kept: a folder, or a bucket of S3.

use object_store::ObjectStoreExt;

use crate::place::{Opened, Place};
use domain::error::{Error, Result};

/// An archive. Files in it are written whole or not at all.
pub struct Archive(Opened);

impl Archive {
    /// Opens the archive at `place`; a folder is made if it is not there.
    ///
    /// # Errors
    /// It can't be reached, or the variables `AWS_...` don't say how.
    pub fn open(place: &Place) -> Result<Self> {
        place.open("HERALD_AUDIT_ARCHIVE").map(Self).map_err(Error::internal)
    }

    /// Writes a file; one of this name is replaced.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.0.store.put(&self.0.path(name), bytes.into()).await.map_err(|error| self.away(error))?;
        Ok(())
    }

    /// A file; None if there is none of this name.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.0.store.get(&self.0.path(name)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| self.away(error))?.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.away(error)),
        }
    }

    fn away(&self, error: object_store::Error) -> Error {
        Error::Unavailable(self.0.away(error))
    }
}
