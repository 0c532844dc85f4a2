//! Telegram usernames, as people write them and as they are stored.
//!
//! Everything that takes a username takes every address that leads to one: there is no second place that knows of addresses.

/// Hosts whose paths begin with a username.
const HOSTS: [&str; 3] = ["t.me", "telegram.me", "telegram.dog"];
/// The catalog of channels, in the countries where it is.
const CATALOGS: [&str; 2] = ["tgstat.com", "tgstat.ru"];
/// Telegram in a browser, in its versions.
const BROWSERS: [&str; 4] = ["web.telegram.org", "weba.telegram.org", "webk.telegram.org", "webz.telegram.org"];
/// Names before `t.me` that are none of a channel: Telegram in a browser.
const NO_SUBDOMAINS: [&str; 5] = ["a", "k", "m", "web", "z"];
/// What can stand where a username stands in such a path and is none.
const NO_USERNAMES: [&str; 25] = [
    "addcollection",
    "addemoji",
    "addlist",
    "addstickers",
    "addtheme",
    "auction",
    "bg",
    "boost",
    "call",
    "confirmphone",
    "contact",
    "giftcode",
    "invoice",
    "iv",
    "login",
    "m",
    "msg",
    "newbot",
    "nft",
    "oauth",
    "proxy",
    "setlanguage",
    "share",
    "socks",
    "stickers",
];

/// What addresses ask for by which a bot is added to somebody's group or opens its app.
const FOR_BOTS: [&str; 7] = ["admin", "attach", "game", "startapp", "startattach", "startchannel", "startgroup"];

const EMPTY: &str = "the username is empty";
const LETTERS: &str = "a username has only the letters a-z, digits and underscores";
const INVITATION: &str = "this is an invitation, which leads to a private channel; only public channels, which have a username, can be written to";
const PRIVATE: &str =
    "this is the address of a private channel; only public channels, which have a username, can be written to";
const NUMBER: &str = "this is a number; a channel is found by its username, as in https://t.me/username";
const PHONE: &str =
    "this is a phone number, which leads to a person; only public channels, which have a username, can be written to";
const SEVERAL: &str = "these are several addresses; give them one at a time";
const NO_CHANNEL: &str = "this address of Telegram leads to no channel; one that does is https://t.me/username";
const BOT: &str =
    "this is a bot's address, by which it is added to a group or opens an app; a channel's is https://t.me/username";
const OTHER_SITE: &str = "this is no address of Telegram; a channel's address is https://t.me/username";

/// The username in the form in which it is stored: lower case, without `@` and without an address around it.
///
/// Takes a name with or without `@`, and all addresses that lead to one: of `t.me`, `telegram.me` and `telegram.dog` (also
/// of a message, with `/s/`, and `username.t.me`), `tg://resolve`, Telegram's page for browsers, and the channel's page at
/// tgstat. Telegram's rule for a username: 4 to 32 of `a-z`, `0-9` and `_`, a letter first.
///
/// # Errors
/// A sentence that says what is wrong, one for each sort of address that can't work.
pub fn normalise(written: &str) -> Result<String, &'static str> {
    let written = written.trim_matches(|sign| is_blank(sign) || is_around(sign));
    let written = &decoded(written);
    if written.split(char::is_whitespace).filter(|part| is_address(part)).nth(1).is_some() {
        return Err(SEVERAL);
    }
    let name = match scheme(written) {
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => of_page(rest)?,
            "tg" => of_app(rest)?,
            _ => return Err(OTHER_SITE),
        },
        // An address without its scheme. The name itself has neither.
        None if strip_prefix(written, "tg:").is_some() => of_app(strip_prefix(written, "tg:").unwrap_or_default())?,
        None if written.starts_with('@') => bare(written.split(['/', '?', '#']).next().unwrap_or_default()),
        None if written.contains(['.', '/']) => of_page(written.trim_start_matches('/'))?,
        None => written,
    };
    checked(name)
}

/// The scheme before `://`, which may also stand within what a link asks for, and what follows it.
fn scheme(written: &str) -> Option<(&str, &str)> {
    written.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn is_address(part: &str) -> bool {
    part.starts_with('@') || part.contains("://") || HOSTS.iter().any(|host| strip_prefix(part, host).is_some())
}

/// Signs in which an address stands in a sentence or a list.
const fn is_around(sign: char) -> bool {
    matches!(
        sign,
        '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\'' | '`' | '\u{ab}' | '\u{bb}' | '\u{201c}'
            ..='\u{201e}' | ',' | ';'
    )
}

/// An address as it was before a browser wrote it with percent signs. What is no text stays as it is.
fn decoded(written: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(written.len()), written.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let read = digits.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(read.unwrap_or(*byte));
        rest = if read.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| written.to_owned())
}

