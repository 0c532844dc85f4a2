//! One line of a list of channels (JSONL), read into a channel or a reason why it can't be one.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use serde::Deserialize;

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
}

/// The form that a line must have. Text that needs no unescaping is borrowed from the line.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    username: Text<'a>,
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow, default)]
    tgstat_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    collected_at: Option<Text<'a>>,
}

// An `Option<Cow>` would not borrow.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

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
    let raw: Raw<'_> = serde_json::from_str(line)
        .map_err(|error| format!("not a JSON object as expected: {}", json::complaint(&error)))?;
    Ok(ChannelLine {
        username: username::normalise(&raw.username.0).map_err(|why| format!("username: {why}"))?,
        category: text::line(&raw.category.0, Bounds::CATEGORY).map_err(|why| format!("category: {why}"))?,
        tgstat_url: match raw.tgstat_url.as_ref().map(|url| url.0.trim()) {
            None | Some("") => None,
            Some(url) => Some(text::url(url).map_err(|why| format!("tgstat_url: {why}"))?),
        },
        collected_at: match raw.collected_at.as_ref().map(|at| at.0.trim()) {
            None | Some("") => None,
            Some(at) => Some(instant(at)?),
        },
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
        format!("collected_at: not an instant from 1970 to 9999 such as {example}, with or without a zone")
    })
}

#[cfg(test)]
mod tests;
