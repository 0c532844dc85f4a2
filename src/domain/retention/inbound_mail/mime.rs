//! An email taken apart, one part after the other.
//!
//! The parser of `mail-parser` follows each message in a message to the end, and what it makes of them is dropped level by level: an
//! email of some thousand, which anybody can send, would use up the stack, and one whose parts each name a boundary that never comes
//! would be read as often as it has parts. So the parts are found here, in time that grows with the length, and the parser gets heads,
//! and parts that have no parts.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, GetHeader, HeaderName, Message, MessageParser, MimeHeaders};

/// The longest head of an email or of a part, in bytes; what is behind one that is longer is not read.
const HEAD: usize = 128 << 10;
/// Parts of an email that are looked at, at most.
const PARTS: usize = 200;
/// Levels of parts in parts that are looked at, at most.
const LEVELS: usize = 10;

/// A part that has no parts itself, or a message within the message.
pub(super) struct Part<'x> {
    head: Option<Message<'x>>,
    raw: &'x [u8],
    body: &'x [u8],
    /// Among which the recipient's program chooses one, if it is one of those.
    choice: Option<usize>,
    is_message: bool,
}

/// A part that is still to be looked at.
struct Found<'x> {
    raw: &'x [u8],
    level: usize,
    choice: Option<usize>,
    is_in_digest: bool,
}

/// The head of an email; None if there is none.
pub(super) fn head(raw: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse_headers(split(raw).0)
}

/// The parts of an email, in their order.
pub(super) fn parts(raw: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut looked_at = 0;
    let mut rest = vec![Found { raw, level: 0, choice: None, is_in_digest: false }];
    while let Some(Found { raw, level, choice, is_in_digest }) = rest.pop() {
        looked_at += 1;
        let (head, body) = split(raw);
        let raw = &raw[..head.len() + body.len()];
        let head = MessageParser::default().parse_headers(head);
        let kind = head.as_ref().and_then(kind);
        let is = |main: &str| kind.is_some_and(|kind| kind.ctype().eq_ignore_ascii_case(main));
        let is_also =
            |sub: &str| kind.and_then(ContentType::subtype).is_some_and(|kind| kind.eq_ignore_ascii_case(sub));
        if is("multipart") {
            let Some(boundary) = kind.and_then(|kind| kind.attribute("boundary")).filter(|_| level < LEVELS) else {
                continue;
            };
            let room = PARTS.saturating_sub(looked_at + rest.len());
            let mut found = between(body, boundary.as_bytes(), room);
            found.reverse();
            let choice = if is_also("alternative") { Some(looked_at) } else { choice };
            let is_in_digest = is_also("digest");
            rest.extend(found.into_iter().map(|raw| Found { raw, level: level + 1, choice, is_in_digest }));
            continue;
        }
        let is_message =
            (is("message") && (is_also("rfc822") || is_also("global"))) || (kind.is_none() && is_in_digest);
        parts.push(Part { head, raw, body, choice, is_message });
    }
    parts
}

/// What is said: the first text, the plain one where there is a choice.
pub(super) fn said<'x>(parts: &[Part<'x>]) -> Option<Message<'x>> {
    let first = parts.iter().find(|part| part.is_text())?;
    let plain = || parts.iter().find(|part| part.choice == first.choice && part.is_text() && !part.is("html"));
    let chosen = if first.choice.is_some() && first.is("html") { plain().unwrap_or(first) } else { first };
    chosen.read()
}

impl<'x> Part<'x> {
    /// Whether it is of this subtype.
    pub(super) fn is(&self, subtype: &str) -> bool {
        let kind = self.head.as_ref().and_then(kind).and_then(ContentType::subtype);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(subtype))
    }

    /// Whether it is a text that a reader gets to see as such.
    fn is_text(&self) -> bool {
        let Some(head) = &self.head else { return !self.is_message };
        let kind = kind(head);
        let is_text = kind.is_none_or(|kind| {
            kind.ctype().eq_ignore_ascii_case("text")
                && (self.is("plain") || self.is("html"))
                && !kind.has_attribute("name")
        });
        let is_attached = head.content_disposition().is_some_and(ContentType::is_attachment);
        is_text && !is_attached && !self.is_message
    }

    /// What it has in it, as it was before it was put into the email.
    pub(super) fn contents(&self) -> String {
        let bytes = if self.is_message { Some(self.decoded()) } else { self.read().map(|read| read_contents(&read)) };
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The id of the message that it is; None if it is no message, or has none.
    pub(super) fn message_id(&self) -> Option<String> {
        if !self.is_message {
            return None;
        }
        head(&self.decoded())?.message_id().map(ToOwned::to_owned)
    }

    /// Whether it is a message.
    pub(super) const fn is_message(&self) -> bool {
        self.is_message
    }

    /// Read by the parser: it has no parts that that could follow.
    fn read(&self) -> Option<Message<'x>> {
        MessageParser::default().parse(self.raw)
    }

    /// The bytes of a message, which some servers encode although none may.
    fn decoded(&self) -> Cow<'x, [u8]> {
        let encoding = self.head.as_ref().and_then(|head| head.content_transfer_encoding()).unwrap_or_default();
        let decoded = match encoding.to_ascii_lowercase().as_str() {
            "base64" => base64_decode(self.body),
            "quoted-printable" => quoted_printable_decode(self.body),
            _ => None,
        };
        decoded.map_or(Cow::Borrowed(self.body), Cow::Owned)
    }
}

fn read_contents<'x>(read: &Message<'x>) -> Cow<'x, [u8]> {
    read.parts.first().map(|part| part.contents().to_vec()).unwrap_or_default().into()
}

fn kind<'a>(head: &'a Message<'_>) -> Option<&'a ContentType<'a>> {
    // As the parser itself asks, of a head that has several.
    head.parts.first()?.headers.header_value(&HeaderName::ContentType)?.as_content_type()
}

/// A head, with the empty line behind it, and what follows.
fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if end > HEAD {
            return (&raw[..HEAD.min(raw.len())], &[]);
        }
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    raw.split_at(end)
}

/// What stands between lines of this boundary, of at most so many parts.
fn between<'x>(body: &'x [u8], boundary: &[u8], most: usize) -> Vec<&'x [u8]> {
    let (mut parts, mut begin, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)).map(<[u8]>::trim_ascii);
        // One that only begins so is another one.
        let is_last = rest == Some(b"--".as_slice());
        if rest.is_some_and(<[u8]>::is_empty) || is_last {
            parts.extend(begin.map(|begin: usize| without_end(&body[begin..at])));
            begin = (!is_last).then_some(at + line.len());
            if is_last || parts.len() >= most {
                begin = None;
                break;
            }
        }
        at += line.len();
    }
    // It was cut off.
    parts.extend(begin.filter(|_| parts.len() < most).map(|begin| &body[begin..]));
    parts
}

/// The end of the line before a boundary belongs to the boundary.
fn without_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}
