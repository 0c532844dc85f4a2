//! Cuts a file into records: lines, and in CSV lines whose quoted fields go on in the next one. Lines end with LF, with CR LF, or,
//! as some programs of the Mac still write them, with CR alone: the first line says which.
//!
//! The csv crate reads each record; it does not find the ends of them here, because it would follow an opening quotation mark
//! to the end of the file, and take all of that into memory.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use domain::channel_line::LINE_LIMIT;

/// What may stand around a line: a mark, blanks, a line end.
const SLACK: usize = 64;
/// The longest record that is read whole, in bytes.
const LIMIT: usize = LINE_LIMIT + SLACK;

/// A record of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The number of its first line in the file, from 1.
    pub(super) line: i64,
    /// Whether it is longer than [`LIMIT`]: then only its beginning was read.
    pub(super) is_cut: bool,
}

/// The records of a file, one after the other.
pub(super) struct Records<R> {
    file: R,
    /// The separator of fields, if quotation marks count.
    delimiter: Option<u8>,
    /// With what lines end: LF, or CR where none follows.
    end: u8,
    /// The bytes and lines that lie behind.
    at: u64,
    lines: i64,
    buffer: Vec<u8>,
}

impl<R: BufRead + Seek> Records<R> {
    /// The records of `file` from the byte `at` on, where a record begins.
    pub(super) fn new(mut file: R, delimiter: Option<u8>, at: u64) -> io::Result<Self> {
        let end = line_end(&mut file, delimiter.is_some())?;
        file.seek(SeekFrom::Start(0))?;
        let lines = count_lines(&mut file, at, end)?;
        Self::beginning(file, delimiter, end, (at, lines))
    }

    /// [`Records::new`] where it is known how many lines lie before `at`.
    pub(super) fn after(mut file: R, delimiter: Option<u8>, at: u64, lines: i64) -> io::Result<Self> {
        let end = line_end(&mut file, delimiter.is_some())?;
        Self::beginning(file, delimiter, end, (at, lines))
    }

    fn beginning(mut file: R, delimiter: Option<u8>, end: u8, (at, lines): (u64, i64)) -> io::Result<Self> {
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { file, delimiter, end, at, lines, buffer: Vec::new() })
    }

    /// Where the last record ended.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The lines that lie behind.
    pub(super) fn lines(&self) -> i64 {
        self.lines
    }

    /// The bytes of the last record, with its end.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The next record; None at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        self.buffer.clear();
        let line = self.lines + 1;
        let Some(first) = self.read_line()? else { return Ok(None) };
        if self.delimiter.is_none() || self.buffer.len() > LIMIT {
            return Ok(Some(Record { line, is_cut: self.buffer.len() > LIMIT }));
        }
        let (mut state, mut examined) = (State::Start, 0);
        loop {
            for byte in &self.buffer[examined..] {
                state = state.after(*byte, self.delimiter.unwrap_or(b','));
            }
            examined = self.buffer.len();
            if state != State::Quoted {
                return Ok(Some(Record { line, is_cut: false }));
            }
            let ended = self.read_line()?.is_none();
            if ended || self.buffer.len() > LIMIT {
                // The mark was none that opens: what follows its line are records of their own.
                self.at = first;
                self.lines = line;
                self.file.seek(SeekFrom::Start(first))?;
                return Ok(Some(Record { line, is_cut: true }));
            }
        }
    }

    /// Adds a line to the buffer, of one that is too long only the beginning. Returns where it ends; None: there is none.
    fn read_line(&mut self) -> io::Result<Option<u64>> {
        let most = (LIMIT + 1) as u64;
        let mut read = (&mut self.file).take(most).read_until(self.end, &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == most && self.buffer.last() != Some(&self.end) {
            read += self.file.skip_until(self.end)?;
        }
        self.at += read as u64;
        self.lines += 1;
        Ok(Some(self.at))
    }
}

/// Where in a record a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Start,
    /// In a field without marks around it: one inside is a letter like any other.
    Plain,
    /// Between marks.
    Quoted,
    /// After a mark that closes, or is the first of two.
    Closed,
}

