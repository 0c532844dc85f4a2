//! The file in a request: the raw body, or the file of a form.

use axum::body::Bytes;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use multer::{Field, Multipart};

use service::imports::upload::Told;

/// Bytes by which a form may be longer than the file in it.
const ENVELOPE: u64 = 64 << 10;

/// What is said of a form with two files.
const SECOND: &str = "the form has more than one file: send the second file in a request of its own";

/// The pieces of a file, or why there are no more.
pub(super) type Pieces<'a> = BoxStream<'a, Result<Bytes, String>>;

/// What the headers of a request say of the file in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Announced {
    /// What it is called, where the request is no form.
    pub told: Told,
    /// How long it is at least.
    pub bytes: Option<u64>,
    /// The boundary between the parts of a form.
    form: Option<String>,
}

impl Announced {
    /// Reads the headers.
    ///
    /// # Errors
    /// A sentence that says how a file is sent.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, String> {
        let text =
            |name: HeaderName| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if text(CONTENT_ENCODING).is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
            return Err("send the file as it is, without Content-Encoding: curl --data-binary @FILE does".into());
        }
        let mime_type = text(CONTENT_TYPE);
        let is_form =
            mime_type.as_deref().is_some_and(|kind| kind.trim_start().to_lowercase().starts_with("multipart/"));
        let form = match &mime_type {
            Some(kind) if is_form => Some(multer::parse_boundary(kind).map_err(|_| {
                "a form is sent as multipart/form-data with its boundary, as curl -F file=@FILE does".to_owned()
            })?),
            _ => None,
        };
        let name = text(CONTENT_DISPOSITION).as_deref().and_then(file_name);
        let length = text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        let bytes = length.map(|bytes| if is_form { bytes.saturating_sub(ENVELOPE) } else { bytes });
        Ok(Self { told: Told { name, mime_type: mime_type.filter(|_| !is_form) }, bytes, form })
    }

    /// The file, and what is said of it: the only one of a form.
    ///
    /// # Errors
    /// The form has no file, or can't be read.
    pub(super) async fn open<'a>(self, pieces: &'a mut Pieces<'static>) -> Result<(Told, Pieces<'a>), String> {
        let Some(boundary) = self.form else {
            let first = pieces.next().await;
            if first.as_ref().is_some_and(|first| first.as_ref().is_ok_and(|piece| is_envelope(piece))) {
                return Err("this is a form whose Content-Type does not say so: send it as multipart/form-data with its boundary, \
                            or the file alone, as curl --data-binary @FILE does"
                    .into());
            }
            return Ok((self.told, stream::iter(first).chain(pieces).boxed()));
        };
        let mut form = Multipart::new(pieces, boundary);
        let unread = |error: multer::Error| format!("the form can't be read: {error}");
        loop {
            let part = form.next_field().await.map_err(unread)?;
            let part = part.ok_or("the form has no file in it: send one, as curl -F file=@FILE does")?;
            if let Some(name) = name_of(&part) {
                let told = Told { name: Some(name), mime_type: part.content_type().map(ToString::to_string) };
                let file = part.map(|piece| piece.map_err(|error| error.to_string()));
                // Of two files one would be lost without a word.
                let rest = stream::once(another(form)).filter_map(std::future::ready);
                return Ok((told, file.chain(rest).boxed()));
            }
        }
    }
}

fn name_of(part: &Field<'_>) -> Option<String> {
    let header = part.headers().get(CONTENT_DISPOSITION)?;
    // Browsers send a file without a name where none was chosen.
    file_name(&String::from_utf8_lossy(header.as_bytes())).filter(|name| !name.is_empty())
}

/// What is wrong with the rest of a form whose file has come.
async fn another(mut form: Multipart<'_>) -> Option<Result<Bytes, String>> {
    loop {
        match form.next_field().await {
            Ok(None) => return None,
            Ok(Some(part)) if name_of(&part).is_some() => {
                return Some(Err(SECOND.to_owned()));
            }
            Ok(Some(_)) => {}
            Err(error) => return Some(Err(error.to_string())),
        }
    }
}

/// Bytes at the beginning of a form in which the head of its first part stands.
const FORM_HEAD: usize = 1 << 10;

/// Whether these are the first bytes of a form.
fn is_envelope(first: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&first[..first.len().min(FORM_HEAD)]).to_lowercase();
    let mut lines = head.lines();
    lines.next().is_some_and(|line| line.starts_with("--"))
        && lines.take_while(|line| !line.is_empty()).any(|line| line.starts_with("content-disposition: form-data"))
}

/// The name in a `Content-Disposition`; that with an asterisk, which has its encoding with it, is the better one.
fn file_name(header: &str) -> Option<String> {
    let parameters = || parameters(header);
    let extended = parameters().find(|(name, _)| name == "filename*").and_then(|(_, value)| decoded(&value));
    extended.or_else(|| parameters().find(|(name, _)| name == "filename").map(|(_, value)| value))
}

/// The parameters of a header; semicolons within quotes are part of a value.
fn parameters(header: &str) -> impl Iterator<Item = (String, String)> {
    let (mut parts, mut part, mut is_quoted, mut is_escaped) = (Vec::new(), String::new(), false, false);
    for c in header.chars() {
        match c {
            _ if is_escaped => {
                part.push(c);
                is_escaped = false;
            }
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(c),
        }
    }
    parts.push(part);
    parts.into_iter().filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_lowercase(), value.trim().to_owned()))
    })
}

/// A value such as `UTF-8''%D0%BF.pdf`.
fn decoded(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, text) = rest.split_once('\'')?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    match charset.to_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_read_however_it_is_written() {
        for (header, name) in [
            ("attachment; filename=\"price.docx\"", Some("price.docx")),
            ("attachment; filename=price.docx", Some("price.docx")),
            ("form-data; name=\"file\"; filename=\"a; b.pdf\"", Some("a; b.pdf")),
            ("attachment; filename=\"a\\\"b.pdf\"", Some("a\"b.pdf")),
            ("attachment; filename=\"x.pdf\"; filename*=UTF-8''%D0%BF%D1%80.pdf", Some("пр.pdf")),
            ("attachment; FILENAME*=utf-8'ru'%D0%BF.pdf", Some("п.pdf")),
            ("attachment; filename*=UTF-8''%GG.pdf; filename=safe.pdf", Some("safe.pdf")),
            ("attachment; filename=\"Прайс.pdf\"", Some("Прайс.pdf")),
            ("attachment", None),
            ("", None),
        ] {
            assert_eq!(file_name(header).as_deref(), name, "{header}");
        }
    }
}
