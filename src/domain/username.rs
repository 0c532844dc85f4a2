//! Telegram usernames, as people write them and as they are stored.
//!
//! Everything that takes a username takes every address that leads to one: there is no second place that knows of addresses.

/// Hosts whose paths begin with a username.
const HOSTS: [&str; 3] = ["t.me", "telegram.me", "telegram.dog"];
/// The catalog of channels, in the countries where it is.
const CATALOGS: [&str; 2] = ["tgstat.com", "tgstat.ru"];
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
    let written = written.trim_matches(is_blank);
    let name = match written.split_once("://") {
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => of_page(rest)?,
            "tg" => of_app(rest)?,
            _ => return Err(OTHER_SITE),
        },
        // An address without its scheme. The name itself has neither.
        None if strip_prefix(written, "tg:").is_some() => of_app(strip_prefix(written, "tg:").unwrap_or_default())?,
        None if !written.starts_with('@') && written.contains(['.', '/']) => of_page(written)?,
        None => written.strip_prefix('@').unwrap_or(written),
    };
    checked(name)
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
    if is("web.telegram.org") {
        return of_browser(fragment);
    }
    let (subdomain, domain) = host.split_once('.').unwrap_or(("", host));
    if HOSTS.into_iter().any(|known| domain.eq_ignore_ascii_case(known)) {
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
    if first.eq_ignore_ascii_case("joinchat") || first.starts_with('+') {
        return Err(INVITATION);
    }
    // Short ones: a name of one letter is none.
    match first {
        "c" | "C" => Err(PRIVATE),
        "s" | "S" => segments.next().ok_or(EMPTY),
        _ if first.starts_with('$') => Err(NO_CHANNEL),
        // Behind a channel's name stands the number of a message, or a letter: of a story, an album.
        _ if is_for_bots(query) || is_app(first, segments.next()) => Err(BOT),
        _ => Ok(first.strip_prefix('@').unwrap_or(first)),
    }
}

