//! The words of a message in the one spelling in which they are compared: however they were typed, decorated or disguised.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::fold::fold;
use crate::text::is_unseen;

/// Letters of other alphabets that look like Latin ones, in small letters.
const ALIKE: [(char, char); 20] = [
    ('а', 'a'),
    ('с', 'c'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('т', 't'),
    ('х', 'x'),
    ('у', 'y'),
    ('ѕ', 's'),
    ('ο', 'o'),
    ('τ', 't'),
    ('ρ', 'p'),
    ('і', 'i'),
    ('к', 'k'),
    ('м', 'm'),
    ('ո', 'n'),
    ('ս', 'u'),
    ('ѵ', 'v'),
    ('α', 'a'),
    ('ν', 'v'),
];
/// Digits that stand for letters.
const DIGITS: [(char, char); 6] = [('0', 'o'), ('1', 'i'), ('3', 'e'), ('4', 'a'), ('5', 's'), ('7', 't')];
/// Words that somebody writes with such digits, or with letters that only look right.
const DISGUISED: [&str; 10] =
    ["stop", "stopp", "stopall", "unsubscribe", "cancel", "quit", "remove", "optout", "stoptexting", "unsub"];
/// Letters that are no accented ones, and how they are typed without their keys.
const PLAIN: [(char, &str); 8] =
    [('ı', "i"), ('ł', "l"), ('ø', "o"), ('đ', "d"), ('æ', "ae"), ('œ', "oe"), ('ð', "d"), ('þ', "th")];
/// Signs that part the letters of nothing: `don't`.
const APOSTROPHES: [char; 11] = ['\'', '’', '‘', '‛', '`', '´', 'ʼ', 'ʹ', '′', '＇', 'ʻ'];
/// How pages write such a sign.
const ENTITIES: [(&str, &str); 6] =
    [("&#39;", "'"), ("&apos;", "'"), ("&rsquo;", "'"), ("&#8217;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
/// Words as they are typed in a hurry, and what they stand for.
const SHORT: [(&str, &str); 9] = [
    ("dnt", "dont"),
    ("msg", "message"),
    ("msging", "messaging"),
    ("txt", "text"),
    ("txts", "texts"),
    ("txting", "texting"),
    ("intrested", "interested"),
    ("interrested", "interested"),
    ("intersted", "interested"),
];
/// The sign that says the word in any language.
const STOP_SIGN: char = '🛑';

/// A text without what nobody sees in it, and with plain apostrophes.
pub(super) fn visible(body: &str) -> String {
    let body = ENTITIES.iter().fold(body.to_owned(), |text, (entity, sign)| text.replace(entity, sign));
    body.chars().filter(|letter| !is_unseen(*letter)).collect()
}

/// The words of a text, in small letters without accents: what is neither letter nor digit parts them.
pub(super) fn words(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|letter| !APOSTROPHES.contains(letter)).collect();
    let text = money(&text.replace(STOP_SIGN, " stop "));
    let parts = plain(&text);
    let is_of_a_word = |letter: char| letter.is_alphanumeric() || canonical_combining_class(letter) != 0;
    parts.split(|letter| !is_of_a_word(letter)).filter(|word| !word.is_empty()).map(word).collect()
}

/// A dollar sign before a letter is one, too: `$top`.
fn money(text: &str) -> String {
    let next = text.chars().skip(1).map(Some).chain([None]);
    let letter = |(letter, next): (char, Option<char>)| {
        if letter == '$' && next.is_some_and(char::is_alphabetic) { 's' } else { letter }
    };
    text.chars().zip(next).map(letter).collect()
}

/// A text in small letters, without the marks on letters that are known without them.
fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut is_bare = false;
    let unmarked = fold(text).nfd().collect::<Vec<_>>().into_iter().filter(|letter| {
        if canonical_combining_class(*letter) == 0 {
            is_bare = is_known_bare(*letter);
            return true;
        }
        !is_bare
    });
    let mut small = String::new();
    for letter in unmarked.nfc() {
        match PLAIN.iter().find(|(special, _)| *special == letter) {
            Some((_, typed)) => small.push_str(typed),
            None => small.push(letter),
        }
    }
    small
}

/// Letters that people write with or without marks: Latin, Greek, Hebrew and Arabic ones.
const fn is_known_bare(letter: char) -> bool {
    matches!(letter, 'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{5d0}'..='\u{5ea}' | '\u{620}'..='\u{64a}')
}

/// A word as it was meant.
pub(super) fn word(written: &str) -> String {
    let mixed = one_alphabet(written);
    let short = without_runs(&mixed);
    if let Some((_, meant)) = SHORT.iter().find(|(typed, _)| *typed == short) {
        return (*meant).to_owned();
    }
    [latin(&short), digits(&short), single(&short)]
        .into_iter()
        .find(|meant| *meant != short && DISGUISED.contains(&meant.as_str()) && short != "stoop")
        .unwrap_or(short)
}

/// A word of two alphabets is one of Latin letters that somebody has hidden, or of Cyrillic ones that were typed in Latin.
fn one_alphabet(word: &str) -> String {
    let is_mixed = word.chars().any(|letter| letter.is_ascii_alphabetic()) && !word.is_ascii();
    if !is_mixed {
        return word.to_owned();
    }
    let latin = latin(word);
    if latin.is_ascii() { latin } else { replaced(word, &ALIKE.map(|(cyrillic, latin)| (latin, cyrillic))) }
}

fn latin(word: &str) -> String {
    replaced(word, &ALIKE)
}

fn digits(word: &str) -> String {
    let has_letters = word.chars().any(|letter| letter.is_ascii_alphabetic());
    if has_letters { replaced(word, &DIGITS) } else { word.to_owned() }
}

fn replaced(word: &str, by: &[(char, char)]) -> String {
    word.chars()
        .map(|letter| by.iter().find(|(known, _)| *known == letter).map_or(letter, |(_, other)| *other))
        .collect()
}

/// A letter that stands three times or more in a row stands once: `stoooop`.
fn without_runs(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut short = String::new();
    for run in letters.chunk_by(|one, next| one == next) {
        let times = if run.len() >= 3 && run[0].is_alphabetic() { 1 } else { run.len() };
        short.extend(run.iter().take(times));
    }
    short
}

/// Each letter once, of those that stand twice in a row.
fn single(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    letters.chunk_by(|one, next| one == next).filter_map(|run| run.first()).collect()
}
