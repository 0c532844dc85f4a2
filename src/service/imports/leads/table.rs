//! Lines of a list of leads: rows of a table, or JSON objects.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Seek, SeekFrom};

use serde_json::Value as Json;

use super::people::People;
use crate::imports::decoded::Text;
use crate::imports::kind::Wanted;
use crate::imports::reader::Lines;
use crate::imports::records::{Record, Records};
use domain::channel_line::LINE_LIMIT;
use domain::json::{self, complaint};
use domain::retention::lead_columns::{Mapping, Slot, Unclear, Values};
use domain::retention::words::LeadImportFormat;
use domain::retention::{lead_line, loose_line};
use domain::secret_key::Lasting;
use domain::text;
use storage::retention::lead_staging::NewLead;
use storage::retention::refusal;

/// What some editors put in front of a file: the byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// Columns without a use that one batch tells at most.
const UNUSED: usize = 100;
/// Words that are not known of which one import tells at most.
const UNCLEAR: usize = 1_000;
/// What may stand between the fields of a table.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// The leads of a batch.
pub struct Leads {
    format: LeadImportFormat,
    mapping: Mapping,
    /// What the addresses are hashed with, to be looked up among those that must not come back.
    key: Lasting,
    /// Its people must never be contacted.
    is_suppression_list: bool,
    shape: Shape,
    people: People,
    /// Columns that nothing is taken from, since they were told last.
    unused: BTreeSet<String>,
    /// Words of columns of refusals that were told already.
    told: HashSet<Unclear>,
    /// Where the values of keys of JSON objects go, and whether they have no use.
    keys: HashMap<String, (Option<Slot>, bool)>,
}

/// How a record is read.
enum Shape {
    /// A table's row: where each column goes.
    Row { slots: Vec<Option<Slot>>, delimiter: u8 },
    /// A JSON object.
    Object,
}

impl Shape {
    /// What parts the fields, where there are some.
    const fn delimiter(&self) -> u8 {
        match self {
            Self::Row { delimiter, .. } => *delimiter,
            Self::Object => b',',
        }
    }
}

impl Lines for Leads {
    type Row = NewLead;

    fn begin(&mut self, file: &mut Text) -> io::Result<(Option<u8>, u64)> {
        if self.format == LeadImportFormat::Jsonl {
            return Ok((None, 0));
        }
        let (delimiter, from) = delimiter(file)?;
        let mut records = Records::new(file, Some(delimiter), from)?;
        records.next()?;
        let header = row(records.bytes(), delimiter).map_err(io::Error::other)?;
        let addresses =
            if self.is_suppression_list { lead_line::ADDRESSES.as_slice() } else { lead_line::REQUIRED.as_slice() };
        let slots = self.mapping.slots(&header, addresses).map_err(io::Error::other)?;
        self.unused = self.mapping.unused(&header).into_iter().collect();
        self.shape = Shape::Row { slots, delimiter };
        Ok((Some(delimiter), records.at()))
    }

    fn wanted(&self) -> Wanted {
        match self.format {
            LeadImportFormat::Csv => Wanted::Table,
            LeadImportFormat::Jsonl => Wanted::Objects("import it with the format CSV"),
        }
    }

    fn read(&mut self, record: Record, bytes: &[u8]) -> Option<Result<Option<String>, String>> {
        let read = if record.is_cut {
            self.broken(&naive(bytes, self.shape.delimiter()), too_long())
        } else {
            self.values(bytes)
        };
        let read = read.transpose()?.and_then(|mut values| {
            self.note(&mut values);
            if !self.is_suppression_list {
                let (line, wrong) = lead_line::read(values)?;
                return self.people.add(record.line, line).map(|()| wrong);
            }
            let (line, wrong) = lead_line::read_addresses(&values)?;
            self.people.add_addresses(record.line, line);
            Ok(wrong)
        });
        Some(read)
    }

    fn rows(&mut self) -> Vec<NewLead> {
        let hash = |kind, address: &str| refusal::hash(&self.key, kind, address);
        std::mem::take(&mut self.people).leads(hash)
    }

    fn unused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unused).into_iter().collect()
    }
}

impl Leads {
    /// Nothing has been read yet.
    pub(super) fn new(format: LeadImportFormat, mapping: Mapping, key: Lasting, is_suppression_list: bool) -> Self {
        let (people, unused, told) = (People::default(), BTreeSet::new(), HashSet::new());
        let keys = HashMap::new();
        Self { format, mapping, key, is_suppression_list, shape: Shape::Object, people, unused, told, keys }
    }

