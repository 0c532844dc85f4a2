//! What stands in a file, read from any place of it. Of a bucket's object there is never more than a window in memory.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::runtime::Handle;

use super::{Files, Kept};
use crate::place::Opened;
use domain::id::UploadId;

/// Bytes that are fetched at once.
const WINDOW: u64 = 4 << 20;

/// Of this kind is the error of a bucket that does not answer: what is read there has to wait.
pub const AWAY: ErrorKind = ErrorKind::NetworkDown;

/// A file that is read on a thread that may wait.
pub struct Content(Source);

enum Source {
    File(File),
    Object(Object),
}

struct Object {
    at: Opened,
    path: Path,
    runtime: Handle,
    bytes: u64,
    position: u64,
    /// What was fetched last, and where it begins.
    window: (u64, Vec<u8>),
}

impl Content {
    /// Opens a file. To be called, as all that reads it, on a thread of `spawn_blocking`.
    pub(super) fn open(files: &Files, id: UploadId) -> io::Result<Self> {
        let bucket = match &files.0 {
            Kept::Folder { .. } => return Ok(Self(Source::File(File::open(files.file(id).unwrap_or_default())?))),
            Kept::Bucket(bucket) => bucket,
        };
        let (at, path, runtime) = (bucket.at.clone(), bucket.object(id), Handle::current());
        let bytes = runtime.block_on(at.store.head(&path)).map_err(|error| failed(&at, error))?.size;
        Ok(Self(Source::Object(Object { at, path, runtime, bytes, position: 0, window: (0, Vec::new()) })))
    }
}

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Source::File(file) => file.read(into),
            Source::Object(object) => object.read(into),
        }
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Source::File(file) => file.seek(to),
            Source::Object(object) => object.seek(to),
        }
    }
}

impl Read for Object {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.bytes || into.is_empty() {
            return Ok(0);
        }
        let (begin, window) = &self.window;
        let is_here = (*begin..*begin + window.len() as u64).contains(&self.position);
        if !is_here {
            let range = self.position..self.bytes.min(self.position.saturating_add(WINDOW));
            let fetched = self.runtime.block_on(self.at.store.get_range(&self.path, range));
            self.window = (self.position, fetched.map_err(|error| failed(&self.at, error))?.into());
        }
        let (begin, window) = &self.window;
        let rest = usize::try_from(self.position - begin).ok().and_then(|from| window.get(from..)).unwrap_or_default();
        let count = rest.len().min(into.len());
        if count == 0 {
            return Err(io::Error::new(AWAY, "the bucket gave fewer bytes than the object has"));
        }
        into[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Object {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A bucket's error as that of a file.
pub(super) fn failed(at: &Opened, error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => ErrorKind::NotFound.into(),
        error => io::Error::new(AWAY, at.away(error)),
    }
}
