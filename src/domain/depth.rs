//! How deep a text that somebody wrote may go, before anything that calls itself for each level reads it.
//!
//! The template engine's own guard counts brackets and nested tags only; what it makes of `- - - 1`, `a.b.c` or `x|e|e` is as
//! deep as the text is long, and a stack that is used up ends the process. So the links of a tag are counted first, in one
//! pass; and what a text may build while it runs (a list in a list in a list) is built and dropped on a stack of its own.

mod bounds;

use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};

use self::bounds::Bounds;
pub use self::bounds::{MOST_WEIGHT, bound, bounded};

/// Operators, dots, filters, calls and brackets that may stand in one tag: each may lie below the one before.
pub const MOST_LINKS: usize = 200;

/// `{% elif %}` that one text may have: each lies below the one before.
pub const MOST_BRANCHES: usize = 200;

/// Bytes of the stack of [`apart`]. Only what is used is taken. A rendering has fuel for 20,000 steps, each of which builds one
/// level at most: this is 6 KiB for each.
const STACK: usize = 128 << 20;

/// The words of the template language that join expressions.
const JOINING: [&str; 7] = ["and", "else", "if", "in", "is", "not", "or"];

/// Refuses a template that goes too deep, in time that grows with its length only.
///
/// # Errors
/// A sentence that says what there is too much of.
pub fn check(template: &str) -> Result<(), String> {
    let mut branches = 0;
    for tag in Scanner::of(template) {
        branches += usize::from(tag.is_branch);
        if tag.links > MOST_LINKS {
            return Err(format!(
                "a tag joins more than {MOST_LINKS} things by operators, dots, filters and brackets; write it in parts"
            ));
        }
        if let Some(why) = tag.bounds.refusal {
            return Err(why.into());
        }
        if branches > MOST_BRANCHES {
            return Err(format!("there are more than {MOST_BRANCHES} elif; write it in parts"));
        }
    }
    Ok(())
}

/// Does `work` where it may go deep: on a stack that is large enough for the deepest text, and where a panic is an error.
///
/// # Errors
/// A sentence: there is no thread to be had, or the work has panicked.
pub fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let read = || {
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("apart".into()).stack_size(STACK).spawn_scoped(scope, work);
            let thread =
                thread.map_err(|error| format!("it can't be read now, the machine has no thread for it: {error}"))?;
            thread.join().map_err(|_| "it can't be read".to_owned())
        })
    };
    // What else waits for this thread of the runtime goes on elsewhere: a text may take a second.
    let is_shared = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_shared { tokio::task::block_in_place(read) } else { read() }
}

/// A tag of a template: `{{ .. }}` or `{% .. %}`.
#[derive(Default)]
struct Tag {
    links: usize,
    is_branch: bool,
    /// What bounds the values that it makes.
    bounds: Bounds,
}

/// Goes from tag to tag as the engine's own reader does: what it would take for an expression is never taken for text.
struct Scanner<'a> {
    text: &'a str,
    rest: &'a str,
    /// Brackets that are open: inside them no tag ends. Below 0 where one was closed too often, which the engine refuses.
    brackets: isize,
}

impl Iterator for Scanner<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        loop {
            let at = self.rest.find('{')?;
            let opened = &self.rest[at + 1..];
            self.rest = opened;
            match opened.as_bytes().first()? {
                b'{' => {
                    self.rest = &opened[1..];
                    return Some(self.tag("}}"));
                }
                b'#' => self.rest = behind(&opened[1..], "#}"),
                b'%' => {
                    let body = &opened[1..];
                    let unsigned = body.strip_prefix(['-', '+']).unwrap_or(body);
                    if let Some(raw) = word_tag(unsigned, "raw") {
                        self.rest = behind_raw(raw);
                        continue;
                    }
                    self.rest = unsigned;
                    return Some(self.tag("%}"));
                }
                _ => {}
            }
        }
    }
}

impl<'a> Scanner<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, rest: text, brackets: 0 }
    }

    /// Reads the tag that has just begun, to its end or to that of the text.
    fn tag(&mut self, end: &str) -> Tag {
        let mut tag = Tag { bounds: Bounds::of_tag(end == "%}"), ..Tag::default() };
        loop {
            self.rest = self.rest.trim_ascii_start();
            let at = self.text.len() - self.rest.len();
            if self.brackets == 0 {
                let unsigned = self.rest.strip_prefix(['-', '+']).unwrap_or(self.rest);
                if let Some(rest) = unsigned.strip_prefix(end) {
                    let sign = &self.rest[..self.rest.len() - unsigned.len()];
                    self.rest = rest;
                    tag.bounds.end(&(at..self.text.len() - rest.len()), sign);
                    return tag;
                }
            }
            let Some(part) = self.part() else { return tag };
            tag.links += usize::from(part.is_link());
            tag.is_branch |= part == Part::Word("elif");
            self.brackets += part.opens();
            tag.bounds.part(part, &(at..self.text.len() - self.rest.len()), self.brackets);
        }
    }

    /// Takes the next part of a tag. None at the end of the text.
    fn part(&mut self) -> Option<Part<'a>> {
        let rest = self.rest;
        let first = rest.chars().next()?;
        let (length, part) = match first {
            '"' | '\'' => (quoted(rest, first), Part::Value),
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = word(rest);
                (length, Part::Word(&rest[..length]))
            }
            '0'..='9' => (word(rest), Part::Value),
            ',' | ':' => (1, Part::Sign(first)),
            '=' if !rest.starts_with("==") => (1, Part::Sign('=')),
            '=' => (2, Part::Double),
            '*' if rest.starts_with("**") => (2, Part::Double),
            other => (other.len_utf8(), Part::Sign(other)),
        };
        self.rest = &rest[length..];
        Some(part)
    }
}

/// A part of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Word(&'a str),
    /// A text or a number.
    Value,
    /// A sign of one character.
    Sign(char),
    /// `==` or `**`.
    Double,
}

impl Part<'_> {
    /// Whether what is joined by it lies below the one before.
    fn is_link(self) -> bool {
        match self {
            Self::Word(word) => JOINING.contains(&word),
            Self::Value => false,
            Self::Sign(sign) => !matches!(sign, ',' | ':' | '=' | ')' | ']' | '}'),
            Self::Double => true,
        }
    }

    /// By how much there are more brackets open behind it.
    fn opens(self) -> isize {
        match self {
            Self::Sign('(' | '[' | '{') => 1,
            Self::Sign(')' | ']' | '}') => -1,
            _ => 0,
        }
    }
}

/// Bytes of the letters, digits and underscores that the text begins with.
fn word(text: &str) -> usize {
    text.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_').unwrap_or(text.len())
}

/// Bytes of the string that the text begins with, its quotation marks with it; of all, if it has no end.
fn quoted(text: &str, mark: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            letter if letter == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// What follows the tag that `text` is within, if it has this one word only: `raw %}`.
fn word_tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.trim_ascii_start().strip_prefix(name)?.trim_ascii_start();
    rest.strip_prefix(['-', '+']).unwrap_or(rest).strip_prefix("%}")
}

/// What follows the end of a raw part; nothing, if it has none.
fn behind_raw(mut text: &str) -> &str {
    while let Some(at) = text.find("{%") {
        text = &text[at + 2..];
        if let Some(rest) = word_tag(text.strip_prefix(['-', '+']).unwrap_or(text), "endraw") {
            return rest;
        }
    }
    ""
}

/// What follows the first `end`; nothing, if there is none.
fn behind<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests;
