//! Values in a page of HTML, each written by where it stands: as text, in an attribute, or in the address of a link.
//!
//! The page is written with marks in their places, read as a mail program reads it, and then filled in: what is known of a lead can't
//! close a tag, begin an attribute or lead a link elsewhere.

use std::convert::Infallible;
use std::sync::Arc;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};
use parking_lot::Mutex;

use super::form::{MARKS, Part, VALUES_LIMIT, parts};
use super::places::{Place, percent, readable};

/// What stands for the marks of a page, in the order in which they were written; None where nothing is marked.
pub(super) type Values = Option<Arc<Mutex<(Vec<String>, usize)>>>;

/// Attributes whose values are addresses.
const ADDRESSES: [&[u8]; 8] =
    [b"href", b"src", b"action", b"formaction", b"background", b"cite", b"longdesc", b"poster"];

/// Where a mark stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// Between tags, or in a comment.
    Text,
    /// In an attribute, or at the beginning of an address.
    Attribute,
    /// Within an address.
    Address,
}

/// Has an environment write marks in place of values, if it writes a page. What a block or a macro has written has its marks already.
pub(super) fn marked(environment: &mut Environment<'_>, place: Place) -> Values {
    if place != Place::Html {
        return None;
    }
    let values: Arc<Mutex<(Vec<String>, usize)>> = Arc::default();
    let marks = Arc::clone(&values);
    environment.set_formatter(move |out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value| {
        let text = if value.is_safe() { value.to_string() } else { mark(&mut marks.lock(), value)? };
        out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text can't be written"))
    });
    Some(values)
}

fn mark((values, total): &mut (Vec<String>, usize), value: &Value) -> Result<String, Error> {
    // Where a text is only tried out there may be nothing.
    let text = if value.is_undefined() { String::new() } else { readable(value)? };
    if text.is_empty() {
        return Ok(text);
    }
    *total += text.len();
    if *total > VALUES_LIMIT {
        return Err(Error::new(ErrorKind::InvalidOperation, "what is filled in is longer than 1 MiB"));
    }
    values.push(text);
    Ok(format!("{}{}{}", MARKS[0], values.len() - 1, MARKS[1]))
}

/// The page with its values.
///
/// # Errors
/// A sentence: a value stands where it can't be written.
pub(super) fn filled(page: String, values: &Values) -> Result<String, String> {
    let Some(values) = values else { return Ok(page) };
    let (values, _) = &*values.lock();
    if values.is_empty() {
        return Ok(page);
    }
    let mut spots = spots(&page)?.into_iter();
    let mut made = String::with_capacity(page.len());
    for part in parts(&page) {
        match part {
            Part::Literal(literal) => made.push_str(literal),
            Part::Mark(number) => {
                let spot = spots.next().ok_or("a placeholder stands in a tag or a quotation mark that never ends")?;
                write(&mut made, values.get(number).map_or("", String::as_str), spot);
            }
        }
    }
    Ok(made)
}

fn write(page: &mut String, value: &str, spot: Spot) {
    for (at, sign) in value.char_indices() {
        match (spot, sign) {
            // What was encoded by `urlencode` is encoded once.
            (Spot::Address, '%') if is_encoded(&value[at + 1..]) => page.push('%'),
            (Spot::Address, sign) => page.push_str(&percent(sign.encode_utf8(&mut [0; 4]))),
            (_, '&') => page.push_str("&amp;"),
            (_, '<') => page.push_str("&lt;"),
            (_, '>') => page.push_str("&gt;"),
            (_, '"') => page.push_str("&quot;"),
            (_, '\'') => page.push_str("&#x27;"),
            // Where an attribute has no quotation marks, these would end it.
            (Spot::Attribute, ' ' | '\t' | '\r' | '\n' | '\x0c') => {
                page.extend(["&#", &u32::from(sign).to_string(), ";"]);
            }
            (_, sign) => page.push(sign),
        }
    }
}

