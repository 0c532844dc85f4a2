//! How a value is written where it stands: in plain text, in HTML, or in a form that is read before it is filled in. It fills its place
//! and never changes the form.

use std::fmt::Write;

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};
use serde_json::{Map, Number, Value as Json};

use crate::filters;

/// What the text is that values are written into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Words for people: values stand as they are.
    Text,
    /// A page: each value is escaped by where in it it stands.
    Html,
}

/// Has an environment write values as their place wants, and gives it the filters for other places.
pub fn set(environment: &mut Environment<'_>, place: Place) {
    filters::set(environment);
    environment.add_filter("urlencode", |value: &Value| readable(value).map(|text| percent(&text)));
    environment
        .add_filter("tojson", |value: &Value| known(value).and_then(|()| json(value)).map(|json| json.to_string()));
    match place {
        Place::Text => {
            environment.set_auto_escape_callback(|_| AutoEscape::None);
            // There is nothing to escape: who reads a text message would read `&amp;`.
            for name in ["e", "escape"] {
                environment.add_filter(name, |value: Value| known(&value).map(|()| value));
            }
        }
        Place::Html => {
            // What a block or a macro has written is told from a value by that.
            environment.set_auto_escape_callback(|_| AutoEscape::Html);
            // A value is escaped once, and where it stands says how.
            for name in ["e", "escape"] {
                environment.add_filter(name, |value: Value| readable(&value).map(|_| value));
            }
        }
    }
}

/// Refuses what is not known: filters that take anything would make a text of it.
///
/// # Errors
/// Nothing is there.
pub fn known(value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    Ok(())
}

/// A value as people read it.
///
/// # Errors
/// It is no text.
pub fn readable(value: &Value) -> Result<String, Error> {
    known(value)?;
    Ok(filters::readable(value)?.unwrap_or_else(|| value.to_string()))
}

/// A text in which all but letters, digits and `-._~` is percent-encoded.
pub fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    encoded
}

/// Lists and objects that may lie in one another: as many as are read of any JSON.
const DEEPEST: usize = 128;

/// A value of a script as JSON.
///
/// # Errors
/// It can't be gone through, or lies too deep.
pub fn json(value: &Value) -> Result<Json, Error> {
    json_within(value, DEEPEST)
}

fn json_within(value: &Value, deepest: usize) -> Result<Json, Error> {
    let Some(deeper) = deepest.checked_sub(1) else {
        return Err(Error::new(ErrorKind::InvalidOperation, "a value is nested too deeply"));
    };
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => match (filters::whole(value).or_else(|| value.as_i64()), u64::try_from(value.clone())) {
            (Some(whole), _) => Json::from(whole),
            (None, Ok(large)) => Json::from(large),
            _ => f64::try_from(value.clone()).ok().and_then(Number::from_f64).map_or(Json::Null, Json::Number),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.checked().map(|item| json_within(&item?, deeper));
            Json::Array(items.collect::<Result<_, Error>>()?)
        }
        ValueKind::Map => {
            let mut fields = Map::new();
            for key in value.try_iter()?.checked() {
                let key = key?;
                fields.insert(key.to_string(), json_within(&value.get_item(&key)?, deeper)?);
            }
            Json::Object(fields)
        }
        _ => Json::String(value.to_string()),
    })
}