    /// What a line says that is broken: only who refuses, if it says that. Why it is nothing else is told.
    fn broken(&self, cells: &[String], why: String) -> Result<Option<Values>, String> {
        let Shape::Row { slots, .. } = &self.shape else { return Err(why) };
        let mut values = loose_line::read(slots, cells);
        if !self.is_suppression_list && values.refused.is_none() {
            return Err(why);
        }
        values.notes.push(format!("it is kept only that nobody must be contacted at its addresses: {why}"));
        Ok(Some(values))
    }

    /// Notes words that are not known: those that are no refusal once for all lines.
    fn note(&mut self, values: &mut Values) {
        if self.is_suppression_list {
            return;
        }
        for unclear in std::mem::take(&mut values.unclear) {
            let is_new = self.told.len() < UNCLEAR && self.told.insert(unclear.clone());
            if unclear.is_refusal || is_new {
                values.notes.push(unclear.told());
            }
        }
    }

    /// What a record says; None if it is empty.
    fn values(&mut self, bytes: &[u8]) -> Result<Option<Values>, String> {
        let written = bytes.strip_prefix(MARK).unwrap_or(bytes).trim_ascii();
        if written.is_empty() {
            return Ok(None);
        }
        let mut values = Values::default();
        match &self.shape {
            Shape::Row { slots, delimiter } => {
                let cells = cells(bytes, *delimiter)?;
                let lossy = || cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect::<Vec<_>>();
                let row = match texts(&cells) {
                    Ok(row) => row,
                    Err(why) => return self.broken(&lossy(), why),
                };
                if row.iter().all(|field| field.trim().is_empty()) {
                    return Ok(None);
                }
                if row.iter().skip(slots.len()).any(|field| !field.trim().is_empty()) {
                    let why = format!("it has {} fields, the first line {}", row.len(), slots.len());
                    return self.broken(&row, why);
                }
                for (slot, text) in slots.iter().zip(&row) {
                    if let Some(slot) = slot {
                        values.add_text(slot, text);
                    }
                }
            }
            Shape::Object => {
                if !written.starts_with(b"{") {
                    return Err("the line does not begin with {: one JSON object a line is wanted".into());
                }
                let (read, broken) = match json::read(written) {
                    Ok(read) => (read, None),
                    // Of who refuses all is taken that can be read.
                    Err(error) => {
                        let why = format!("not a JSON object: {}", complaint(&error));
                        let read = json::read(String::from_utf8_lossy(written).as_bytes());
                        (read.map_err(|_| why.clone())?, Some(why))
                    }
                };
                let wrong = broken.or_else(|| read.twice.is_some().then(|| json::SOMETHING_TWICE.to_owned()));
                let Json::Object(object) = read.value else { return Err("not a JSON object".into()) };
                let object = read.others.into_iter().chain(object);
                for (key, value) in object {
                    values.look_into(&key, &value);
                    let (slot, is_unused) = keyed(&mut self.keys, &self.mapping, &key);
                    if let Some(slot) = &slot {
                        values.add(slot, value);
                    }
                    if is_unused && self.unused.len() < UNUSED {
                        self.unused.insert(text::brief(key));
                    }
                }
                match wrong {
                    Some(why) if !self.is_suppression_list && values.refused.is_none() => return Err(why),
                    Some(why) => values.notes.push(format!("what could be read is kept; {why}")),
                    None => {}
                }
            }
        }
        Ok(Some(values))
    }
}

/// Where the value of a key goes, and whether it has no use: most objects of a list have the same keys.
fn keyed(known: &mut HashMap<String, (Option<Slot>, bool)>, mapping: &Mapping, key: &str) -> (Option<Slot>, bool) {
    if let Some(found) = known.get(key) {
        return found.clone();
    }
    let found = (mapping.slot(key), mapping.is_unused(key));
    if known.len() < UNCLEAR {
        known.insert(key.to_owned(), found.clone());
    }
    found
}

