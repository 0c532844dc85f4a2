//! A ledger file of the pretend Telegram, read as far as it has grown, and appended to by whole lines.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A ledger file, and how far it has been read.
#[derive(Debug)]
pub struct Tail {
    /// Where it is.
    pub path: PathBuf,
    options: OpenOptions,
    /// The file, if it is there.
    pub file: Option<File>,
    /// Device and inode: by these the kernel knows a file, whatever it is called.
    pub identity: (u64, u64),
    /// The end of the last whole line that was read or written.
    end: u64,
}

impl Tail {
    /// The file at `path`, not opened yet and not read at all.
    pub fn new(path: PathBuf, options: OpenOptions) -> Self {
        Self { path, options, file: None, identity: (0, 0), end: 0 }
    }

    /// Opens the file, unless it is open.
    pub fn attach(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let file = self.options.open(&self.path)?;
        let metadata = file.metadata()?;
        self.identity = (metadata.dev(), metadata.ino());
        self.end = 0;
        self.file = Some(file);
        Ok(())
    }

    /// Opens the file, unless it is open or not there yet.
    pub fn attach_if_there(&mut self) -> io::Result<()> {
        match self.attach() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            attached => attached,
        }
    }

    /// Adds the random ids of the whole lines that were appended since the last time.
    ///
    /// False, if the file has been removed since: another may be there under its name.
    pub fn catch_up(&mut self, seen: &mut HashSet<i64>) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(true) };
        let metadata = file.metadata()?;
        if metadata.len() < self.end {
            self.end = 0; // Somebody emptied it. What it said is remembered all the same.
        }
        if metadata.len() > self.end {
            self.end += read_lines(file, self.end, &self.path, seen)?;
        }
        let removed = metadata.nlink() == 0;
        if removed {
            self.file = None;
        }
        Ok(!removed)
    }

    /// Removes what follows the last whole line. Only who holds the lock may: then whoever wrote it is dead.
    pub fn cut(&self) -> io::Result<()> {
        match &self.file {
            Some(file) if file.metadata()?.len() > self.end => file.set_len(self.end),
            _ => Ok(()),
        }
    }

    /// Appends a line in one write: whoever reads meanwhile, or after a crash, finds it whole or without its newline.
    pub fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut file = self.file.as_ref().ok_or(ErrorKind::NotFound)?;
        let written = file.write(line);
        if written.as_ref().is_ok_and(|written| *written == line.len()) {
            self.end += line.len() as u64;
            return Ok(());
        }
        // A full disk takes a part. If this fails too, the part is cut off before the next line.
        file.set_len(self.end)?;
        written.and(Err(ErrorKind::StorageFull.into()))
    }
}

/// Reads from `start` to the last newline and returns how many bytes that is.
fn read_lines(file: &File, start: u64, path: &Path, seen: &mut HashSet<i64>) -> io::Result<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Acceptance<'a> {
        #[serde(borrow)]
        random_id: Cow<'a, str>,
    }
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(start))?;
    let (mut line, mut read, mut strange) = (Vec::new(), 0, 0_u64);
    while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        match serde_json::from_slice::<Acceptance<'_>>(&line).map(|acceptance| acceptance.random_id.parse()) {
            Ok(Ok(random_id)) => {
                seen.insert(random_id);
            }
            _ => strange += 1,
        }
        read += line.len() as u64;
        line.clear();
    }
    if strange > 0 {
        tracing::warn!(path = %path.display(), lines = strange, "the ledger has lines that are no acceptances");
    }
    Ok(read)
}
