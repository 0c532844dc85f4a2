//! Telegram's own HTML: what an author writes between tags becomes plain text and entities over it.
//!
//! The tags are those of Telegram's Bot API; anything else is a mistake with a sentence, so that nothing is lost in silence.

mod values;

pub use values::Date;
use values::{date, emoji, end_of_name, instead_of, is_one_emoji, link, numbered};

/// Entities that one message may have. Telegram passes over what comes after.
pub const MOST_ENTITIES: usize = 100;

/// A text and how it looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marked {
    /// The text without its marks.
    pub text: String,
    /// How parts of it look, in the order of their beginnings.
    pub entities: Vec<Entity>,
}

impl Marked {
    /// A text without any look.
    pub const fn plain(text: String) -> Self {
        Self { text, entities: Vec::new() }
    }

    /// Without the blanks at both ends, which Telegram takes away; entities move along, and what would be over nothing goes.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        let kept = self.text.trim_matches(is_blank);
        if kept.len() == self.text.len() {
            return self;
        }
        let before = self.text.len() - self.text.trim_start_matches(is_blank).len();
        let (cut, length) = (units(&self.text[..before]), units(kept));
        self.text = kept.to_owned();
        self.entities.retain_mut(|entity| {
            let begin = (entity.offset - cut).clamp(0, length);
            let end = (entity.offset + entity.length - cut).clamp(0, length);
            (entity.offset, entity.length) = (begin, end - begin);
            entity.length > 0
        });
        self
    }

    /// How long the text is as Telegram counts it, in UTF-16 units.
    pub fn utf16_length(&self) -> usize {
        self.text.encode_utf16().count()
    }
}

/// What Telegram takes away at both ends of a text.
const fn is_blank(sign: char) -> bool {
    sign.is_ascii_whitespace()
}

/// How long `text` is, in UTF-16 units.
fn units(text: &str) -> i32 {
    i32::try_from(text.encode_utf16().count()).unwrap_or(i32::MAX)
}

/// How a part of a text looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Where it begins, in UTF-16 units.
    pub offset: i32,
    /// How long it is, in UTF-16 units; at least 1.
    pub length: i32,
    /// What it looks like.
    pub style: Style,
}

/// A look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    /// `<b>`
    Bold,
    /// `<i>`
    Italic,
    /// `<u>`
    Underline,
    /// `<s>`
    Strike,
    /// `<tg-spoiler>`
    Spoiler,
    /// `<code>`
    Code,
    /// `<pre>`, with the language of `<pre><code class="language-...">` or an empty one.
    Pre(String),
    /// `<blockquote>`, which may be folded: `<blockquote expandable>`.
    Quote {
        /// Whether the quotation is shown folded.
        is_folded: bool,
    },
    /// `<a href="...">`
    Link(String),
    /// `<tg-emoji emoji-id="...">`: the id of a custom emoji.
    Emoji(i64),
    /// `<tg-time unix="..." format="...">`: an instant, which each reader sees in his own zone and language.
    Date(Date),
}

/// Reads `html`.
///
/// # Errors
/// A sentence that says what is wrong, and with which tag.
pub fn read(html: &str) -> Result<Marked, String> {
    let mut reader = MarkupReader::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        reader.write(&rest[..at]);
        rest = if rest[at..].starts_with('<') {
            reader.tag(&rest[at..])?
        } else {
            reader.reference(&rest[at..], Stands::InText)?
        };
    }
    reader.write(rest);
    reader.finish()
}

/// A tag that is open.
struct Open {
    name: String,
    offset: i32,
    style: Style,
    /// Where its entity stands among all: in the order of beginnings.
    place: usize,
}

#[derive(Default)]
struct MarkupReader {
    text: String,
    /// How long the text is, in UTF-16 units.
    units: i32,
    open: Vec<Open>,
    /// None until the tag is closed.
    entities: Vec<Option<Entity>>,
}

impl MarkupReader {
    /// Telegram keeps no carriage returns, and would count without them.
    fn write(&mut self, text: &str) {
        for part in text.split('\r') {
            self.text.push_str(part);
            self.units += units(part);
        }
    }