fn is_for_bots(query: &str) -> bool {
    let mut asked = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    asked.any(|name| FOR_BOTS.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

/// Whether a bot's app stands behind its name.
fn is_app(first: &str, second: Option<&str>) -> bool {
    let is_no_name = NO_USERNAMES.iter().any(|known| first.eq_ignore_ascii_case(known));
    second.is_some_and(|second| !is_no_name && second.len() > 1 && !second.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `tg://resolve?domain=name`, with or without two slashes more.
fn of_app(address: &str) -> Result<&str, &'static str> {
    let (action, query) = address.split_once('?').unwrap_or((address, ""));
    match action.trim_matches('/').to_ascii_lowercase().as_str() {
        "resolve" => {
            let query = query.split_once('#').map_or(query, |(query, _)| query);
            let name = query.split('&').find_map(|pair| pair.strip_prefix("domain=")).ok_or(NO_CHANNEL)?;
            let is_app = query.split('&').any(|pair| pair.starts_with("appname="));
            if is_app || is_for_bots(query) { Err(BOT) } else { Ok(name) }
        }
        "join" => Err(INVITATION),
        "privatepost" | "openmessage" => Err(PRIVATE),
        _ => Err(NO_CHANNEL),
    }
}

/// `#@name`, `#/im?p=@name`; else a number stands there.
fn of_browser(fragment: &str) -> Result<&str, &'static str> {
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_address_of_a_channel_leads_to_its_username() {
        for written in [
            "proofzzz",
            "@ProofZZZ",
            "t.me/proofzzz",
            "https://t.me/proofzzz",
            "HTTPS://T.ME/ProofZZZ",
            " http://T.me/proofzzz/ ",
            "\u{feff}https://t.me/proofzzz\u{200b}",
            "t.me/s/proofzzz",
            "https://t.me/s/proofzzz?before=12",
            "t.me/proofzzz/123",
            "https://t.me/proofzzz/123/456?comment=7",
            "t.me/proofzzz?start=x",
            "https://t.me/proofzzz#top",
            "www.t.me/proofzzz",
            "https://t.me:443/proofzzz",
            "t.me/@proofzzz",
            "proofzzz.t.me",
            "https://proofzzz.t.me/12",
            "telegram.me/proofzzz",
            "https://telegram.dog/proofzzz",
            "tg://resolve?domain=proofzzz",
            "tg://resolve/?post=5&domain=ProofZZZ",
            "tg://resolve?domain=proofzzz&start=x",
            "tg:resolve?domain=proofzzz&post=3",
            "https://telegram.me/s/proofzzz",
            "t.me/proofzzz?boost",
            "t.me/proofzzz?videochat=abc",
            "t.me/proofzzz/s/3",
            "https://web.telegram.org/k/#@proofzzz",
            "https://web.telegram.org/#/im?p=@proofzzz",
            "https://tgstat.com/channel/@proofzzz",
            "tgstat.ru/en/channel/@proofzzz/stat",
            "https://uk.tgstat.com/chat/@proofzzz",
        ] {
            assert_eq!(normalise(written).as_deref(), Ok("proofzzz"), "{written}");
        }
    }

    #[test]
    fn each_sort_of_address_that_cannot_work_has_a_sentence_of_its_own() {
        for (written, sentence) in [
            ("", EMPTY),
            ("@", EMPTY),
            ("t.me/", EMPTY),
            ("https://t.me", EMPTY),
            ("t.me/s/", EMPTY),
            ("новости", LETTERS),
            ("with space", LETTERS),
            ("a-b-c-d", LETTERS),
            ("https://t.me/+AbCdEf", INVITATION),
            ("t.me/joinchat/AbCdEf", INVITATION),
            ("t.me/joinchat/", INVITATION),
            ("tg://join?invite=AbCdEf", INVITATION),
            ("https://tgstat.com/channel/AAAAAEabc", INVITATION),
            ("+4915112345678", INVITATION),
            ("t.me/c/123/5", PRIVATE),
            ("tg://privatepost?channel=123&post=5", PRIVATE),
            ("-100123456789", NUMBER),
            ("1234567", NUMBER),
            ("https://web.telegram.org/a/#-1001234", NUMBER),
            ("https://t.me/addstickers/Animals", NO_CHANNEL),
            ("t.me/share/url?url=x", NO_CHANNEL),
            ("joinchat", NO_CHANNEL),
            ("tg://settings", NO_CHANNEL),
            ("https://t.me/call/AbCdEf", NO_CHANNEL),
            ("https://t.me/c/1234567890/4", PRIVATE),
            ("https://t.me/proofbot?startgroup=x", BOT),
            ("https://t.me/proofbot?startgroup", BOT),
            ("t.me/proofbot?a=b&StartChannel&admin=post", BOT),
            ("https://t.me/proofbot?startapp=x", BOT),
            ("https://t.me/proofbot/shop?x", BOT),
            ("https://proofbot.t.me/?startgroup=x", BOT),
            ("tg://resolve?domain=proofbot&startgroup=x", BOT),
            ("tg://resolve?domain=proofbot&appname=shop", BOT),
            ("tg:join?invite=AbCdEf", INVITATION),
            ("tg://resolve?phone=49151", NO_CHANNEL),
            ("https://tgstat.com/ratings", NO_CHANNEL),
            ("https://example.com/abcd", OTHER_SITE),
            ("https://proofnews22", OTHER_SITE),
            ("example.com/proofzzz", OTHER_SITE),
            ("https://t.me.example.com/proofzzz", OTHER_SITE),
            ("ftp://t.me/proofzzz", OTHER_SITE),
            ("proof.zzz", OTHER_SITE),
        ] {
            assert_eq!(normalise(written), Err(sentence), "{written}");
        }
        for written in ["abc", "1abcd", "_abcd", &"a".repeat(33)] {
            assert!(normalise(written).is_err(), "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_a_username_and_stays_one(written in "\\PC{0,60}|(https?://)?([a-z.]{1,12})(/[a-zA-Z0-9_@+?=#&.]{0,20}){0,3}") {
            if let Ok(name) = normalise(&written) {
                prop_assert_eq!(normalise(&name), Ok(name.clone()));
                prop_assert_eq!(normalise(&format!("https://t.me/{name}")), Ok(name));
            }
        }
    }
}
