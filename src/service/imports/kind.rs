//! What a file is that is no list: told by how it begins, in one sentence instead of one for each line.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// How much of a file is looked at.
const HEAD: u64 = 64 * 1024;
/// What some editors put in front of a file: the byte order mark.
pub(super) const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a file has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A table (CSV), the columns' names in its first line.
    Table,
    /// A JSON object a line; with what to do where the file is a table.
    Objects(&'static str),
}

/// Refuses a file that is something else, or nothing.
///
/// # Errors
/// What it is and what to do, or that the file can't be read.
pub(super) fn refuse(file: &mut (impl BufRead + Seek), wanted: Wanted) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    reason(&head, wanted).map_or(Ok(()), |why| Err(io::Error::other(why)))
}

/// Files that have a sign of their own.
const SIGNS: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", "the file is compressed with gzip: unpack it (gunzip) and upload what comes out"),
    (
        b"PK\x03\x04",
        "the file is an Excel workbook (xlsx) or another ZIP archive: save the sheet as CSV (UTF-8) and upload that",
    ),
    (b"\xd0\xcf\x11\xe0", "the file is an Excel workbook (xls): save the sheet as CSV (UTF-8) and upload that"),
    (b"BZh", "the file is compressed with bzip2: unpack it (bunzip2) and upload what comes out"),
    (b"\x28\xb5\x2f\xfd", "the file is compressed with Zstandard: unpack it (unzstd) and upload what comes out"),
    (b"\xfd7zXZ\x00", "the file is compressed with xz: unpack it (unxz) and upload what comes out"),
    (b"%PDF", "the file is a PDF: a list is text, CSV or JSON lines"),
    (b"\xff\xfe\x00\x00", UTF32),
    (b"\x00\x00\xfe\xff", UTF32),
];
const UTF16: &str = "the file looks like UTF-16, and has no mark at its beginning that says so: import it with the encoding UTF_16, or save \
                     it as UTF-8 (in Excel \"CSV UTF-8\"; iconv -f UTF-16 -t UTF-8) and upload that";
const UTF32: &str = "the file is UTF-32: save it as UTF-8 (iconv -f UTF-32 -t UTF-8) and upload that";
const CODE_PAGE: &str = "the file is not UTF-8, perhaps Windows-1251 or another code page, which no file says of itself: import it with \
                         its encoding, such as WINDOWS_1251, or save it as UTF-8 (in Excel \"CSV UTF-8\"; iconv -f WINDOWS-1251 -t \
                         UTF-8) and upload that";
const BINARY: &str = "the file is no text: a list is CSV or JSON lines, in UTF-8";
const ARRAY: &str = "the file is one JSON array: one JSON object a line is wanted, without brackets around all (jq -c '.[]' makes it so)";
const SPREAD: &str =
    "the file has JSON objects over several lines: one JSON object a line is wanted (jq -c . makes it so)";
/// What a file without a line is called.
pub(super) const EMPTY: &str = "the file is empty";

/// What a file is that begins with a sign of its own.
pub(super) fn sign(head: &[u8]) -> Option<&'static str> {
    SIGNS.iter().find(|(sign, _)| head.starts_with(sign)).map(|(_, what)| *what)
}

/// What is wrong with a file that begins so; None: it may be what is wanted.
fn reason(head: &[u8], wanted: Wanted) -> Option<String> {
    if let Some(what) = sign(head) {
        return Some(what.to_owned());
    }
    let text = head.strip_prefix(MARK).unwrap_or(head).trim_ascii_start();
    if text.is_empty() {
        return ((head.len() as u64) < HEAD).then(|| EMPTY.to_owned());
    }
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Some(what) = of_zeros(first) {
        return Some(what.to_owned());
    }
    if is_in_a_code_page(text) {
        return Some(CODE_PAGE.to_owned());
    }
    let is_array = text
        .strip_prefix(b"[")
        .is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b'{' | b'[' | b']')));
    if is_array {
        return Some(ARRAY.to_owned());
    }
    let is_object = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    match wanted {
        Wanted::Objects(_) if first.trim_ascii() == b"{" => Some(SPREAD.to_owned()),
        Wanted::Objects(instead) if is_table(text, first) => {
            Some(format!("one JSON object a line is wanted, and the file looks like a table (CSV): {instead}"))
        }
        Wanted::Table if is_object.is_some_and(|rest| rest.starts_with(b"\"")) => {
            Some("the file has JSON objects and no table: import it with the format JSONL".to_owned())
        }
        _ => None,
    }
}

