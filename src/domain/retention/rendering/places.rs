//! How a value is written where it stands: in plain text, HTML, a JSON text or a URL. It fills its place and never changes the form.

use std::fmt::Write;

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, Value};
use serde_json::{Map, Number, Value as Json};

/// What the text is that values are written into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Words for people: values stand as they are.
    Text,
    /// Signs of HTML in values are escaped.
    Html,
    /// Values stand in texts of JSON: quotes, line ends and backslashes in them are escaped. Numbers stand as they are.
    Json,
    /// All but letters, digits and `-._~` of values is percent-encoded.
    Url,
}

/// Has an environment write values as their place wants, and gives it the filters for other places. A value that went through
/// `safe`, or such a filter, stands as it is.
pub fn set(environment: &mut Environment<'_>, place: Place) {
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("tojson", tojson);
    match place {
        Place::Text => environment.set_auto_escape_callback(|_| AutoEscape::None),
        Place::Html => environment.set_auto_escape_callback(|_| AutoEscape::Html),
        Place::Json => environment.set_formatter(into_json),
        Place::Url => environment.set_formatter(into_url),
    }
}

fn urlencode(value: &Value) -> Value {
    Value::from_safe_string(percent(&value.to_string()))
}

fn tojson(value: &Value) -> Result<Value, Error> {
    json(value).map(|json| Value::from_safe_string(json.to_string()))
}

fn into_json(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    write(out, value, inside_json)
}

fn into_url(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    write(out, value, percent_of)
}

fn write(out: &mut Output<'_>, value: &Value, escape: fn(&Value) -> Result<String, Error>) -> Result<(), Error> {
    let text = if value.is_safe() { value.to_string() } else { escape(value)? };
    out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text can't be written"))
}

/// A value as it stands within the quotes of a JSON text; a list or an object as JSON itself.
fn inside_json(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => {
            let quoted = Json::from(text).to_string();
            Ok(quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned())
        }
        None if value.is_undefined() => Ok(String::new()),
        None => json(value).map(|json| json.to_string()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other ways to escape a value can fail")]
fn percent_of(value: &Value) -> Result<String, Error> {
    Ok(percent(&value.to_string()))
}

fn percent(text: &str) -> String {
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

/// A value of a script as JSON.
fn json(value: &Value) -> Result<Json, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => match value.as_i64() {
            Some(whole) => Json::from(whole),
            None => f64::try_from(value.clone()).ok().and_then(Number::from_f64).map_or(Json::Null, Json::Number),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.checked().map(|item| json(&item?));
            Json::Array(items.collect::<Result<_, Error>>()?)
        }
        ValueKind::Map => {
            let mut fields = Map::new();
            for key in value.try_iter()?.checked() {
                let key = key?;
                fields.insert(key.to_string(), json(&value.get_item(&key)?)?);
            }
            Json::Object(fields)
        }
        _ => Json::String(value.to_string()),
    })
}
