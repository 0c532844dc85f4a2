//! The names and values of a query, a form or a JSON object.

use serde_json::Value as Json;

use domain::json;
use domain::retention::keitaro;
use storage::retention::webhook_event::Model;

/// The pairs of a form, without the character NUL, which PostgreSQL doesn't take.
pub(super) fn form(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let clean = |text: String| if text.contains('\0') { text.replace('\0', "") } else { text };
    url::form_urlencoded::parse(text.as_bytes()).into_owned().map(move |(name, value)| (clean(name), clean(value)))
}

/// The pairs of a callback's query, then those of its body.
pub(super) fn all(row: &Model) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = form(row.query.as_deref().unwrap_or_default()).collect();
    if row.body.trim_start().starts_with('{') {
        let read: Json = json::from_outside(&row.body).unwrap_or_default();
        pairs.extend(keitaro::flat(&read));
    } else {
        pairs.extend(form(&row.body));
    }
    pairs
}

/// The value of `name`, if it is there and not empty.
pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().rev().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
}
