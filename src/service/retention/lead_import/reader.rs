//! Reads a list of leads, on a thread of its own, and hands over batches: at no time are there more than a few.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::records::Records;
use domain::channel_line::LINE_LIMIT;
use domain::id::LeadId;
use domain::retention::lead_columns::{Field, Mapping, Slot, Values};
use domain::retention::lead_line::{self, LeadLine};
use domain::retention::words::LeadImportFormat;
use domain::secret_key::SecretKey;
use storage::retention::lead_staging::{Batch, NewLead};
use storage::retention::suppression;

/// Bytes of a batch at most: a bound for its memory, however long the lines are.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;
/// Batches that are ready while one is written.
const READY: usize = 2;
/// Read at once.
const BUFFER: usize = 256 * 1024;
/// The byte order mark, which some editors put in front of a file.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// The characters that may stand between the fields of a table.
const DELIMITERS: [u8; 3] = *b",;\t";

/// The source of an import.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) format: LeadImportFormat,
    pub(super) mapping: Mapping,
    /// Where to begin: all before it has been written.
    pub(super) from: i64,
    /// Lines of a batch.
    pub(super) batch_lines: i64,
    /// Errors that may still be told.
    pub(super) errors: usize,
    /// The key that the addresses are hashed with, to be looked up among those that must not come back.
    pub(super) key: SecretKey,
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
    records: Records<BufReader<File>>,
    shape: Shape,
}

/// How a record is read.
enum Shape {
    /// A table's row: where each column goes.
    Row { slots: Vec<Option<Slot>>, delimiter: u8 },
    /// A JSON object.
    Object,
}

impl Batches {
    fn open(source: Source) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(BUFFER, File::open(&source.path)?);
        let from = source.from.unsigned_abs();
        let (shape, delimiter, first) = match source.format {
            LeadImportFormat::Jsonl => (Shape::Object, None, 0),
            LeadImportFormat::Csv => {
                let delimiter = delimiter(&mut file)?;
                let mut records = Records::new(&mut file, Some(delimiter), 0)?;
                records.next()?;
                let header = row(records.bytes(), delimiter).map_err(io::Error::other)?;
                let slots = source.mapping.slots(&header).map_err(io::Error::other)?;
                (Shape::Row { slots, delimiter }, Some(delimiter), records.at())
            }
        };
        let records = Records::new(file, delimiter, from.max(first))?;
        Ok(Self { source, records, shape })
    }

    /// The next batch; None at the end of the file. The first batch of a table begins where the file does, so that its
    /// header is never written twice and never left out of what was read.
    fn next(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch { bytes: self.source.from..self.source.from, ..Batch::default() };
        let mut people = People::default();
        let begin = self.records.at();
        while batch.lines < self.source.batch_lines && self.records.at() - begin < BATCH_BYTES {
            let Some(record) = self.records.next()? else { break };
            let read = if record.is_cut { Err(too_long()) } else { self.read() };
            let Some(read) = read.transpose() else { continue };
            batch.lines += 1;
            if let Err(why) = read.and_then(|line| people.add(record.line, line)) {
                batch.invalid += 1;
                if self.source.errors > 0 {
                    self.source.errors -= 1;
                    batch.errors.push((record.line, why));
                }
            }
        }
        batch.bytes.end = i64::try_from(self.records.at()).map_err(io::Error::other)?;
        self.source.from = batch.bytes.end;
        let hash = |kind, address: &str| suppression::hash(&self.source.key, kind, address);
        batch.leads = people.leads(hash);
        Ok((!batch.bytes.is_empty()).then_some(batch))
    }

    /// Reads the last record; None if it is empty.
    fn read(&self) -> Result<Option<LeadLine>, String> {
        let bytes = self.records.bytes();
        let text = bytes.strip_prefix(MARK).unwrap_or(bytes).trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        let mut values = Values::default();
        match &self.shape {
            Shape::Row { slots, delimiter } => {
                let row = row(bytes, *delimiter)?;
                if row.iter().all(|field| field.trim().is_empty()) {
                    return Ok(None);
                }
                if row.len() > slots.len() {
                    return Err(format!("it has {} fields, the first line {}", row.len(), slots.len()));
                }
                for (slot, text) in slots.iter().zip(&row) {
                    if let Some(slot) = slot {
                        values.add_text(slot, text);
                    }
                }
            }
            Shape::Object => {
                let object: serde_json::Map<String, Json> =
                    serde_json::from_slice(text).map_err(|error| format!("not a JSON object: {error}"))?;
                for (key, value) in object {
                    if let Some(slot) = self.source.mapping.slot(&key) {
                        values.add(&slot, value)?;
                    }
                }
            }
        }
        lead_line::read(values).map(Some)
    }
}

