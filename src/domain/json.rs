//! JSON in one form, so that it can be hashed; and what is wrong with what is none.

mod twice;

use std::collections::BTreeMap;

use serde_json::Value as Json;

pub use self::twice::{Read, SOMETHING_TWICE, object, read};

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

/// JSON that came from outside; of its texts all but the character NUL, which PostgreSQL doesn't take.
///
/// # Errors
/// It is no JSON.
pub fn from_outside(text: &str) -> serde_json::Result<Json> {
    let read = serde_json::from_str(text)?;
    Ok(if text.contains("\\u0000") { without_nul(read) } else { read })
}

/// The value, with the character NUL left out of its texts.
pub fn without_nul(value: Json) -> Json {
    match value {
        Json::String(text) => text.replace('\0', "").into(),
        Json::Array(values) => values.into_iter().map(without_nul).collect(),
        Json::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key.replace('\0', ""), without_nul(value))).collect()
        }
        plain => plain,
    }
}

/// What is wrong with a JSON text, without a word of it: the library quotes it, and not everybody who reads the reason may read the
/// text. The column is that of its only line.
pub fn complaint(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text);
    let what = if error.is_data() { about_values(what) } else { about_letters(what).to_owned() };
    format!("{what} (column {})", error.column())
}

/// What the library says of letters that are no JSON, by its beginning, and what people are told.
const LETTERS: [(&str, &str); 19] = [
    ("EOF while parsing", "it ends too soon"),
    ("expected ident", "what stands here is no JSON"),
    ("expected value", "no value stands where one is wanted"),
    ("expected `:`", "a colon is missing"),
    ("expected `,` or `]`", "a comma or ] is missing"),
    ("expected `,` or `}`", "a comma or } is missing"),
    ("expected `\"`", "a quotation mark is missing"),
    ("key must be a string", "a name does not stand between double quotation marks"),
    ("invalid escape", "a backslash stands before a letter that it can't go with"),
    ("unexpected end of hex escape", "the other half of a letter is missing after \\u"),
    ("lone leading surrogate", "the other half of a letter is missing after \\u"),
    ("invalid unicode code point", "the letter after \\u does not exist"),
    ("control character", "a tab, the end of a line or the like stands in a text: write \\t or \\n"),
    ("invalid number", "a number is not written as JSON has it"),
    ("number out of range", "a number is too large"),
    ("trailing comma", "a comma stands before the end"),
    ("trailing characters", "something follows after the end"),
    ("recursion limit exceeded", "it is nested too deeply"),
    ("invalid UTF-8", "it is not UTF-8"),
];

/// A complaint about letters.
fn about_letters(what: &str) -> &'static str {
    LETTERS.iter().find(|(begin, _)| what.starts_with(begin)).map_or("it is not JSON", |(_, words)| *words)
}

/// A complaint about a value of the wrong kind. Of it only the names of our own fields, and the kind that we want, are ours.
fn about_values(what: &str) -> String {
    let name = |begin: &str| what.strip_prefix(begin)?.split_once('`').map(|(name, _)| name);
    if let Some(name) = name("missing field `") {
        return format!("\"{name}\" is missing");
    }
    if let Some(name) = name("duplicate field `") {
        return format!("\"{name}\" is there twice");
    }
    let wanted = match what.rsplit_once(", expected ") {
        Some((_, "a string" | "a borrowed string" | "string")) => "a text",
        Some((_, "a map" | "a JSON object")) => "an object",
        Some((_, "a sequence")) => "a list",
        Some((_, "a boolean")) => "true or false",
        _ => return "a value is of another kind than is wanted".to_owned(),
    };
    format!("a value is of another kind than is wanted, which is {wanted}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[expect(dead_code, reason = "it is only read")]
        name: String,
    }

    #[test]
    fn what_comes_from_outside_has_no_nul_in_it() {
        let read = from_outside(r#"{"a\u0000":["b\u0000c",{"d":"\u0000"}],"e":1,"f":"\\u0000"}"#).unwrap();
        assert_eq!(read, json!({ "a": ["bc", { "d": "" }], "e": 1, "f": "\\u0000" }));
        assert!(from_outside("{").is_err());
    }

    #[test]
    fn no_complaint_speaks_as_the_library_does() {
        let about = |text: &str| complaint(&serde_json::from_str::<Line>(text).unwrap_err());
        let deep = "[".repeat(200);
        for text in [
            "",
            "{",
            "{\"name\"",
            "{\"name\" 1}",
            "{\"name\":}",
            "{\"name\":\"a\",}",
            "{name:1}",
            "{\"name\":\"a\"} x",
            "{\"name\":\"\\x\"}",
            "{\"name\":\"\\ud83d\"}",
            "{\"name\":\"\\ude00\"}",
            "{\"name\":\"\\u12\"}",
            "{\"name\":\"a\tb\"}",
            "{\"name\":01}",
            "{\"name\":1e999}",
            "{\"name\":tru}",
            "{\"name\":[1 2]}",
            "{\"name\":true}",
            "{\"name\":\"a\",\"name\":\"b\"}",
            "null",
            "{\"other\":1}",
            &format!("{{\"name\":{deep}"),
        ] {
            let told = about(text);
            let foreign =
                ["expected", "EOF", "ident", "struct", "Line", "string", "invalid type", "map", "`", "surrogate"];
            assert!(!foreign.iter().any(|word| told.contains(word)), "{text}: {told}");
            assert!(!told.contains(char::is_control), "{text}: {told:?}");
        }
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
        assert_eq!(about("{}"), "\"name\" is missing (column 2)");
        let wanted = "a value is of another kind than is wanted, which is a text (column 19)";
        assert_eq!(about(r#"{"name": 4930123456}"#), wanted);
    }
}