/// Blanks, and marks without a width that come along when an address is copied.
fn is_blank(sign: char) -> bool {
    sign.is_whitespace()
        || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The name that a page leads to; `address` is without the scheme.
fn of_page(address: &str) -> Result<&str, &'static str> {
    let (host, rest) = address.split_at(address.find(['/', '?', '#']).unwrap_or(address.len()));
    let host = host.split_once(':').map_or(host, |(host, _port)| host).trim_end_matches('.');
    let host = strip_prefix(host, "www.").unwrap_or(host);
    let (path, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let is = |known: &str| host.eq_ignore_ascii_case(known);
    if HOSTS.into_iter().any(is) {
        return of_path(segments, query);
    }
    if BROWSERS.into_iter().any(is) {
        return of_browser(fragment);
    }
    let (subdomain, domain) = host.split_once('.').unwrap_or(("", host));
    if HOSTS.into_iter().any(|known| domain.eq_ignore_ascii_case(known)) {
        if NO_SUBDOMAINS.iter().any(|known| subdomain.eq_ignore_ascii_case(known)) {
            return of_browser(fragment);
        }
        return of_path(std::iter::once(subdomain).chain(segments), query);
    }
    if CATALOGS.into_iter().any(|known| is(known) || domain.eq_ignore_ascii_case(known)) {
        segments.find(|segment| ["channel", "chat"].contains(segment)).ok_or(NO_CHANNEL)?;
        return segments.next().ok_or(EMPTY)?.strip_prefix('@').ok_or(INVITATION);
    }
    Err(OTHER_SITE)
}

fn of_path<'a>(mut segments: impl Iterator<Item = &'a str>, query: &str) -> Result<&'a str, &'static str> {
    let first = segments.next().ok_or(EMPTY)?;
    if is_phone(first) {
        return Err(PHONE);
    }
    if first.eq_ignore_ascii_case("joinchat") || first.starts_with('+') {
        return Err(INVITATION);
    }
    // Short ones: a name of one letter is none.
    match first {
        "c" | "C" => Err(PRIVATE),
        "s" | "S" => segments.next().map(bare).ok_or(EMPTY),
        _ if first.eq_ignore_ascii_case("boost") => match segments.next() {
            Some(name) => Ok(bare(name)),
            None if query.starts_with("c=") => Err(PRIVATE),
            None => Err(NO_CHANNEL),
        },
        _ if first.starts_with('$') => Err(NO_CHANNEL),
        // Behind a channel's name stands the number of a message, or a letter: of a story, an album.
        _ if is_for_bots(query) || is_app(first, segments.next()) => Err(BOT),
        _ => Ok(bare(first)),
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix('@').unwrap_or(name)
}

/// Whether it is a plus and digits. An invitation has letters.
fn is_phone(part: &str) -> bool {
    let digits = part.strip_prefix('+').map(|rest| rest.trim_matches(is_blank)).unwrap_or_default();
    !digits.is_empty() && digits.chars().all(|sign| sign.is_ascii_digit() || [' ', '-', '(', ')'].contains(&sign))
}

fn is_for_bots(query: &str) -> bool {
    let mut asked = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    asked.any(|name| FOR_BOTS.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

/// Whether a bot's app stands behind its name: a word that begins with a letter.
fn is_app(first: &str, second: Option<&str>) -> bool {
    let is_no_name = NO_USERNAMES.iter().any(|known| first.eq_ignore_ascii_case(known));
    let is_word = |second: &str| second.len() > 1 && second.starts_with(|sign: char| sign.is_ascii_alphabetic());
    !is_no_name && second.is_some_and(is_word)
}

/// `tg://resolve?domain=name`, with or without two slashes more.
fn of_app(address: &str) -> Result<&str, &'static str> {
    let (action, query) = address.split_once('?').unwrap_or((address, ""));
    match action.trim_matches('/').to_ascii_lowercase().as_str() {
        "resolve" => {
            let query = query.split_once('#').map_or(query, |(query, _)| query);
            if asked(query, "phone=").is_some() {
                return Err(PHONE);
            }
            let name = asked(query, "domain=").ok_or(NO_CHANNEL)?;
            let is_app = asked(query, "appname=").is_some();
            if is_app || is_for_bots(query) { Err(BOT) } else { Ok(bare(name)) }
        }
        "boost" => asked(query, "domain=").map(bare).ok_or(PRIVATE),
        "join" => Err(INVITATION),
        "privatepost" | "openmessage" => Err(PRIVATE),
        _ => Err(NO_CHANNEL),
    }
}

/// What a query has behind `name`, which ends in an equals sign.
fn asked<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| strip_prefix(pair, name))
}

/// `#@name`, `#/im?p=@name`, `#?tgaddr=tg://resolve?domain=name`; else a number stands there.
fn of_browser(fragment: &str) -> Result<&str, &'static str> {
    if let Some((_, address)) = fragment.split_once("tgaddr=tg:") {
        return of_app(address);
    }
    let chosen = fragment.split_once("p=").map_or(fragment, |(_, chosen)| chosen);
    match chosen.strip_prefix('@') {
        Some(name) => Ok(name.split(['/', '&', '?']).next().unwrap_or(name)),
        None if chosen.is_empty() => Err(EMPTY),
        None => Err(NUMBER),
    }
}

fn checked(name: &str) -> Result<String, &'static str> {
    let name = name.trim_matches(is_blank).to_ascii_lowercase();
    if name.is_empty() {
        return Err(EMPTY);
    }
    if is_phone(&name) {
        return Err(PHONE);
    }
    if name.starts_with('+') {
        return Err(INVITATION);
    }
    if name.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NUMBER);
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err(LETTERS);
    }
    if name == "joinchat" || NO_USERNAMES.contains(&name.as_str()) {
        return Err(NO_CHANNEL);
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err("a username starts with a letter");
    }
    if !(4..=32).contains(&name.len()) {
        return Err("a username has 4 to 32 characters");
    }
    Ok(name)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests;
