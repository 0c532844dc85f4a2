//! The script of a webhook: a URL, to which what is known of the lead goes; or an object `{ "url": .., "payload": .. }`.
//!
//! It is read first, and then filled in: what is known of a lead changes neither where it goes, nor which fields are sent.

use serde_json::{Map, Value as Json, json};

use super::placeholders::samples;
use super::rendering::{Facts, Form, MARKS, Part, form, parts, sketch};
use crate::depth;
use crate::json::{self, complaint};
use crate::nearest::nearest;

/// Where a webhook goes, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its URL.
    pub url: String,
    /// Its JSON.
    pub payload: Json,
}

/// These around a mark say that it stands for a whole value of JSON.
const BARE: [char; 2] = ['\u{fdd2}', '\u{fdd3}'];

/// Fills the script of a webhook in.
///
/// # Errors
/// A sentence: the script is none of a webhook, a value is missing, or one can't stand where it should.
pub fn webhook(script: &str, facts: &Facts) -> Result<Webhook, String> {
    depth::apart(|| read(&form(script.trim(), facts)?, facts))?
}

/// Refuses a script that is none of a webhook, whatever is filled in.
///
/// # Errors
/// A sentence that says what is wrong with the form.
pub fn check(script: &str) -> Result<(), String> {
    depth::apart(|| {
        // What can't be filled in with one of these may well be with a lead's.
        samples(script).iter().filter_map(|facts| sketch(script.trim(), facts).ok()).try_for_each(|form| shape(&form))
    })?
}

/// Reads a form as far as that can be done without its values.
fn shape(form: &Form) -> Result<(), String> {
    let Some(mut object) = object(form)? else { return host(&form.text).map(drop) };
    // First, for a key that is wrong may be the one that is missing.
    object.keys().try_for_each(|key| known(key))?;
    host(url_of(&mut object)?.as_str())?;
    keys(&Json::Object(object))
}

/// The keys of a script that is an object.
const KEYS: [&str; 2] = ["url", "payload"];

/// Refuses a key that nothing is made of.
fn known(key: &str) -> Result<(), String> {
    if KEYS.contains(&key) || key.contains(MARKS) {
        return Ok(());
    }
    let meant = nearest(key, KEYS).map(|meant| format!(" Did you mean \"{meant}\"?")).unwrap_or_default();
    Err(format!(
        "nothing would be made of the key \"{key}\".{meant} The script has \"url\" and \"payload\"; what is \
                 sent stands within \"payload\""
    ))
}

fn read(form: &Form, facts: &Facts) -> Result<Webhook, String> {
    let everything = || json!({ "lead": facts });
    let Some(mut object) = object(form)? else {
        return Ok(Webhook { url: url(form, &form.text)?, payload: everything() });
    };
    let url = url(form, &url_of(&mut object)?)?;
    let payload = object.remove("payload").map(|payload| filled(form, payload)).transpose()?;
    Ok(Webhook { url, payload: payload.filter(|payload| !payload.is_null()).unwrap_or_else(everything) })
}

/// The object of a form; None if it is a URL.
fn object(form: &Form) -> Result<Option<Map<String, Json>>, String> {
    let text = form.text.trim();
    if !text.starts_with('{') {
        return Ok(None);
    }
    let read = json::read(quoted(text).as_bytes());
    let read = read.map_err(|error| format!("the script is no JSON: {}", complaint(&error)))?;
    // A value in the name of a field is refused as that.
    if let Some(why) = read.complaint().filter(|why| !why.contains(MARKS)) {
        return Err(format!("in the script {why}"));
    }
    match read.value {
        Json::Object(object) => Ok(Some(object)),
        _ => Err("the script is no object of JSON".into()),
    }
}

fn url_of(object: &mut Map<String, Json>) -> Result<String, String> {
    match object.remove("url") {
        Some(Json::String(url)) => Ok(url.replace(BARE, "")),
        _ => Err("the script has no \"url\"".into()),
    }
}

