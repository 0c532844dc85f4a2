//! What stands in tags and references of Telegram's HTML: links, emoji, instants, numbers of characters.

use url::Url;

use super::units;

/// How long the name of a reference is: letters, or a # and digits.
pub(super) fn end_of_name(body: &str) -> usize {
    let is_number = body.starts_with('#');
    let digits = if is_number { &body[1..] } else { body };
    let is_hex = is_number && digits.starts_with(['x', 'X']);
    let begin = usize::from(is_number) + usize::from(is_hex);
    let is_part = |sign: char| match (is_number, is_hex) {
        (false, _) => sign.is_ascii_alphabetic(),
        (true, true) => sign.is_ascii_hexdigit(),
        (true, false) => sign.is_ascii_digit(),
    };
    body[begin..].find(|sign: char| !is_part(sign)).map_or(body.len(), |end| begin + end)
}

/// What is written in place of a tag of web pages.
pub(super) fn instead_of(name: &str) -> &'static str {
    match name.trim_end_matches('/') {
        "br" | "p" | "div" | "hr" => ": begin a new line where it should be",
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "mark" | "font" | "big" => ": use <b> and a new line",
        "ul" | "ol" | "li" | "table" | "tr" | "td" | "th" => ": write lines that begin with a sign such as •",
        "img" | "video" | "audio" => ": attach the file to the template",
        "spoiler" => ": use <tg-spoiler>",
        "q" | "cite" | "details" | "summary" => ": use <blockquote>",
        "tt" | "kbd" | "samp" => ": use <code>",
        _ => "",
    }
}

pub(super) fn numbered(digits: &str) -> Option<char> {
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    char::from_u32(number.ok()?).filter(|letter| *letter != '\0')
}

/// The longest emoji that there are, in UTF-16 units: families, and flags of regions.
const LONGEST_EMOJI: i32 = 16;

/// Whether the last `length` UTF-16 units of `text` can be one emoji: by what no emoji has in it (letters, blanks, signs of
/// writing), and by how emoji are put together. Keycaps begin with a digit, `#` or `*`.
pub(super) fn is_one_emoji(text: &str, length: i32) -> bool {
    let mut taken = 0;
    let mut signs: Vec<char> = Vec::new();
    for sign in text.chars().rev() {
        if taken >= length {
            break;
        }
        taken += units(sign.encode_utf8(&mut [0; 4]));
        signs.push(sign);
    }
    signs.reverse();
    let is_keycap = signs.last() == Some(&'\u{20e3}');
    (1..=LONGEST_EMOJI).contains(&length)
        && is_one(&signs)
        && signs.iter().all(|sign| {
            let is_written = sign.is_alphanumeric() || sign.is_whitespace() || sign.is_ascii();
            !is_written || (is_keycap && (sign.is_ascii_digit() || ['#', '*'].contains(sign)))
        })
}

/// Whether one picture comes of these signs: two halves of a flag, or one that others change or are joined to.
fn is_one(signs: &[char]) -> bool {
    let (mut pictures, mut halves, mut is_joined) = (0, 0, false);
    for sign in signs {
        let is_change = matches!(sign, '\u{fe0e}' | '\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}');
        match sign {
            '\u{200d}' => {
                is_joined = true;
                continue;
            }
            '\u{1f1e6}'..='\u{1f1ff}' => halves += 1,
            _ if is_joined || (is_change && pictures > 0) => {}
            _ => pictures += 1,
        }
        is_joined = false;
    }
    matches!((pictures, halves), (1, 0) | (0, 2))
}

pub(super) fn link(href: Option<&str>) -> Result<String, String> {
    let href = href.ok_or("<a> needs href=\"...\"")?.trim();
    // As Telegram takes it: an address without its scheme is one of the web.
    let host = href.split(['/', '?', '#']).next().unwrap_or_default();
    let is_bare =
        host.contains('.') && !host.starts_with('.') && !href.contains(':') && !href.contains(char::is_whitespace);
    let href = if is_bare { format!("http://{href}") } else { href.to_owned() };
    let url = Url::parse(&href)
        .map_err(|_| format!("the link \"{href}\" is not a whole URL such as https://t.me/telegram"))?;
    if !["http", "https", "tg", "ton", "tonsite", "mailto", "tel"].contains(&url.scheme()) {
        return Err(format!("a link can't lead to {}:", url.scheme()));
    }
    if url.scheme() == "tg" && url.host_str() == Some("user") {
        return Err("tg://user names a person by a number that only one account knows; use https://t.me/name".into());
    }
    Ok(href)
}

pub(super) fn emoji(id: Option<&str>) -> Result<i64, String> {
    id.and_then(|id| id.parse().ok())
        .filter(|id| *id > 0)
        .ok_or_else(|| "<tg-emoji> needs emoji-id=\"a number\"".into())
}

/// An instant, and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// In seconds since 1970.
    pub unix: i32,
    /// By which it is shown; none of them: the text is, and the instant on a touch.
    pub shown: Shown,
}

/// The letters of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown(u8);

/// Each letter of a format, and those that it can't stand with.
const LETTERS: [(char, &str); 6] = [('r', "wdDtT"), ('w', "r"), ('d', "Dr"), ('D', "dr"), ('t', "Tr"), ('T', "tr")];

impl Shown {
    /// Whether the format has this letter of `rwdDtT`: relative, weekday, short or long date, short or long time.
    pub fn has(self, letter: char) -> bool {
        LETTERS.iter().position(|(known, _)| *known == letter).is_some_and(|at| self.0 & 1 << at != 0)
    }
}

/// `unix="1647531900" format="wDT"`
pub(super) fn date(unix: Option<&str>, format: Option<&str>) -> Result<Date, String> {
    let unix = unix.and_then(|unix| unix.parse().ok()).filter(|unix: &i32| *unix >= 0);
    let unix = unix.ok_or("<tg-time> needs unix=\"the seconds since 1970\"")?;
    let mut shown = Shown::default();
    for letter in format.unwrap_or_default().chars() {
        let at = LETTERS.iter().position(|(known, _)| *known == letter).filter(|at| shown.0 & 1 << at == 0);
        let at = at.filter(|at| !LETTERS[*at].1.chars().any(|other| shown.has(other)));
        let at = at.ok_or("the format of a <tg-time> is r, or of w, d or D, t or T, each once")?;
        shown.0 |= 1 << at;
    }
    Ok(Date { unix, shown })
}
