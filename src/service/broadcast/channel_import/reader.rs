//! Reads a file line by line, on a thread of its own, and hands over batches: at no time are there more than a few.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use domain::channel_line::{self, ChannelLine, LINE_LIMIT};
use domain::id::ChannelId;
use storage::broadcast::channel_staging::{Batch, NewChannel};

/// Bytes of a batch at most: a bound for its memory, however long the lines are.
const BATCH_BYTES: i64 = 4 * 1024 * 1024;
/// Batches that are ready while one is written.
const READY: usize = 2;
/// Read at once.
const BUFFER: usize = 256 * 1024;
/// The room for what may stand around a line: a mark, blanks, a line end.
const SLACK: u64 = 64;

/// The source of an import.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Where to begin: all before it has been written.
    pub(super) from: i64,
    /// Lines of a batch.
    pub(super) batch_lines: i64,
    /// Errors that may still be told.
    pub(super) errors: usize,
    /// When channels of lines that do not say were collected.
    pub(super) now: DateTime<Utc>,
}

/// Begins to read. The end of the file is the end of the batches; dropping the receiver stops it.
pub(super) fn start(source: Source) -> mpsc::Receiver<io::Result<Batch>> {
    let (sender, receiver) = mpsc::channel(READY);
    tokio::task::spawn_blocking(move || {
        let mut batches = match Batches::open(source) {
            Ok(batches) => batches,
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        while let Some(batch) = batches.next().transpose() {
            if sender.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    receiver
}

struct Batches {
    source: Source,
    file: BufReader<File>,
    /// The number of the last line that was read, and where it ends.
    line: i64,
    at: i64,
    buffer: Vec<u8>,
}

impl Batches {
    fn open(source: Source) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(BUFFER, File::open(&source.path)?);
        let line = count_lines(&mut file, source.from)?;
        file.seek(SeekFrom::Start(source.from.unsigned_abs()))?;
        let at = source.from;
        Ok(Self { source, file, line, at, buffer: Vec::with_capacity(BUFFER) })
    }

    /// The next batch; None at the end of the file.
    fn next(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch { bytes: self.at..self.at, ..Batch::default() };
        let mut found = Vec::with_capacity(usize::try_from(self.source.batch_lines).unwrap_or_default());
        while batch.lines < self.source.batch_lines && self.at - batch.bytes.start < BATCH_BYTES {
            if !self.read_line()? {
                break;
            }
            let Some(line) = self.parse() else { continue };
            batch.lines += 1;
            match line {
                Ok(line) => found.push(line),
                Err(why) => {
                    batch.invalid += 1;
                    if self.source.errors > 0 {
                        self.source.errors -= 1;
                        batch.errors.push((self.line, why));
                    }
                }
            }
        }
        batch.bytes.end = self.at;
        batch.channels = channels(found, self.source.now);
        Ok((!batch.bytes.is_empty()).then_some(batch))
    }

    /// Reads one line into the buffer, of one that is too long only the beginning. False: there is none.
    fn read_line(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        let most = LINE_LIMIT as u64 + SLACK;
        let mut read = (&mut self.file).take(most).read_until(b'\n', &mut self.buffer)?;
        if read as u64 == most && self.buffer.last() != Some(&b'\n') {
            read += self.file.skip_until(b'\n')?;
        }
        self.line += i64::from(read > 0);
        self.at += i64::try_from(read).map_err(io::Error::other)?;
        Ok(read > 0)
    }

    fn parse(&self) -> Option<Result<ChannelLine, String>> {
        // Only a line that was cut off is that long.
        let is_cut = self.buffer.len() as u64 == LINE_LIMIT as u64 + SLACK && self.buffer.last() != Some(&b'\n');
        if is_cut { Some(Err(channel_line::too_long())) } else { channel_line::parse(&self.buffer) }
    }
}

/// Each username once, as the first line that has it says, in the order of the usernames.
fn channels(mut found: Vec<ChannelLine>, now: DateTime<Utc>) -> Vec<NewChannel> {
    found.sort_by(|a, b| a.username.cmp(&b.username));
    found.dedup_by(|later, first| later.username == first.username);
    let channel = |line: ChannelLine| NewChannel {
        id: ChannelId::generate(),
        username: line.username,
        category: line.category,
        tgstat_url: line.tgstat_url,
        collected_at: line.collected_at.unwrap_or(now),
    };
    found.into_iter().map(channel).collect()
}

/// How many lines end in the first `bytes` bytes.
fn count_lines(file: &mut impl BufRead, bytes: i64) -> io::Result<i64> {
    let mut rest = file.take(bytes.unsigned_abs());
    let mut lines = 0;
    while rest.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn batches(text: &[u8], from: i64, batch_lines: i64, errors: usize) -> Vec<Batch> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let source = Source { path: file.path().into(), from, batch_lines, errors, now: DateTime::UNIX_EPOCH };
        let mut batches = Batches::open(source).unwrap();
        std::iter::from_fn(|| batches.next().unwrap()).collect()
    }

    fn line(name: &str) -> String {
        format!("{{\"username\":\"{name}\",\"category\":\"tech\"}}\n")
    }

    fn names(batch: &Batch) -> Vec<&str> {
        batch.channels.iter().map(|channel| channel.username.as_str()).collect()
    }

    #[test]
    fn a_batch_is_sorted_and_has_each_name_once_and_empty_lines_only_count_as_numbers() {
        let text = format!("\u{feff}{}\r\n\n{}broken\n{}", line("zzzz"), line("@AAAA"), line("zZzz").trim_end());
        let batches = batches(text.as_bytes(), 0, 100, 10);
        assert_eq!(batches.len(), 1);
        assert_eq!(names(&batches[0]), ["aaaa", "zzzz"]);
        assert!(batches[0].channels[0].id < batches[0].channels[1].id);
        assert_eq!((batches[0].lines, batches[0].invalid), (4, 1));
        assert_eq!(batches[0].errors[0].0, 5);
        assert_eq!(batches[0].bytes, 0..i64::try_from(text.len()).unwrap());
    }

    #[test]
    fn reading_goes_on_in_the_middle_with_the_right_numbers() {
        let text = format!("{}x\n\n{}y\n", line("aaaa"), line("bbbb"));
        let whole = batches(text.as_bytes(), 0, 2, 10);
        assert_eq!(whole.iter().map(|batch| batch.lines).collect::<Vec<_>>(), [2, 2]);
        let rest = batches(text.as_bytes(), whole[0].bytes.end, 2, 10);
        assert_eq!((names(&rest[0]), rest[0].errors[0].0, &rest[0].bytes), (vec!["bbbb"], 5, &whole[1].bytes));
        assert!(batches(text.as_bytes(), whole[1].bytes.end, 2, 10).is_empty());
    }

    #[test]
    fn a_line_without_an_end_takes_no_memory_and_only_so_many_errors_are_told() {
        let long = format!("{{\"username\":\"{}\n", "x".repeat(5 * LINE_LIMIT));
        let text = format!("{long}{}{long}{}", line("aaaa"), "x".repeat(LINE_LIMIT * 3));
        let batches = batches(text.as_bytes(), 0, 100, 2);
        assert_eq!((batches[0].lines, batches[0].invalid), (4, 3));
        assert_eq!(batches[0].errors.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(batches[0].errors[0].1, channel_line::too_long());
    }

    #[test]
    fn a_batch_ends_after_so_many_bytes_too() {
        let text = "\n".repeat(usize::try_from(BATCH_BYTES).unwrap() + 10);
        let batches = batches(text.as_bytes(), 0, 100, 0);
        assert_eq!(batches.iter().map(|batch| batch.bytes.end).collect::<Vec<_>>(), [BATCH_BYTES, BATCH_BYTES + 10]);
    }
}
