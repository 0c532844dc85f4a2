//! The ledgers of the pretend Telegram: one file of JSON lines for each process, together its memory.

use std::collections::HashSet;
use std::fmt::Display;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use super::tail::Tail;

/// How often to try for the locks at one go: mostly they are held for some microseconds.
const SPINS: u32 = 64;

/// A line of a ledger: one acceptance, or what became of an accepted message later.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    at: String,
    username: &'a str,
    /// Text, because JavaScript would round a number of 64 bits.
    #[serde(serialize_with = "as_text")]
    random_id: i64,
    text: &'a str,
    /// `EDIT` or `DELETE`; None: the message was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
}

impl<'a> Entry<'a> {
    /// The acceptance of `text` at the instant `at`.
    pub fn new(at: DateTime<Utc>, username: &'a str, random_id: i64, text: &'a str) -> Self {
        Self { at: at.to_rfc3339_opts(SecondsFormat::Millis, true), username, random_id, text, change: None }
    }

    /// The accepted message has another text, or is deleted, from the instant `at` on.
    pub fn change(at: DateTime<Utc>, username: &'a str, random_id: i64, text: Option<&'a str>) -> Self {
        let change = Some(if text.is_some() { "EDIT" } else { "DELETE" });
        Self { change, ..Self::new(at, username, random_id, text.unwrap_or_default()) }
    }
}

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The random ids of all ledgers, and the one file among them that this process writes.
///
/// A lock on every ledger file (`flock`, which the kernel releases when its holder dies) makes one decision of the look
/// into the others' ledgers and the line in one's own. Otherwise two processes could both accept the same random id.
#[derive(Debug)]
pub struct Ledger {
    own: Tail,
    others: Vec<Tail>,
    seen: HashSet<i64>,
}

impl Ledger {
    /// Reads the file at `path`, which is created if need be, and removes a line that a crash tore.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut ledger = Self { own: Tail::new(path.into(), options), others: Vec::new(), seen: HashSet::new() };
        ledger.own.attach()?;
        ledger.own.catch_up(&mut ledger.seen)?;
        if ledger.exclusively(|_| ())?.is_none() {
            tracing::debug!(path = %path.display(), "the ledger is in use; a torn line is removed with the next send");
        }
        Ok(ledger)
    }

    /// Whether `path` is one of the ledgers already.
    pub fn reads(&self, path: &Path) -> bool {
        self.own.path == path || self.others.iter().any(|other| other.path == path)
    }

    /// Adds the ledger of another process.
    pub fn join(&mut self, (tail, seen): (Tail, HashSet<i64>)) {
        self.seen.extend(seen);
        if !self.reads(&tail.path) {
            self.others.push(tail);
        }
    }

    /// Runs `act` while no other process accepts anything, and with all that they accepted before.
    ///
    /// `None`, if another process has the locks or a file was just removed: try again soon.
    pub fn exclusively<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> io::Result<Option<T>> {
        self.own.attach()?;
        self.others.iter_mut().try_for_each(Tail::attach_if_there)?;
        if !self.lock()? {
            return Ok(None);
        }
        let ready = self.catch_up();
        let outcome = ready.map(|ready| ready.then(|| act(self)));
        self.unlock();
        outcome
    }

    /// Whether a ledger has `random_id`.
    pub fn has(&self, random_id: i64) -> bool {
        self.seen.contains(&random_id)
    }

    /// Appends a line, or nothing at all; returns the number of the message.
    pub fn append(&mut self, entry: &Entry<'_>) -> io::Result<i64> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.own.append(&line)?;
        self.seen.insert(entry.random_id);
        Ok(i64::try_from(self.seen.len()).unwrap_or(i64::MAX))
    }

    fn tails(&mut self) -> impl Iterator<Item = &mut Tail> {
        std::iter::once(&mut self.own).chain(&mut self.others)
    }

    /// Locks all files or none.
    fn lock(&mut self) -> io::Result<bool> {
        let mut files: Vec<_> = self.tails().filter_map(|tail| Some((tail.identity, tail.file.as_ref()?))).collect();
        // All processes lock in the same order, so that one of them always gets through; and a file that has two names
        // would be locked against itself.
        files.sort_unstable_by_key(|(identity, _)| *identity);
        files.dedup_by_key(|(identity, _)| *identity);
        for _ in 0..SPINS {
            if try_lock(&files)? {
                return Ok(true);
            }
            std::thread::yield_now();
        }
        Ok(false)
    }

    fn unlock(&mut self) {
        for tail in self.tails() {
            if let Some(Err(error)) = tail.file.as_ref().map(File::unlock) {
                // What was decided under the lock stands; to close the file releases the lock for certain.
                tracing::warn!(%error, path = %tail.path.display(), "the ledger could not be unlocked");
                tail.file = None;
            }
        }
    }

    /// Reads what was appended; false, if a file has been removed and must be looked for anew.
    fn catch_up(&mut self) -> io::Result<bool> {
        let mut ready = self.own.catch_up(&mut self.seen)?;
        for other in &mut self.others {
            ready &= other.catch_up(&mut self.seen)?;
        }
        self.own.cut()?;
        Ok(ready)
    }
}

/// Reads another process's ledger up to its present end. Should that fail, then the next send fails as well.
pub fn read(path: PathBuf) -> (Tail, HashSet<i64>) {
    let mut options = OpenOptions::new();
    options.read(true);
    let (mut tail, mut seen) = (Tail::new(path, options), HashSet::new());
    if let Err(error) = tail.attach_if_there().and_then(|()| tail.catch_up(&mut seen)) {
        tracing::warn!(%error, path = %tail.path.display(), "another process's ledger cannot be read");
    }
    (tail, seen)
}

fn try_lock(files: &[((u64, u64), &File)]) -> io::Result<bool> {
    for (held, (_, file)) in files.iter().enumerate() {
        let error = match file.try_lock() {
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => Some(error),
        };
        files[..held].iter().try_for_each(|(_, file)| file.unlock())?;
        return error.map_or(Ok(false), Err);
    }
    Ok(true)
}