fn is_encoded(behind: &str) -> bool {
    behind.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Where the marks of a page stand, in their order.
fn spots(page: &str) -> Result<Vec<Spot>, String> {
    // Until it is filled in that is no tag.
    if ["<", "</", "<!", "<?"].iter().any(|begin| page.contains(&format!("{begin}{}", MARKS[0]))) {
        return Err("a placeholder stands in the name of a tag: a < that is meant as a sign is written &lt;".into());
    }
    let (mut spots, mut wrong) = (Vec::new(), None);
    let (mut raw, mut is_address): (Option<Vec<u8>>, bool) = (None, false);
    let mut event = |event: &CallbackEvent<'_>| match event {
        CallbackEvent::OpenStartTag { name } => {
            raw = Some(name.to_vec()).filter(|name| name == b"script" || name == b"style");
            refuse_in(name, &mut wrong, "in the name of a tag");
        }
        CallbackEvent::AttributeName { name } => {
            is_address = ADDRESSES.contains(name);
            refuse_in(
                name,
                &mut wrong,
                "in a tag, beside its attributes: it belongs between the quotation marks of one",
            );
        }
        CallbackEvent::AttributeValue { value } => in_attribute(value, is_address, &mut spots),
        CallbackEvent::EndTag { name } => {
            raw = None;
            refuse_in(name, &mut wrong, "in the name of a tag");
        }
        CallbackEvent::String { value } => {
            if let Some(element) = &raw {
                let within = format!("within <{}>, where nothing can be escaped", String::from_utf8_lossy(element));
                refuse_in(value, &mut wrong, &within);
            }
            spots.extend(std::iter::repeat_n(Spot::Text, marks(value)));
        }
        CallbackEvent::Comment { value } => spots.extend(std::iter::repeat_n(Spot::Text, marks(value))),
        CallbackEvent::CloseStartTag { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
    };
    let mut emitter = CallbackEmitter::new(|found: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        event(&found);
        None
    });
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(page, emitter).finish();
    wrong.map_or(Ok(spots), Err)
}

fn in_attribute(value: &[u8], is_address: bool, spots: &mut Vec<Spot>) {
    let value = String::from_utf8_lossy(value);
    // `tel:+49..` has its plus sign.
    let is_address = is_address && !["tel:", "sms:"].iter().any(|scheme| value.trim_start().starts_with(scheme));
    let mut is_begun = false;
    for part in parts(&value) {
        match part {
            Part::Literal(literal) => is_begun |= !literal.trim().is_empty(),
            Part::Mark(_) => {
                spots.push(if is_address && is_begun { Spot::Address } else { Spot::Attribute });
                is_begun = true;
            }
        }
    }
}

fn marks(value: &[u8]) -> usize {
    parts(&String::from_utf8_lossy(value)).filter(|part| matches!(part, Part::Mark(_))).count()
}

