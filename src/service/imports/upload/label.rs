//! What an uploaded file is called and of which type it is.

use std::path::Path;

/// Bytes of a file's beginning that tell its type.
pub const HEAD: usize = 8 << 10;
/// Characters of a name that are kept, its ending among them.
const NAME: usize = 120;
/// The type of what nobody knows.
const UNKNOWN: &str = "application/octet-stream";

/// What a client said of a file, as far as it said anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Its name.
    pub name: Option<String>,
    /// Its type, such as `application/pdf`.
    pub mime_type: Option<String>,
}

/// A file's name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// As its recipients see it; None: nobody named it.
    pub name: Option<String>,
    /// By its content, and where that is a mere container or text, by its name.
    pub mime_type: String,
}

impl Label {
    /// What is known of a file that begins with `head`.
    pub fn of(told: &Told, head: &[u8]) -> Self {
        let name = told.name.as_deref().and_then(clean);
        let content = infer::get(head).map(|kind| kind.mime_type());
        let by_name = name.as_deref().and_then(|name| mime_guess::from_path(name).first_raw());
        let by_name = by_name.filter(|named| !is_known_by_sight(named));
        let declared = told.mime_type.as_deref().map(essence);
        let declared = declared.filter(|declared| says_something(declared) && !is_known_by_sight(declared));
        let text = std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0')) || ends_in_a_character(head);
        let mime_type = match content {
            Some(content) if !is_container(content) => content,
            content => by_name
                .or(declared)
                .or(content)
                .or_else(|| (text && !head.is_empty()).then_some("text/plain"))
                .unwrap_or(UNKNOWN),
        };
        Self { mime_type: mime_type.to_owned(), name }
    }

    /// The name under which it is sent; `stem` where it has none.
    pub fn file_name(&self, stem: &str) -> String {
        self.name.clone().unwrap_or_else(|| {
            let ending = match self.mime_type.as_str() {
                "image/jpeg" => "jpg",
                "text/plain" => "txt",
                UNKNOWN => "bin",
                other => mime_guess::get_mime_extensions_str(other).and_then(|all| all.first()).unwrap_or(&"bin"),
            };
            format!("{stem}.{ending}")
        })
    }
}

/// A name without its folders and without what is no part of a name; its end stays, since programs go by that.
fn clean(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control() && !is_direction(*c)).collect();
    let name = name.trim().trim_start_matches('.');
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).filter(|ending| ending.len() <= 16);
    let kept: String = if name.chars().count() <= NAME {
        name.to_owned()
    } else {
        let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
        name.chars().take(NAME - ending.chars().count()).chain(ending.chars()).collect()
    };
    (!kept.is_empty()).then_some(kept)
}

/// Signs that turn the direction of writing: `exe.txt` may look like `txt.exe` with them.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Many sorts of files are one of these within.
fn is_container(mime_type: &str) -> bool {
    matches!(mime_type, "application/zip" | "application/x-ole-storage" | "application/gzip")
        || mime_type.starts_with("text/")
        || mime_type.ends_with("/xml")
}

/// Whether a picture or a film of this type is known by its content: then a name or a header that says so, of a file that is none,
/// is wrong.
fn is_known_by_sight(mime_type: &str) -> bool {
    let is_seen = mime_type.starts_with("image/") || mime_type.starts_with("video/");
    is_seen && infer::is_mime_supported(mime_type)
}

fn essence(mime_type: &str) -> &str {
    mime_type.split(';').next().unwrap_or_default().trim()
}

/// Not what programs say when they don't know.
fn says_something(declared: &str) -> bool {
    let is_whole = declared.split_once('/').is_some_and(|(kind, sort)| !kind.is_empty() && !sort.is_empty());
    let is_whole = is_whole && !declared.contains('*');
    let is_default = declared == UNKNOWN || declared == "application/x-www-form-urlencoded";
    is_whole && !is_default && declared.len() <= 100 && !declared.starts_with("multipart/")
}

/// Whether it is text whose last character was cut in two.
fn ends_in_a_character(head: &[u8]) -> bool {
    head.len() == HEAD && std::str::from_utf8(head).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    const ZIP: &[u8] = b"PK\x03\x04rest of it";

    #[test]
    fn a_file_is_what_it_holds_and_in_a_container_what_its_name_says() {
        for (name, declared, head, mime_type, sent) in [
            (Some("price.docx"), None, ZIP, DOCX, "price.docx"),
            (Some("Прайс 2026.pdf"), None, b"%PDF-1.7", "application/pdf", "Прайс 2026.pdf"),
            (Some("list.csv"), None, b"a;b\n1;2\n", "text/csv", "list.csv"),
            (Some("notes.txt"), Some("application/octet-stream"), b"hello", "text/plain", "notes.txt"),
            (Some("song.mp3"), None, b"ID3\x03\0\0\0\0\0\0", "audio/mpeg", "song.mp3"),
            (Some("voice.ogg"), None, b"OggS\0\x02\0\0", "audio/ogg", "voice.ogg"),
            (Some("old.rar"), None, b"Rar!\x1a\x07\0rest", "application/vnd.rar", "old.rar"),
            (Some("picture.pdf"), None, b"\x89PNG\r\n\x1a\n", "image/png", "picture.pdf"),
            (None, None, ZIP, "application/zip", "file.zip"),
            (None, Some("text/csv; charset=utf-8"), b"a,b", "text/csv", "file.csv"),
            (None, Some("application/x-www-form-urlencoded"), b"a,b", "text/plain", "file.txt"),
            (None, None, b"\xff\xd8\xff\xe0rest", "image/jpeg", "file.jpg"),
            (None, None, b"\0\x01\x02", UNKNOWN, "file.bin"),
            (None, None, b"", UNKNOWN, "file.bin"),
            (Some("a.jpg"), Some("image/jpeg"), b"hello", "text/plain", "a.jpg"),
            (Some("a.mp4"), Some("video/mp4"), b"\x01\x02\0\x04", UNKNOWN, "a.mp4"),
            (Some("a.mp4"), None, b"<!doctype html><html>", "text/html", "a.mp4"),
            (None, Some("image/*"), b"\x01\x02\0\x04", UNKNOWN, "file.bin"),
            (Some("a.svg"), None, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "a.svg"),
        ] {
            let told = Told { name: name.map(Into::into), mime_type: declared.map(Into::into) };
            let label = Label::of(&told, head);
            assert_eq!((label.mime_type.as_str(), label.file_name("file").as_str()), (mime_type, sent), "{told:?}");
        }
    }

    #[test]
    fn a_name_has_no_folders_no_tricks_and_keeps_its_ending() {
        for (name, kept) in [
            ("C:\\Users\\me\\price.docx", Some("price.docx")),
            ("../../etc/passwd", Some("passwd")),
            ("a\u{202e}txt.exe", Some("atxt.exe")),
            ("line\r\nbreak.pdf", Some("linebreak.pdf")),
            (" .. ", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(clean(name).as_deref(), kept, "{name:?}");
        }
        let long = clean(&format!("{}.docx", "ё".repeat(300))).expect("a name");
        assert!(long.chars().count() == NAME && long.ends_with("ё.docx"), "{long}");
    }
}