impl State {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Start | Self::Closed, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Plain,
        }
    }
}

/// With what the lines of a file end, as its first one does. Of a table, line ends between quotation marks don't count.
fn line_end(file: &mut (impl BufRead + Seek), is_table: bool) -> io::Result<u8> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.take(LIMIT as u64).read_to_end(&mut head)?;
    let mut is_quoted = false;
    for (place, byte) in head.iter().enumerate() {
        match byte {
            b'"' if is_table => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            b'\r' if !is_quoted => {
                // What was converted twice has two before the LF.
                let after = head[place..].iter().find(|byte| **byte != b'\r');
                return Ok(if after == Some(&b'\n') { b'\n' } else { b'\r' });
            }
            _ => {}
        }
    }
    Ok(b'\n')
}

/// How many lines end in the first `bytes` bytes.
fn count_lines(file: &mut impl BufRead, bytes: u64, end: u8) -> io::Result<i64> {
    let mut rest = file.take(bytes);
    let mut lines = 0;
    while rest.skip_until(end)? > 0 {
        lines += 1;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn records(text: &str, delimiter: Option<u8>, at: u64) -> Vec<(i64, String)> {
        let mut records = Records::new(Cursor::new(text.as_bytes()), delimiter, at).unwrap();
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let text = String::from_utf8_lossy(records.bytes()).into_owned();
            found.push((record.line, if record.is_cut { "cut".into() } else { text }));
        }
        found
    }

    fn found(wanted: &[(i64, &str)]) -> Vec<(i64, String)> {
        wanted.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn a_quoted_field_goes_on_in_the_next_line() {
        let text = "a,b\r\n1,\"x\ny\"\"\n\"\n2,q\"z\n\"3\",4";
        let wanted = found(&[(1, "a,b\r\n"), (2, "1,\"x\ny\"\"\n\"\n"), (5, "2,q\"z\n"), (6, "\"3\",4")]);
        assert_eq!(records(text, Some(b','), 0), wanted);
        // In JSON lines a mark means nothing.
        assert_eq!(records("{\"\n}\n", None, 0), found(&[(1, "{\"\n"), (2, "}\n")]));
    }

    #[test]
    fn lines_may_end_with_a_carriage_return_alone() {
        // In a cell the line breaks otherwise.
        let text = "a,\"b\nc\"\r1,\"x\ry\nz\"\r2,q\r";
        let wanted = found(&[(1, "a,\"b\nc\"\r"), (2, "1,\"x\ry\nz\"\r"), (4, "2,q\r")]);
        assert_eq!(records(text, Some(b','), 0), wanted);
        assert_eq!(records(text, Some(b','), 8), wanted[1..]);
        assert_eq!(records("{}\r{}", None, 0), found(&[(1, "{}\r"), (2, "{}")]));
        // The first line says which.
        assert_eq!(records("a\r\nb\rc\n", None, 0), found(&[(1, "a\r\n"), (2, "b\rc\n")]));
        assert_eq!(records("a\r\r\nb\r\r\n", None, 0), found(&[(1, "a\r\r\n"), (2, "b\r\r\n")]));
    }

    #[test]
    fn reading_goes_on_in_the_middle_with_the_right_numbers() {
        let text = "a\n\"b\nc\"\nd\n";
        let mut all = Records::new(Cursor::new(text.as_bytes()), Some(b','), 0).unwrap();
        for _ in 0..2 {
            all.next().unwrap();
        }
        assert_eq!(records(text, Some(b','), all.at()), found(&[(4, "d\n")]));
    }

    #[test]
    fn a_mark_that_is_never_closed_costs_its_own_line_only() {
        let text = format!("a,b\n1,\"x\n2,y\n3,{}\n4,z\n", "w".repeat(LINE_LIMIT * 3));
        assert_eq!(
            records(&text, Some(b','), 0),
            found(&[(1, "a,b\n"), (2, "cut"), (3, "2,y\n"), (4, "cut"), (5, "4,z\n")])
        );
        assert_eq!(records("1,\"x\n2,y", Some(b','), 0), found(&[(1, "cut"), (2, "2,y")]));
    }
}
