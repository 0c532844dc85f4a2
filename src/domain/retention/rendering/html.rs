//! Whether the body of a mail is HTML.

use crate::text::is_seen;

/// Whether a text is HTML: what of it is no placeholder and no statement begins with a tag. What is filled in does not matter.
///
/// Where a placeholder stands before the tag, that must be one of a part of a page, or be closed again: else it's words.
pub fn is_html(content: &str) -> bool {
    let (mut rest, mut is_behind_value) = (trimmed(content), false);
    while let Some(inner) = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
        .into_iter()
        .find_map(|(open, close)| rest.strip_prefix(open).map(|inner| inner.find(close).map(|at| &inner[at + 2..])))
    {
        is_behind_value |= rest.starts_with("{{");
        let Some(behind) = inner else { return false };
        rest = trimmed(behind);
    }
    let Some(tag) = rest.strip_prefix('<') else { return false };
    if tag.starts_with("!--")
        || tag.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("!doctype"))
        || tag.starts_with("?xml")
    {
        return true;
    }
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let length = tag.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(tag.len());
    let name = tag[..length].to_ascii_lowercase();
    let is_tag = tag[length..].starts_with(['>', '/', ' ', '\t', '\r', '\n']) && tag.contains('>');
    let is_part = PARTS.contains(&name.as_str());
    if !is_tag || !(is_part || WITHIN_LINES.contains(&name.as_str())) {
        return false;
    }
    !is_behind_value || is_part || tag.to_ascii_lowercase().contains(&format!("</{name}>"))
}

/// A text without blanks, byte order marks and other signs of no width at its beginning.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches(|sign: char| !is_seen(sign))
}

/// The elements that are parts of a page, or break its lines.
const PARTS: [&str; 52] = [
    "address",
    "article",
    "aside",
    "base",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "img",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "style",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "wbr",
];

/// Those that stand within a line.
const WITHIN_LINES: [&str; 36] = [
    "a", "abbr", "audio", "b", "bdi", "bdo", "big", "button", "cite", "code", "del", "dfn", "em", "font", "i",
    "iframe", "input", "ins", "kbd", "label", "map", "mark", "picture", "q", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "svg", "time", "u", "video",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_begins_with_a_tag() {
        for html in [
            "<p>Hi</p>",
            "<p>",
            " {# x #}\n<p>",
            "{% if email %}<p>{{ first_name }}</p>{% endif %}",
            "{%- set x = 1 -%}\n<TABLE width=\"1\">",
            "{{ first_name }}<p>Hello</p>",
            "{{ first_name }} <b>Hello</b>",
            "{{ a }}{{ b }}<br/>x",
            "\u{feff}<html>",
            "\u{200b} \u{feff}\n<div class=x>",
            "\u{feff}{{ name }}\u{200b}<p>",
            "<!DOCTYPE html><html>",
            "<!-- made by hand --><p>",
            "<?xml version=\"1.0\"?><html>",
            "<b>Hi</b> there",
            "<a href=\"https://a.example\">x</a>",
        ] {
            assert!(is_html(html), "{html}");
        }
    }

    #[test]
    fn words_are_no_html() {
        for words in [
            "",
            "Hi <b>",
            "{{ first_name }} <b>",
            "{{ first_name }} <3",
            "<3 you",
            "< b > c",
            "a < b > c",
            "<- back",
            "<bob@example.com> wrote: <p>",
            "<https://a.example>",
            "<your name here> hello",
            "<p is pressure",
            "<",
            "<>",
            "{{ open",
        ] {
            assert!(!is_html(words), "{words}");
        }
    }
}
