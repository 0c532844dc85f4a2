//! JSON in one form, so that it can be hashed.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// JSON with the keys of its objects in alphabetical order: neither clients nor PostgreSQL keep theirs.
pub fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            sorted.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        Json::Array(values) => values.iter().map(canonical).collect(),
        plain => plain.clone(),
    }
}
