//! Texts that people type: what is cut off, and what is refused.

use async_graphql::MaybeUndefined;
use unicode_normalization::UnicodeNormalization;

use super::error::{Violation, Violations};

/// How long a text may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    may_be_empty: bool,
    most: usize,
}

/// The longest link, in bytes.
const URL_LIMIT: usize = 2_048;

impl Bounds {
    /// Names of batches, templates and API tokens.
    pub const NAME: Self = Self { may_be_empty: false, most: 200 };
    /// Categories of channels.
    pub const CATEGORY: Self = Self { may_be_empty: false, most: 100 };
    /// Ids in another system.
    pub const EXTERNAL_ID: Self = Self { may_be_empty: false, most: 255 };
    /// Titles of channels.
    pub const TITLE: Self = Self { may_be_empty: true, most: 255 };
    /// Descriptions.
    pub const DESCRIPTION: Self = Self { may_be_empty: true, most: 2_000 };

    /// Notes on people.
    pub const NOTES: Self = Self { may_be_empty: true, most: 10_000 };

    fn check(self, text: &str) -> Result<(), String> {
        if !self.may_be_empty {
            if text.trim().is_empty() {
                return Err("must not be empty".into());
            }
            check_seen(text)?;
        }
        match text.chars().take(self.most + 1).count() {
            length if length > self.most => Err(format!("must have at most {} characters", self.most)),
            _ => Ok(()),
        }
    }
}

/// Whether there is something to see of a letter: blanks, signs of no width and fillers show nothing, and Telegram takes no message
/// of nothing else.
pub const fn is_seen(letter: char) -> bool {
    let is_filler = matches!(letter, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2800}' | '\u{fffc}');
    !is_filler && !is_unseen(letter) && !letter.is_whitespace()
}

/// Refuses a text of which nothing is to be seen: in a list it would look like an empty line.
///
/// # Errors
/// A sentence that says what to do.
pub fn check_seen(text: &str) -> Result<(), String> {
    if text.chars().any(is_seen) {
        return Ok(());
    }
    Err("has nothing to see: it is made of signs without a width; type a letter or a number".into())
}

/// The one spelling of a password that is typed by letters and marks: one keyboard writes é as one sign, another as two.
pub fn typed(password: &str) -> String {
    password.nfc().collect()
}

/// The spellings of which a hash may have been made when a password was set: the one spelling, what was typed, and letters with their marks
/// apart. Of a password in ASCII it is one.
pub fn spellings(password: &str) -> Vec<String> {
    let mut all = vec![typed(password)];
    for other in [password.to_owned(), password.nfd().collect()] {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

/// A text of one line, without the blanks around it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn line(written: &str, bounds: Bounds) -> Result<String, String> {
    let text = written.trim();
    bounds.check(text)?;
    if text.chars().any(char::is_control) {
        return Err("must not have control characters".into());
    }
    Ok(text.to_owned())
}

/// A text of many lines, without the blanks around it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn prose(written: &str, bounds: Bounds) -> Result<String, String> {
    let text = written.trim();
    bounds.check(text)?;
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err("must not have control characters".into());
    }
    Ok(text.to_owned())
}

/// Signs that take no room: what is copied from a page or a document brings them along, and who hides a word puts them into it.
pub const fn is_unseen(sign: char) -> bool {
    matches!(
        sign,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A link that a page may show: http or https, and nothing that ends an attribute or a line.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn url(written: &str) -> Result<String, String> {
    let url = written.trim();
    if url.len() > URL_LIMIT {
        return Err(format!("must have at most {URL_LIMIT} bytes"));
    }
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (head, rest) = url.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    match rest {
        None | Some("") => Err("must be an http or https URL".into()),
        Some(rest) if rest.chars().any(|letter| letter.is_control() || letter.is_whitespace()) => {
            Err("must not have blanks or control characters".into())
        }
        Some(_) => Ok(url.to_owned()),
    }
}

/// The longest reason, in bytes.
pub const REASON_LIMIT: usize = 300;

/// A reason, without control characters and cut to [`REASON_LIMIT`].
pub fn brief(mut reason: String) -> String {
    reason.retain(|letter| !letter.is_control());
    if reason.len() > REASON_LIMIT {
        reason.truncate(reason.floor_char_boundary(REASON_LIMIT - '…'.len_utf8()));
        reason.push('…');
    }
    reason
}

impl Violations {
    /// The value of `result`, or nothing and a mistake in `field`.
    pub fn take<T: Default>(&mut self, field: &str, result: Result<T, impl Into<String>>) -> T {
        result.unwrap_or_else(|why| {
            self.push(Violation::of(field, why));
            T::default()
        })
    }

    /// [`Violations::take`] of a text that may be left out; blanks alone are left out too.
    pub fn take_text(
        &mut self,
        field: &str,
        written: Option<String>,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        let written = written.filter(|text| !text.trim().is_empty())?;
        Some(self.take(field, check(&written)))
    }

    /// [`Violations::take_text`] where null removes what is there.
    pub fn take_change(
        &mut self,
        field: &str,
        written: MaybeUndefined<String>,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> MaybeUndefined<String> {
        match written {
            MaybeUndefined::Undefined => MaybeUndefined::Undefined,
            MaybeUndefined::Null => MaybeUndefined::Null,
            MaybeUndefined::Value(text) => Some(self.take_text(field, Some(text), check)).into(),
        }
    }
}

/// What is there after a change: what is undefined stays, null removes.
pub fn or<T>(old: Option<T>, new: MaybeUndefined<T>) -> Option<T> {
    if new.is_undefined() { old } else { new.take() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        assert_eq!(line(" я", Bounds::NAME).as_deref(), Ok("я"));
        assert_eq!(line(&"я".repeat(200), Bounds::NAME).map(|name| name.len()), Ok(400));
        assert!(line(&"я".repeat(201), Bounds::NAME).is_err());
        assert_eq!(line(" \t", Bounds::NAME).unwrap_err(), "must not be empty");
        assert!(line("❤\u{fe0f}", Bounds::NAME).is_ok());
        assert_eq!(line("", Bounds::TITLE).as_deref(), Ok(""));
        for nothing in ["\u{2800}", "\u{3164}", "\u{200b}\u{200d}", "\u{115f} \u{ffa0}", "\u{e0061}"] {
            assert!(line(nothing, Bounds::NAME).unwrap_err().starts_with("has nothing to see"), "{nothing:?}");
            assert!(line(nothing, Bounds::EXTERNAL_ID).is_err() && line(nothing, Bounds::TITLE).is_ok(), "{nothing:?}");
            assert!(line(&format!("a{nothing}"), Bounds::NAME).is_ok(), "{nothing:?}");
        }
        assert!(["👍", "1\u{fe0f}\u{20e3}", "ü", "."].iter().all(|name| line(name, Bounds::NAME).is_ok()));
    }

    #[test]
    fn a_line_has_no_control_characters_and_prose_has_lines() {
        assert!(line("a\nb", Bounds::NAME).is_err());
        assert!(line("a\0b", Bounds::NAME).is_err());
        assert_eq!(prose("a\r\n\tb", Bounds::DESCRIPTION).as_deref(), Ok("a\r\n\tb"));
        assert!(prose("a\0b", Bounds::DESCRIPTION).is_err());
    }

    #[test]
    fn only_links_are_links() {
        for good in ["https://tgstat.ru/channel/@proofzzz", "HTTP://example.com"] {
            assert_eq!(url(good).as_deref(), Ok(good));
        }
        for wrong in ["", "tgstat.ru", "javascript:alert(1)", "https://", "https://a b", "https://a\nb", "ftp://a"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }
}