    /// Reads the character reference at the beginning of `text`, and returns what follows it. As Telegram does it: a single &
    /// stands for itself, and the semicolon may be left out.
    fn reference<'a>(&mut self, text: &'a str, stands: Stands) -> Result<&'a str, String> {
        let body = &text[1..];
        let mut end = end_of_name(body);
        if !KNOWN.contains(&&body[..end]) && !body.starts_with('#') {
            end = body.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(body.len());
        }
        let (name, rest) = body.split_at(end);
        let (is_ended, after) = rest.strip_prefix(';').map_or((false, rest), |after| (true, after));
        let letter = match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            _ => match name.strip_prefix('#').map(numbered) {
                Some(Some(letter)) => letter,
                _ if !is_ended || name.is_empty() => return Ok(self.ampersand(body)),
                Some(None) => return Err(format!("there is no character &{name};")),
                None => {
                    return Err(format!(
                        "there is no &{name}; in Telegram's HTML: write the character itself, or &amp; for the sign &"
                    ));
                }
            },
        };
        // A parameter of an address that happens to have the name of a character.
        if stands == Stands::InAttribute && !is_ended && rest.starts_with('=') {
            return Ok(self.ampersand(body));
        }
        self.write(letter.encode_utf8(&mut [0; 4]));
        Ok(after)
    }

    fn ampersand<'a>(&mut self, rest: &'a str) -> &'a str {
        self.write("&");
        rest
    }

    /// Reads the tag at the beginning of `text`, and returns what follows it.
    fn tag<'a>(&mut self, text: &'a str) -> Result<&'a str, String> {
        let end = end_of_tag(text).ok_or("a < begins a tag that has no >; write &lt; for the sign itself")?;
        let inner = &text[1..end];
        if !inner.starts_with(|sign: char| sign == '/' || sign.is_ascii_alphabetic()) {
            return Err("a < has no tag behind it; write &lt; for the sign itself".into());
        }
        match inner.strip_prefix('/') {
            Some(name) => self.close(&name.trim().to_ascii_lowercase())?,
            None => self.begin(inner)?,
        }
        Ok(&text[end + 1..])
    }

    fn begin(&mut self, inner: &str) -> Result<(), String> {
        let (name, attributes) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        let name = name.to_ascii_lowercase();
        let attributes = Attributes::read(&name, attributes)?;
        let style = self.style(&name, &attributes)?;
        // The one thing that Telegram lets stand in a <pre>: a <code> that names its language.
        let is_language = name == "code" && matches!(self.open.last(), Some(Open { style: Style::Pre(_), .. }));
        if let Some(outer) = self.open.iter().rfind(|outer| !outer.style.may_hold(&style)).filter(|_| !is_language) {
            if outer.name == name {
                return Err(format!("a <{name}> can have no other in it"));
            }
            return Err(format!("<{}> can have no <{name}> in it: Telegram would drop one of the two", outer.name));
        }
        if self.entities.len() >= MOST_ENTITIES {
            return Err(format!("a message can have at most {MOST_ENTITIES} tags"));
        }
        self.open.push(Open { name, offset: self.units, style, place: self.entities.len() });
        self.entities.push(None);
        Ok(())
    }

    fn style(&mut self, name: &str, attributes: &Attributes) -> Result<Style, String> {
        Ok(match name {
            "b" | "strong" => Style::Bold,
            "i" | "em" => Style::Italic,
            "u" | "ins" => Style::Underline,
            "s" | "strike" | "del" => Style::Strike,
            "tg-spoiler" => Style::Spoiler,
            "span" if attributes.get("class") == Some("tg-spoiler") => Style::Spoiler,
            "span" => return Err("<span> needs class=\"tg-spoiler\"".into()),
            "code" => {
                let language = attributes.get("class").and_then(|class| class.strip_prefix("language-"));
                if let (Some(Open { style: Style::Pre(of), .. }), Some(language)) = (self.open.last_mut(), language) {
                    language.clone_into(of);
                }
                Style::Code
            }
            "pre" => Style::Pre(String::new()),
            "blockquote" => Style::Quote { is_folded: attributes.get("expandable").is_some() },
            "a" => Style::Link(link(attributes.get("href"))?),
            "tg-emoji" => Style::Emoji(emoji(attributes.get("emoji-id"))?),
            "tg-time" => Style::Date(date(attributes.get("unix"), attributes.get("format"))?),
            _ => return Err(format!("there is no tag <{name}> in Telegram's HTML{}", instead_of(name))),
        })
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Err(format!("</{name}> closes nothing")) };
        // As Telegram has it, </> ends what was begun last.
        if !name.is_empty() && open.name != name {
            return Err(format!("</{name}> comes before the end of <{}>", open.name));
        }
        let is_in_pre = self.open.last().is_some_and(|outer| matches!(outer.style, Style::Pre(_)));
        let length = self.units - open.offset;
        if matches!(open.style, Style::Emoji(_)) && !is_one_emoji(&self.text, length) {
            return Err(format!(
                "<{}> stands around one emoji, which is shown where the custom one can't be",
                open.name
            ));
        }
        // What has no length shows nothing, and Telegram refuses it.
        if length > 0 && !is_in_pre {
            self.entities[open.place] = Some(Entity { offset: open.offset, length, style: open.style });
        }
        Ok(())
    }

    fn finish(self) -> Result<Marked, String> {
        match self.open.last() {
            Some(open) => Err(format!("<{}> is not closed", open.name)),
            None => Ok(Marked { text: self.text, entities: self.entities.into_iter().flatten().collect() }),
        }
    }
}

