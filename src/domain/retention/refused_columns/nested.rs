//! What objects and lists say of refusals, at whatever depth: JSON lines, and what a call was summed up to.

use serde_json::{Map, Value as Json};

use super::{Answer, Sign, is_yes, plain};
use crate::retention::wishes::{Wish, wish};

/// The deepest level that is looked at.
const DEEPEST: usize = 16;
/// A text of more words is no answer.
const ANSWER: usize = 12;

/// A refusal in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it stands under: in words, such as `do not call`.
    pub name: String,
    /// What stands there in words, such as the ways that are refused.
    pub said: String,
}

/// What a value says, and where the word for it comes from.
#[derive(Clone, Copy)]
struct Under<'a> {
    name: &'a str,
    sign: Option<Sign>,
    /// Whether the sign is that of something around it: then only a plain yes or no counts.
    is_around: bool,
    /// Whether the name itself is a refusal in words: stop calling.
    is_worded: bool,
}

/// The refusals in a value of this name.
pub fn found_in(name: &str, value: &Json) -> Vec<Found> {
    let mut found = Vec::new();
    look(under(name, None), value, 0, &mut found);
    found
}

/// What a value of this name says, within what has a sign itself.
fn under<'a>(name: &'a str, around: Option<&Under<'a>>) -> Under<'a> {
    // In a call that was summed up, to want no offer now is no refusal.
    let own = Sign::of(name).filter(|sign| *sign != Sign::Wish);
    let spaced = in_words(name);
    let is_worded = own.is_none() && spaced.contains(' ') && wish(&spaced, None) == Wish::Stop;
    match around.filter(|around| own.is_none() && !is_worded && around.sign.is_some()) {
        Some(around) => Under { name: around.name, sign: around.sign, is_around: true, is_worded: false },
        None => Under { name, sign: own, is_around: false, is_worded },
    }
}

fn look(at: Under<'_>, value: &Json, depth: usize, found: &mut Vec<Found>) {
    let mut refused = |said: &str| found.push(Found { name: in_words(at.name), said: said.to_owned() });
    match value {
        _ if depth > DEEPEST || value.is_null() => {}
        Json::Null | Json::Bool(_) | Json::Number(_) => {
            if is_refused(at, &value.to_string()) {
                refused("");
            }
        }
        Json::String(text) => {
            if is_refused(at, text) {
                refused(if at.sign == Some(Sign::Refusal) { "" } else { text });
            }
        }
        Json::Array(all) if at.sign == Some(Sign::Refusal) && all.iter().any(is_named) => {
            let named: Vec<&str> = all.iter().filter_map(Json::as_str).collect();
            refused(&named.join(" "));
        }
        Json::Array(all) => all.iter().for_each(|one| look(at, one, depth + 1, found)),
        Json::Object(fields) => look_into(at, fields, depth, found),
    }
}

fn look_into(at: Under<'_>, fields: &Map<String, Json>, depth: usize, found: &mut Vec<Found>) {
    // What was asked, and what came out: the name is a value here.
    let result = fields.get("result").or_else(|| fields.get("value"));
    if let (Some(name), Some(result)) = (fields.get("name").and_then(Json::as_str), result) {
        return look(under(name, Some(&at)), result, depth + 1, found);
    }
    for (name, value) in fields {
        look(under(name, Some(&at)), value, depth + 1, found);
    }
}

/// A text in a list of what is refused that is no plain no.
fn is_named(value: &Json) -> bool {
    value.as_str().is_some_and(|text| !plain(text).is_empty() && Sign::Refusal.is_refusal(text))
}

fn is_refused(at: Under<'_>, text: &str) -> bool {
    match at.sign {
        Some(Sign::Refusal) if at.is_around => is_yes(text),
        Some(sign) if at.is_around => sign.answer(text) == Answer::Refused,
        Some(sign) => sign.is_refusal(text),
        None if at.is_worded => is_yes(text),
        None => is_answer(text),
    }
}

/// Whether a short text refuses by itself: a word for that, or what somebody said.
fn is_answer(text: &str) -> bool {
    let spaced = in_words(text);
    let count = spaced.split_whitespace().count();
    let is_state = has_state(text);
    is_state || ((2..=ANSWER).contains(&count) && wish(&spaced, None) == Wish::Stop)
}

fn has_state(text: &str) -> bool {
    const STATES: &str = "unsubscribe|unsubscribed|optout|optedout|donotcontact|donotcall|donottext|donotemail|dnc|removed|blacklisted|\
        notinterested|wrongnumber|wrongperson";
    super::is_of(&plain(text), STATES)
}

/// A name in words: `doNotCall`, `do_not_call` and `do-not-call` are one.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter == '_' || letter == '-' {
            words.push(' ');
        } else {
            if letter.is_uppercase() && before.is_lowercase() {
                words.push(' ');
            }
            words.push(letter);
        }
        before = letter;
    }
    words
}
