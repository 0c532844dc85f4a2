//! Halves of characters in JSON: JavaScript cuts texts between UTF-16 units, and what is left is no Unicode.

use serde_json::Value as Json;

/// Stands for a half. It is no character, so no text has it.
const MARK: &str = "\\uFFFF";

/// The way to the first text with half a character in it, such as `variables.s`; None where there is none.
pub(super) fn find(body: &[u8]) -> Option<String> {
    read(std::str::from_utf8(body).ok()?).map(|(place, _)| place)
}

/// The way to the first text with half a character in it, and what the JSON would be with a mark in its place; None where there is none.
pub(super) fn read(text: &str) -> Option<(String, Json)> {
    let json: Json = serde_json::from_str(&marked(text)?).ok()?;
    let mut path = Vec::new();
    has_half(&json, &mut path).then(|| (path.join("."), json))
}

/// What is said of half a character in this place.
pub(super) fn told(place: &str) -> String {
    format!("{place}: not valid Unicode: half of a pair such as \\uD83D stands alone; cut texts between characters")
}

/// The text with its halves marked; None if there are none.
fn marked(text: &str) -> Option<String> {
    let (mut marked, mut rest, mut has_half) = (String::with_capacity(text.len()), text, false);
    while let Some(at) = rest.find('\\') {
        marked.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                has_half = true;
                marked.push_str(MARK);
                rest = &rest[6..];
                continue;
            }
            // An escape of one character, of whatever length that is.
            _ => rest.chars().take(2).map(char::len_utf8).sum(),
        };
        marked.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    marked.push_str(rest);
    has_half.then_some(marked)
}

/// The UTF-16 unit of the escape that the text begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

fn has_half(value: &Json, path: &mut Vec<String>) -> bool {
    let mut within = |step: String, value: &Json| {
        path.push(step);
        let found = has_half(value, path);
        if !found {
            path.pop();
        }
        found
    };
    match value {
        Json::String(text) => text.contains('\u{FFFF}'),
        Json::Array(items) => items.iter().enumerate().any(|(index, item)| within(index.to_string(), item)),
        Json::Object(fields) => {
            fields.iter().any(|(name, field)| name.contains('\u{FFFF}') || within(name.clone(), field))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_character_is_found_where_it_stands() {
        let cases = [
            (r#"{"variables":{"s":"a\uD83D"}}"#, Some("variables.s")),
            (r#"{"variables":{"s":"\uDE00b"}}"#, Some("variables.s")),
            (r#"{"variables":{"a":"\uD83D\uDE00","l":[1,{"t":"\uD83D\n"}]}}"#, Some("variables.l.1.t")),
            (r#"{"query":"\ud83dA"}"#, Some("query")),
            (r#"{"query":"\\uD83D"}"#, None),
            (r#"{"query":"\uD83D\uDE00 \u0041 \"x\""}"#, None),
            (r#"{"query":"\uD83D"#, None),
            (r#"{"query":"\u+123 \"#, None),
        ];
        for (body, expected) in cases {
            assert_eq!(find(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