impl Style {
    /// Whether Telegram keeps both, one in the other. What it does not keep it drops without a word.
    const fn may_hold(&self, inner: &Self) -> bool {
        match self {
            Self::Code | Self::Pre(_) | Self::Emoji(_) => false,
            Self::Bold | Self::Italic | Self::Underline | Self::Strike | Self::Spoiler => {
                !matches!(inner, Self::Code | Self::Pre(_))
            }
            Self::Link(_) | Self::Date(_) => {
                matches!(inner, Self::Bold | Self::Italic | Self::Underline | Self::Strike | Self::Spoiler)
            }
            Self::Quote { .. } => !matches!(inner, Self::Quote { .. }),
        }
    }
}

/// The names that Telegram reads.
const KNOWN: [&str; 4] = ["lt", "gt", "amp", "quot"];

/// Where a reference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    InText,
    InAttribute,
}

/// Where the tag at the beginning of `text` ends: at the first `>` outside quotation marks.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quoted = None;
    text.char_indices().find_map(|(at, letter)| {
        match (quoted, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quoted = Some(letter),
            (Some(mark), _) if mark == letter => quoted = None,
            _ => {}
        }
        None
    })
}

/// The attributes of a tag: what stands behind its name.
#[derive(Default)]
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn read(tag: &str, mut text: &str) -> Result<Self, String> {
        let wrong = || format!("the attributes of <{tag}> must be written as name=\"value\"");
        let mut all = Vec::new();
        loop {
            text = text.trim_start();
            if text.is_empty() {
                return Ok(Self(all));
            }
            let end = text.find(|letter: char| letter == '=' || letter.is_whitespace()).unwrap_or(text.len());
            let name = text[..end].to_ascii_lowercase();
            text = text[end..].trim_start();
            let Some(value) = text.strip_prefix('=') else {
                all.push((name, String::new()));
                continue;
            };
            let value = value.trim_start();
            let (value, rest) = if let Some(mark @ ('"' | '\'')) = value.chars().next() {
                value[1..].split_once(mark).ok_or_else(wrong)?
            } else {
                // Telegram takes a word or a number without them.
                let is_word = |sign: char| sign.is_ascii_alphanumeric() || ".-".contains(sign);
                let (word, rest) = value.split_at(value.find(|sign| !is_word(sign)).unwrap_or(value.len()));
                let is_whole = !word.is_empty() && (rest.is_empty() || rest.starts_with(char::is_whitespace));
                if is_whole { (word, rest) } else { return Err(wrong()) }
            };
            // References are read as in the text; there can be no tags.
            let mut plain = MarkupReader::default();
            let mut left = value;
            while let Some(at) = left.find('&') {
                plain.write(&left[..at]);
                left = plain.reference(&left[at..], Stands::InAttribute)?;
            }
            plain.write(left);
            all.push((name, plain.text));
            text = rest;
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests;
