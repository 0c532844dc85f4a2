//! One line of a list of channels (JSONL), read into a channel or a reason why it can't be one.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::json;
use super::text::{self, Bounds};
use super::username;

/// The longest line, in bytes and without its end.
pub const LINE_LIMIT: usize = 64 * 1024;
/// What some editors put in front of a file: the byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A channel as a line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelLine {
    /// As it is stored: lower case, without `@`.
    pub username: String,
    /// Never empty.
    pub category: String,
    /// The channel's page at tgstat, if the line names one.
    pub tgstat_url: Option<String>,
    /// When it was found; None if the line does not say.
    pub collected_at: Option<DateTime<Utc>>,
    /// What is wrong with a field that a channel can do without: it was left out.
    pub left_out: Option<String>,
}

/// The form that a line must have. Text that needs no unescaping is borrowed from the line.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    username: Text<'a>,
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow, default)]
    tgstat_url: Optional<'a>,
    #[serde(borrow, default)]
    collected_at: Optional<'a>,
}

// An `Option<Cow>` would not borrow.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A field that a channel can do without.
#[derive(Default)]
enum Optional<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    /// Something that is no text.
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Optional<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Optional<'de>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Optional::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Optional::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Optional::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Optional::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Optional::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Optional::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Optional::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Optional::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Optional::Other)
    }
}

impl Optional<'_> {
    /// What `read` makes of it; a value that is wrong is left out, and what is wrong with it noted.
    fn or_left_out<T>(
        &self,
        name: &str,
        left_out: &mut Vec<String>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = match self {
            Self::Absent => return None,
            Self::Text(text) if text.trim().is_empty() => return None,
            Self::Text(text) => read(text.trim()),
            Self::Other => Err("must be a text".to_owned()),
        };
        read.map_err(|why| left_out.push(format!("{name}: {why}"))).ok()
    }
}

/// Reads a line, with or without its end. None: it is empty.
///
/// # Errors
/// A sentence that says what is wrong, at most [`text::REASON_LIMIT`] bytes long.
pub fn parse(line: &[u8]) -> Option<Result<ChannelLine, String>> {
    let line = line.strip_prefix(MARK).unwrap_or(line).trim_ascii();
    if line.is_empty() { None } else { Some(read(line).map_err(text::brief)) }
}

fn read(line: &[u8]) -> Result<ChannelLine, String> {
    if line.len() > LINE_LIMIT {
        return Err(too_long());
    }
    let line = std::str::from_utf8(line)
        .map_err(|error| format!("the line is not UTF-8: wrong byte at column {}", error.valid_up_to() + 1))?;
    if !line.starts_with('{') {
        return Err("the line does not begin with {: one JSON object a line is wanted".to_owned());
    }
    let raw: Raw<'_> = serde_json::from_str(line)
        .map_err(|error| format!("not a JSON object as wanted: {}", json::complaint(&error)))?;
    let mut left_out = Vec::new();
    Ok(ChannelLine {
        username: username::normalise(&raw.username.0).map_err(|why| format!("username: {why}"))?,
        category: text::line(&raw.category.0, Bounds::CATEGORY).map_err(|why| format!("category: {why}"))?,
        tgstat_url: raw.tgstat_url.or_left_out("tgstat_url", &mut left_out, text::url),
        collected_at: raw.collected_at.or_left_out("collected_at", &mut left_out, instant),
        left_out: (!left_out.is_empty())
            .then(|| text::brief(format!("{}; the line was taken without it", left_out.join("; ")))),
    })
}

/// The reason of a line over [`LINE_LIMIT`].
pub fn too_long() -> String {
    format!("the line is longer than {LINE_LIMIT} bytes")
}

/// An instant with a zone, or without one in UTC; to the millisecond, as all that is stored.
fn instant(written: &str) -> Result<DateTime<Utc>, String> {
    let naive = || {
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
        formats.iter().find_map(|format| NaiveDateTime::parse_from_str(written, format).ok())
    };
    let zoned = || DateTime::parse_from_rfc3339(written).ok().map(|at| at.to_utc());
    let at = zoned().or_else(|| naive().map(|at| at.and_utc()));
    // Four digits of a year: SQLite sorts instants as text.
    let at = at.filter(|at| (0..=253_402_300_799).contains(&at.timestamp()));
    at.map(|at| at.trunc_subsecs(3)).ok_or_else(|| {
        let example = "2025-09-29T11:49:45.782893";
        format!("not an instant from 1970 to 9999 such as {example}, with or without a zone")
    })
}

#[cfg(test)]
mod tests;