/// What separates fields, and where the line with the columns' names begins: Excel may say the one in a line of its own before the
/// other; else it is the separator that the first line has most of.
fn delimiter(file: &mut Text) -> io::Result<(u8, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut records = Records::new(file, None, 0)?;
    records.next()?;
    if let Some(delimiter) = told_delimiter(records.bytes()) {
        return Ok((delimiter, records.at()));
    }
    Ok((most_frequent(records.bytes()), 0))
}

/// The separator that a line has most of outside of quotation marks; of several that are equally many the first one counts.
fn most_frequent(line: &[u8]) -> u8 {
    let line = line.strip_prefix(MARK).unwrap_or(line);
    let (mut counts, mut is_quoted, mut before) = ([0_usize; DELIMITERS.len()], false, DELIMITERS[0]);
    for byte in line {
        match DELIMITERS.iter().position(|delimiter| delimiter == byte) {
            // One that is quoted is a letter like any other, and no field begins after it.
            Some(place) if !is_quoted => counts[place] += 1,
            // A mark inside a field without marks around it means nothing; two in a row are one that is meant.
            _ if *byte == b'"' => is_quoted = !is_quoted && (before == b'"' || DELIMITERS.contains(&before)),
            _ => {}
        }
        before = *byte;
    }
    let most = (0..DELIMITERS.len()).rev().max_by_key(|place| counts[*place]);
    DELIMITERS[most.unwrap_or_default()]
}

/// The separator of a line `sep=;`.
fn told_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(MARK).unwrap_or(line);
    // Not trimmed on the right: the separator may be a tab.
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (head, told) = line.split_at_checked(4)?;
    let is_told = head.eq_ignore_ascii_case(b"sep=");
    match told {
        [delimiter] if is_told && delimiter.is_ascii() && !b"\"\r".contains(delimiter) => Some(*delimiter),
        _ => None,
    }
}

/// The fields of one record of a table, as texts.
fn row(record: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
    texts(&cells(record, delimiter)?)
}

fn texts(cells: &[Vec<u8>]) -> Result<Vec<String>, String> {
    let texts: Result<Vec<String>, _> = cells.iter().map(|cell| String::from_utf8(cell.clone())).collect();
    texts.map_err(|_| "it is not UTF-8: save the file as UTF-8 (in Excel \"CSV UTF-8\"; iconv -t UTF-8)".into())
}

/// The fields of the first line of a record whose quotation marks don't fit.
fn naive(record: &[u8], delimiter: u8) -> Vec<String> {
    let line = record.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    let cells = line.split(|byte| *byte == delimiter);
    cells.map(|cell| String::from_utf8_lossy(cell).trim().trim_matches('"').to_owned()).collect()
}

/// The fields of one record of a table.
fn cells(record: &[u8], delimiter: u8) -> Result<Vec<Vec<u8>>, String> {
    let line = end_without_return(record.strip_prefix(MARK).unwrap_or(record));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .buffer_capacity(line.len())
        .from_reader(line.as_slice());
    let mut fields = csv::ByteRecord::new();
    reader.read_byte_record(&mut fields).map_err(|_| "it is not a row of a table")?;
    Ok(fields.iter().map(<[u8]>::to_vec).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_counted_outside_of_quotation_marks() {
        for (line, wanted) in [
            ("email,phone,name", b','),
            ("email;phone\r\n", b';'),
            ("email\tname\tphone, with country", b'\t'),
            ("\"Name, full\";\"Tags, a, b, c\";email;firstName\n", b';'),
            ("\u{feff}\"Name, full\";\"Tags, a, b, c\";email", b';'),
            ("\"a;b;c\",email,\"d \"\"e;f;g\"\" h\"", b','),
            ("12\" screen; size, x, y; email; phone", b';'),
            ("email|phone|name, full", b'|'),
            ("email", b','),
            ("a,b;c", b','),
        ] {
            assert_eq!(most_frequent(line.as_bytes()), wanted, "{line}");
        }
    }

    #[test]
    fn a_line_that_names_the_separator_is_none_of_the_list() {
        for (line, told) in [("sep=;\r\n", b';'), ("\u{feff}SEP=|\n", b'|'), ("\"sep=\t\"\r", b'\t'), ("sep=,", b',')] {
            assert_eq!(told_delimiter(line.as_bytes()), Some(told), "{line}");
        }
        for line in ["sep=", "sep=;;", "separator=;", "email,sep=;", "sep=\""] {
            assert_eq!(told_delimiter(line.as_bytes()), None, "{line}");
        }
    }
}