/// The form of JSON with quotation marks around the marks that stand for whole values.
fn quoted(text: &str) -> String {
    let (mut whole, mut is_quoted, mut is_escaped) = (String::with_capacity(text.len()), false, false);
    for sign in text.chars() {
        match sign {
            '"' if !is_escaped => is_quoted = !is_quoted,
            sign if sign == MARKS[0] && !is_quoted => whole.extend(['"', BARE[0]]),
            _ => {}
        }
        whole.push(sign);
        if sign == MARKS[1] && !is_quoted {
            whole.extend([BARE[1], '"']);
        }
        is_escaped = is_quoted && sign == '\\' && !is_escaped;
    }
    whole
}

/// Refuses a value in the name of a field.
fn keys(value: &Json) -> Result<(), String> {
    match value {
        Json::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            if name.contains(MARKS) {
                return Err(
                    "a placeholder stands in the name of a field: names are written out, and values filled in".into()
                );
            }
            keys(value)
        }),
        Json::Array(list) => list.iter().try_for_each(keys),
        _ => Ok(()),
    }
}

/// A part of the form with its values.
fn filled(form: &Form, value: Json) -> Result<Json, String> {
    Ok(match value {
        Json::Object(fields) => {
            keys(&Json::Object(fields.clone()))?;
            let fields = fields.into_iter().map(|(name, value)| Ok((name, filled(form, value)?)));
            Json::Object(fields.collect::<Result<_, String>>()?)
        }
        Json::Array(list) => Json::Array(list.into_iter().map(|value| filled(form, value)).collect::<Result<_, _>>()?),
        Json::String(text) if text.starts_with(BARE[0]) => {
            let mark = parts(text.trim_matches(BARE)).find_map(|part| match part {
                Part::Mark(mark) => Some(mark),
                Part::Literal(_) => None,
            });
            form.value(mark.unwrap_or(usize::MAX))?
        }
        Json::String(text) => {
            let words = parts(&text).map(|part| match part {
                Part::Literal(text) => Ok(text.to_owned()),
                Part::Mark(mark) => form.words(mark),
            });
            Json::String(words.collect::<Result<_, String>>()?)
        }
        plain => plain,
    })
}

/// Where the path of a URL begins, and its host ends.
///
/// # Errors
/// A value says where it goes, or it is no address.
fn host(url: &str) -> Result<usize, String> {
    let head = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme)).map(str::len));
    let Some(head) = head else {
        return Err(
            "the script's URL begins with neither https:// nor http://: where a webhook goes is written out, and no \
                    value can be its beginning, with | safe neither"
                .into(),
        );
    };
    let end = url[head..].find(['/', '\\', '?', '#']).map_or(url.len(), |at| head + at);
    if url[head..end].contains(MARKS) {
        return Err("a placeholder stands in the host of the URL: where a webhook goes is written out; values stand behind the next /".into());
    }
    if end == head {
        return Err("the script's URL has no host".into());
    }
    Ok(end)
}

/// A URL with its values, of which none leads to another place.
fn url(form: &Form, text: &str) -> Result<String, String> {
    let text = text.trim();
    let begin = host(text)?;
    let mut url = String::with_capacity(text.len());
    let path_end = text[begin..].find(['?', '#']).map_or(text.len(), |at| begin + at);
    let fill = |part: &str| -> Result<String, String> {
        let filled = parts(part).map(|part| match part {
            Part::Literal(literal) => Ok(literal.to_owned()),
            Part::Mark(mark) => form.encoded(mark),
        });
        filled.collect()
    };
    url.push_str(&text[..begin]);
    for segment in text[begin..path_end].split_inclusive(['/', '\\']) {
        let filled = fill(segment)?;
        if segment.contains(MARKS) && leads_away(filled.trim_end_matches(['/', '\\'])) {
            return Err(
                "a value would be an empty part of the URL's path, or one of dots, which leads to another place".into(),
            );
        }
        url.push_str(&filled);
    }
    url.push_str(&fill(&text[path_end..])?);
    Ok(url)
}

/// Whether a part of a path is none, or means another than itself.
fn leads_away(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase().replace("%2e", ".").replace(['\t', '\n', '\r'], "");
    matches!(segment.as_str(), "" | "." | "..")
}

#[cfg(test)]
mod tests;
