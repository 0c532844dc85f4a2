//! JSON in one form, so that it can be hashed; and what is wrong with what is none.

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

/// What is wrong with a JSON text, without a word of it: the library quotes it, and not everybody who reads the reason may read the
/// text. The column is that of its only line.
pub fn complaint(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text);
    let what = if error.is_data() { without_values(what) } else { what.to_owned() };
    format!("{what} (column {})", error.column())
}

/// A complaint about a value of the wrong kind. Of it only the names of our own fields, and what we expected, are ours.
fn without_values(what: &str) -> String {
    let is_about_names = ["missing field `", "duplicate field `"].iter().any(|begin| what.starts_with(begin));
    match what.rsplit_once(", expected ") {
        _ if is_about_names => what.to_owned(),
        Some((_, expected)) => format!("a value is of another kind, expected {expected}"),
        None => "a value can't be used".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[expect(dead_code, reason = "it is only read")]
        name: String,
    }

    #[test]
    fn a_complaint_has_nothing_of_the_text() {
        let about = |text: &str| complaint(&serde_json::from_str::<Line>(text).unwrap_err());
        for text in [
            r#""secret@example.com""#,
            r#"{"secret@example.com": 1}"#,
            r#"{"name": {"secret@example.com": 1}}"#,
            r#"{"name": "secret@example.com", "secret": 1}"#,
            r#"", expected secret@example.com""#,
            "secret@example.com",
            r#"{"name": "secret@example.com"} secret"#,
            r#"{"name": "secret@example.com""#,
        ] {
            let told = about(text);
            assert!(!told.contains("secret") && told.contains("column"), "{text}: {told}");
        }
        assert_eq!(about("{}"), "missing field `name` (column 2)");
        assert_eq!(about(r#"{"name": 4930123456}"#), "a value is of another kind, expected a string (column 19)");
    }
}