/// What a first line with zero bytes is: text of two bytes a letter has them in every other place only.
fn of_zeros(line: &[u8]) -> Option<&'static str> {
    let at = |parity: usize| line.iter().skip(parity).step_by(2).any(|byte| *byte == 0);
    match (at(0), at(1)) {
        (false, false) => None,
        (true, true) => Some(BINARY),
        _ => Some(UTF16),
    }
}

/// Whether a text is written with one byte a letter. A line with wrong bytes among others is told by itself: at least half of them have
/// some then, and none has a letter in UTF-8.
fn is_in_a_code_page(text: &[u8]) -> bool {
    let (mut lines, mut wrong) = (0_usize, 0_usize);
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        lines += 1;
        match std::str::from_utf8(line) {
            Ok(line) if line.is_ascii() => {}
            Ok(_) => return false,
            // The last one may be cut within a letter.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => wrong += 1,
        }
    }
    wrong > 0 && wrong * 2 >= lines
}

/// Whether this is rather a table: its first line has fields, and no line is an object.
fn is_table(text: &[u8], first: &[u8]) -> bool {
    let has_fields = first.iter().any(|byte| b",;\t".contains(byte));
    has_fields && !text.split(|byte| *byte == b'\n').any(|line| line.trim_ascii_start().starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECTS: Wanted = Wanted::Objects("like this");

    fn utf16(text: &str, is_little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn what_is_no_list_is_called_by_its_name() {
        let table: Vec<(Vec<u8>, Wanted, &str)> = vec![
            (b"\x1f\x8b\x08\x00abc".into(), Wanted::Table, "gzip"),
            (b"PK\x03\x04\x14\x00".into(), OBJECTS, "xlsx"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1".into(), Wanted::Table, "xls"),
            (utf16("email,phone\nx", true), Wanted::Table, "UTF_16"),
            (utf16("почта;email\n", false), Wanted::Table, "UTF_16"),
            (utf16("{\"username\":\"a\"}", true), OBJECTS, "UTF_16"),
            (b"\x7fELF\x00\x00\x00\x00\x01".into(), OBJECTS, "no text"),
            (b"[{\"username\":\"abcd\"}]".into(), OBJECTS, "JSON array"),
            (b" [\n  {\"username\":\"abcd\"}\n]".into(), Wanted::Table, "JSON array"),
            (b"[]".into(), OBJECTS, "JSON array"),
            (b"{\n  \"username\": \"abcd\"\n}\n".into(), OBJECTS, "several lines"),
            (b"\xEF\xBB\xBFusername,category\nabcd,tech\n".into(), OBJECTS, "CSV): like this"),
            (b"{\"email\":\"a@b.de\"}\n".into(), Wanted::Table, "format JSONL"),
            (b"email;\xef\xf0\xe8\xe2\xe5\xf2\na@b.de;\xcf\xf0\n".into(), Wanted::Table, "Windows-1251"),
            (b"email;name\na@b.de;\xcf\xf0\nb@b.de;Bob\nc@b.de;\xcf\xf0".into(), Wanted::Table, "Windows-1251"),
            (b"{\"username\":\"abcd\",\"title\":\"\xcf\xf0\"}".into(), OBJECTS, "Windows-1251"),
            (b"".into(), OBJECTS, "empty"),
            (b"\xEF\xBB\xBF\r\n \n".into(), Wanted::Table, "empty"),
        ];
        for (head, wanted, what) in table {
            let told = reason(&head, wanted).unwrap_or_else(|| panic!("{head:?} is taken"));
            assert!(told.contains(what) && !told.contains(char::is_control), "{head:?}: {told}");
        }
    }

    #[test]
    fn what_may_be_a_list_is_read() {
        for head in
            [&b"email;name\na@b.de;\xcf\nb@b.de;B\nc@b.de;C\n"[..], b"email;name\na@b.de;\xcf\nb@b.de;\xd1\x8f\n"]
        {
            assert_eq!(reason(head, Wanted::Table), None, "told by line");
        }
        for head in ["email,phone\n", "sep=;\nemail;phone\n", "[id],email\n", "\"email\"\n", "{email},x\n", "email"] {
            assert_eq!(reason(head.as_bytes(), Wanted::Table), None, "{head}");
        }
        for head in
            ["{\"username\":\"a\"}", "broken, line\n{\"username\":\"a\"}\n", "[1]\n{}\n", "nonsense\n", "\u{feff}{}"]
        {
            assert_eq!(reason(head.as_bytes(), OBJECTS), None, "{head}");
        }
    }
}
