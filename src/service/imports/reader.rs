//! Reads a file record by record, on a thread of its own, and hands over batches: at no time are there more than a few.

use std::io::{self, BufReader};

use tokio::sync::mpsc;

use super::decoded::{NO_LETTER, Text};
use super::kind::{self, Wanted};
use super::records::{Record, Records};
use domain::encoding::FileEncoding;
use domain::id::UploadId;
use storage::files::Files;
use storage::imports::Batch;

/// Bytes of a batch at most: a bound for its memory, however long the lines are.
pub(super) const BATCH_BYTES: u64 = 4 * 1024 * 1024;
/// Batches that are ready while one is written.
const READY: usize = 2;
/// What is told of a line of which some letters could not be read.
const UNREAD: &str = "letters that its encoding has not became \u{fffd}";
/// Read at once.
const BUFFER: usize = 256 * 1024;

/// How the records of a file become rows.
pub trait Lines: Send + 'static {
    /// What goes into the database.
    type Row: Send + Sync + 'static;

    /// What its files have to be.
    fn wanted(&self) -> Wanted;

    /// Reads how a file begins. Returns the separator of fields, if quotation marks count, and where the records begin.
    fn begin(&mut self, _: &mut Text) -> io::Result<(Option<u8>, u64)> {
        Ok((None, 0))
    }

    /// Reads a record, and keeps what becomes of it for the batch; None if it is empty. A record that is right but for a field
    /// that it could do without goes in without that, and is told what.
    fn read(&mut self, record: Record, bytes: &[u8]) -> Option<Result<Option<String>, String>>;

    /// What became of the records of the batch, which ends here.
    fn rows(&mut self) -> Vec<Self::Row>;

    /// Columns that nothing is taken from, as far as they were seen in this batch.
    fn unused(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// What is to be read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) files: Files,
    pub(super) upload: UploadId,
    /// Where to begin: all before it has been written.
    pub(super) from: i64,
    /// How many lines lie before that, if it is known: then they are not counted anew.
    pub(super) lines: Option<i64>,
    /// Lines of a batch.
    pub(super) batch_lines: i64,
    /// Errors that may still be told.
    pub(super) errors: usize,
    /// In which encoding the file is.
    pub(super) encoding: FileEncoding,
}

/// Batches as they are read, each with the number of the file's lines until its end.
pub(super) type Coming<R> = mpsc::Receiver<io::Result<(Batch<R>, i64)>>;

/// Begins to read. The end of the file is the end of the batches; dropping the receiver stops it.
pub(super) fn start<L: Lines>(source: Source, lines: L) -> Coming<L::Row> {
    let (sender, receiver) = mpsc::channel(READY);
    tokio::task::spawn_blocking(move || {
        let mut batches = match Batches::open(source, lines) {
            Ok(batches) => batches,
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        while let Some(batch) = batches.next().transpose() {
            let batch = batch.map(|batch| (batch, batches.records.lines()));
            if sender.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The batches of a file, one after the other.
pub(super) struct Batches<L> {
    source: Source,
    records: Records<Text>,
    lines: L,
    /// Whether letters may be there that the file's encoding has not.
    is_decoded: bool,
}

impl<L: Lines> Batches<L> {
    pub(super) fn open(source: Source, mut lines: L) -> io::Result<Self> {
        let file = BufReader::with_capacity(BUFFER, source.files.open(source.upload)?);
        let mut file = Text::open(file, source.encoding)?;
        let is_decoded = file.is_decoded();
        if source.from == 0 {
            kind::refuse(&mut file, lines.wanted())?;
        }
        let (delimiter, first) = lines.begin(&mut file)?;
        let from = source.from.unsigned_abs();
        let records = match source.lines.filter(|_| from >= first) {
            Some(lines) => Records::after(file, delimiter, from, lines)?,
            None => Records::new(file, delimiter, from.max(first))?,
        };
        Ok(Self { source, records, lines, is_decoded })
    }

    /// The next batch; None at the end of the file. The first batch of a table begins where the file does, so that its
    /// header is never written twice and never left out of what was read.
    pub(super) fn next(&mut self) -> io::Result<Option<Batch<L::Row>>> {
        let (mut lines, mut invalid, mut errors) = (0, 0, Vec::new());
        let begin = self.records.at();
        while lines < self.source.batch_lines && self.records.at() - begin < BATCH_BYTES {
            let Some(record) = self.records.next()? else { break };
            let Some(read) = self.lines.read(record, self.records.bytes()) else { continue };
            let is_unread =
                self.is_decoded && self.records.bytes().windows(NO_LETTER.len()).any(|part| part == NO_LETTER);
            let read = read
                .map(|told| if is_unread { Some(told.map_or(UNREAD.into(), |why| why + "; " + UNREAD)) } else { told });
            lines += 1;
            invalid += i64::from(read.is_err());
            let told = read.unwrap_or_else(Some).filter(|_| self.source.errors > 0);
            if let Some(why) = told {
                self.source.errors -= 1;
                errors.push((record.line, why));
            }
        }
        let end = i64::try_from(self.records.at()).map_err(io::Error::other)?;
        let bytes = self.source.from..end;
        self.source.from = end;
        let unused = self.lines.unused();
        let batch = Batch { rows: self.lines.rows(), errors, lines, invalid, unused, bytes };
        Ok((!batch.bytes.is_empty()).then_some(batch))
    }
}