fn refuse_in(value: &[u8], wrong: &mut Option<String>, place: &str) {
    if wrong.is_none() && String::from_utf8_lossy(value).contains(MARKS) {
        *wrong = Some(format!("a placeholder stands {place}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Facts, Place, render};
    use proptest::prelude::*;
    use serde_json::json;

    fn page(content: &str, value: &str) -> Result<String, String> {
        let facts: Facts = [("first_name".to_owned(), json!(value)), ("meta".to_owned(), json!({ "empty": "" }))]
            .into_iter()
            .collect();
        render(content, &facts, Place::Html)
    }

    #[test]
    fn a_value_is_written_by_where_it_stands() {
        for (content, value, made) in [
            ("<p>{{ first_name }}</p>", "A & <i>B", "<p>A &amp; &lt;i&gt;B</p>"),
            ("{% if first_name %}<p>{{ first_name }}</p>{% endif %}", "<b>", "<p>&lt;b&gt;</p>"),
            ("no tag, {{ first_name }} &lt;{{ first_name }}", "<b>", "no tag, &lt;b&gt; &lt;&lt;b&gt;"),
            ("<p title='{{ first_name }}'>", "x' y=\"1", "<p title='x&#x27;&#32;y=&quot;1'>"),
            ("<p title={{ first_name }}>", "x y=1", "<p title=x&#32;y=1>"),
            (
                "<a href=\"https://a.example/?n={{ first_name }}&m=1\">",
                "A&B +1",
                "<a href=\"https://a.example/?n=A%26B%20%2B1&m=1\">",
            ),
            (
                "<a href=\"https://a.example/?n={{ first_name | urlencode }}\">",
                "A&B",
                "<a href=\"https://a.example/?n=A%26B\">",
            ),
            (
                "<a href='https://{{ first_name }}.a.example/'>",
                "evil.example/",
                "<a href='https://evil.example%2F.a.example/'>",
            ),
            (
                "<a href='{{ first_name }}'>x</a>",
                "https://a.example/?a=1&b=2",
                "<a href='https://a.example/?a=1&amp;b=2'>x</a>",
            ),
            ("<a href='tel:{{ first_name }}'>x</a>", "+4915", "<a href='tel:+4915'>x</a>"),
            (
                "<a href='mailto:{{ first_name }}?subject=x'>x</a>",
                "a+b@c.example",
                "<a href='mailto:a%2Bb%40c.example?subject=x'>x</a>",
            ),
            ("<!-- {{ first_name }} --><p>", "--><b>", "<!-- --&gt;&lt;b&gt; --><p>"),
            ("<title>{{ first_name }}</title>", "</title>", "<title>&lt;/title&gt;</title>"),
            ("{% set x %}<b>{{ first_name }}</b>{% endset %}{{ x }}{{ x }}", "<", "<b>&lt;</b><b>&lt;</b>"),
            ("{{ first_name | e | upper }}{{ '<hr>' | safe }}", "a<", "A&lt;<hr>"),
            ("{% set x %}{{ meta.empty }}{% endset %}{% if x %}a{% else %}b{% endif %}", "", "b"),
        ] {
            assert_eq!(page(content, value).as_deref(), Ok(made), "{content}");
        }
    }

    #[test]
    fn where_no_value_can_be_written_it_is_refused() {
        for (content, told) in [
            ("<{{ first_name }}>", "name of a tag"),
            ("</{{ first_name }}>", "name of a tag"),
            ("<p{{ first_name }}>", "name of a tag"),
            ("<p {{ first_name }}>", "beside its attributes"),
            ("<p {{ first_name }}=1>", "beside its attributes"),
            ("<script>let x = '{{ first_name }}'</script>", "within <script>"),
            ("<style>p { color: {{ first_name }} }</style>", "within <style>"),
            ("<a href='{{ first_name }}", "never ends"),
            ("<p \u{fdd0}0\u{fdd1}>{{ first_name }}", "no characters"),
        ] {
            let made = page(content, "b");
            assert!(made.as_ref().is_err_and(|why| why.contains(told)), "{content}: {made:?}");
        }
    }

    /// The page as it is read: its tags with their attributes' names, its texts left out.
    fn shape(page: &str) -> Vec<String> {
        let part = |token: html5gum::Token| match token {
            html5gum::Token::StartTag(tag) => {
                Some(format!("<{:?} {:?}", tag.name, tag.attributes.keys().collect::<Vec<_>>()))
            }
            html5gum::Token::EndTag(tag) => Some(format!("</{:?}", tag.name)),
            html5gum::Token::String(_) => Some("text".into()),
            html5gum::Token::Comment(_) => Some("comment".into()),
            html5gum::Token::Doctype(_) => Some("doctype".into()),
            html5gum::Token::Error(_) => None,
        };
        html5gum::Tokenizer::new(page).filter_map(|token| part(token.unwrap())).collect()
    }

    proptest! {
        #[test]
        fn no_value_changes_the_shape_of_a_page(value in r#"([<>"'`=/& a-c!%#;:.-]|-->|</p>|&lt;| href=){1,9}x"#) {
            let content = "<p title=\"{{ first_name }}\" id='{{ first_name }}' class=c{{ first_name }}>a{{ first_name }}\
                <a href=\"https://a.example/{{ first_name }}/?q={{ first_name }}\">b</a><!-- {{ first_name }} --></p>";
            let made = page(content, &value).unwrap();
            prop_assert_eq!(shape(&made), shape(&page(content, "x").unwrap()), "{}", made);
        }
    }
}