/// The people of a batch, each once, whether he is known by his email or by his phone.
#[derive(Default)]
struct People {
    leads: Vec<(i64, LeadLine)>,
    emails: HashMap<String, usize>,
    phones: HashMap<String, usize>,
}

impl People {
    /// Adds what a line says, unless an earlier line has the person.
    fn add(&mut self, number: i64, line: LeadLine) -> Result<(), String> {
        let (email, phone) = (line.get(Field::Email), line.get(Field::Phone));
        let by_email = email.and_then(|email| self.emails.get(email)).copied();
        let by_phone = phone.and_then(|phone| self.phones.get(phone)).copied();
        match (by_email, by_phone) {
            (Some(one), Some(other)) if one != other => {
                let (one, other) = (self.leads[one].0, self.leads[other].0);
                return Err(format!("the email is that of line {one}, the phone that of line {other}"));
            }
            (Some(_), _) | (_, Some(_)) => return Ok(()),
            (None, None) => {}
        }
        let place = self.leads.len();
        self.emails.extend(email.map(|email| (email.to_owned(), place)));
        self.phones.extend(phone.map(|phone| (phone.to_owned(), place)));
        self.leads.push((number, line));
        Ok(())
    }

    fn leads(self, hash: impl Fn(suppression::Kind, &str) -> String) -> Vec<NewLead> {
        let lead = |(number, line): (i64, LeadLine)| NewLead {
            id: LeadId::generate(),
            line: number,
            email_hash: line.get(Field::Email).map(|email| hash(suppression::Kind::Email, email)),
            phone_hash: line.get(Field::Phone).map(|phone| hash(suppression::Kind::Phone, phone)),
            lead: line,
        };
        self.leads.into_iter().map(lead).collect()
    }
}

/// The separator that the first line has most of.
fn delimiter(file: &mut BufReader<File>) -> io::Result<u8> {
    file.seek(SeekFrom::Start(0))?;
    let mut records = Records::new(file, None, 0)?;
    records.next()?;
    let count = |delimiter: &u8| records.bytes().split(|byte| byte == delimiter).count();
    // Of several that are equally many the first one counts.
    Ok(DELIMITERS.into_iter().rev().max_by_key(count).unwrap_or(b','))
}

/// The fields of one record of a table.
fn row(record: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
    let line = end_without_return(record.strip_prefix(MARK).unwrap_or(record));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .buffer_capacity(line.len())
        .from_reader(line.as_slice());
    let mut fields = csv::ByteRecord::new();
    reader.read_byte_record(&mut fields).map_err(|error| error.to_string())?;
    let text = |field: &[u8]| std::str::from_utf8(field).map(ToOwned::to_owned);
    let fields: Result<Vec<String>, _> = fields.iter().map(text).collect();
    fields.map_err(|_| "it is not UTF-8".into())
}

/// The record with a plain end of the line: before it a carriage return would belong to the last field.
fn end_without_return(record: &[u8]) -> Vec<u8> {
    let text = record.strip_suffix(b"\n").unwrap_or(record);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    [text, b"\n"].concat()
}

fn too_long() -> String {
    format!("the line is longer than {LINE_LIMIT} bytes, or a quotation mark is not closed")
}
