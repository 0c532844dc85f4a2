//! The links of a mail in HTML, and the picture at its end. All but what is replaced stays to the letter.

use std::convert::Infallible;
use std::ops::Range;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use super::MOST_LINKS;

/// The page with what `link` makes of the address in the `href` of each `a` and `area`, and with `pixel`, which is HTML, at the end of
/// its body; where `link` makes nothing, the address stays. Comments, scripts and styles are left alone.
pub fn html(page: &str, link: impl FnMut(&str) -> Option<String>, pixel: Option<&str>) -> String {
    let mut found = Links::new(page, link);
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| -> Option<Infallible> {
        found.event(&event, span);
        None
    });
    // What stands between the tags of a script, a style or a title is no tag.
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(page, emitter).finish();
    let Links { mut changes, end_of_body, .. } = found;
    if let Some(pixel) = pixel {
        let end = end_of_body.unwrap_or(page.len());
        let before = changes.iter().take_while(|(range, _)| range.end <= end).count();
        changes.insert(before, (end..end, pixel.to_owned()));
    }
    spliced(page, changes)
}

/// The page with other texts in these places, which are in order.
fn spliced(page: &str, changes: Vec<(Range<usize>, String)>) -> String {
    let (mut made, mut behind) = (String::with_capacity(page.len()), 0);
    for (range, text) in changes {
        made.push_str(page.get(behind..range.start).unwrap_or_default());
        made.push_str(&text);
        behind = range.end;
    }
    made.push_str(page.get(behind..).unwrap_or_default());
    made
}

/// What the tokenizer finds.
struct Links<'a, F> {
    page: &'a str,
    link: F,
    changes: Vec<(Range<usize>, String)>,
    end_of_body: Option<usize>,
    tag: Tag,
}

/// The tag that is being read.
#[derive(Default)]
struct Tag {
    is_link: bool,
    /// Where the value of its `href` stands. Of several the first one counts, as everywhere in HTML.
    href: Option<Range<usize>>,
    is_value_next: bool,
    /// That value, read: without quotation marks, and with what `&amp;` and its like stand for.
    address: Option<String>,
}

impl<'a, F: FnMut(&str) -> Option<String>> Links<'a, F> {
    fn new(page: &'a str, link: F) -> Self {
        Self { page, link, changes: Vec::new(), end_of_body: None, tag: Tag::default() }
    }

    fn name(&mut self, name: &[u8], start: usize) {
        self.tag.is_value_next = false;
        if self.tag.is_link && self.tag.href.is_none() && name == b"href" {
            self.tag.href = value_behind(self.page, start, name);
            self.tag.is_value_next = self.tag.href.is_some();
        }
    }

    fn value(&mut self, value: &[u8]) {
        if std::mem::take(&mut self.tag.is_value_next) {
            self.tag.address = std::str::from_utf8(value).ok().map(str::to_owned);
        }
    }

    /// The tag ends here, and only now is it one: nothing is made of an address in a tag that never ends.
    fn end_of_tag(&mut self) {
        let Tag { href, address, .. } = std::mem::take(&mut self.tag);
        if self.changes.len() < MOST_LINKS
            && let Some((place, address)) = href.zip(address)
            && let Some(link) = (self.link)(&address)
        {
            self.changes.push((place, link));
        }
    }

    fn event(&mut self, event: &CallbackEvent<'_>, span: Span<usize>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = Tag { is_link: matches!(*name, b"a" | b"area"), ..Tag::default() };
            }
            CallbackEvent::AttributeName { name } => self.name(name, span.start),
            CallbackEvent::AttributeValue { value } => self.value(value),
            CallbackEvent::CloseStartTag { .. } => self.end_of_tag(),
            CallbackEvent::EndTag { name } => {
                self.tag = Tag::default();
                let is_body = *name == b"body" && self.page[span.start.min(self.page.len())..].starts_with("</");
                self.end_of_body = if is_body { Some(span.start) } else { self.end_of_body };
            }
            CallbackEvent::String { .. }
            | CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => {}
        }
    }
}

/// Where the value of the attribute stands whose name begins at `start`, without quotation marks, as HTML has it. None: what stands there
/// is something else.
fn value_behind(page: &str, start: usize, name: &[u8]) -> Option<Range<usize>> {
    let bytes = page.as_bytes();
    let mut at = start + name.len();
    if !bytes.get(start..at)?.eq_ignore_ascii_case(name) {
        return None;
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c);
    let blanks = |at: usize| Some(at + bytes.get(at..)?.iter().take_while(|byte| is_blank(byte)).count());
    at = blanks(at)?;
    if *bytes.get(at)? != b'=' {
        return None;
    }
    at = blanks(at + 1)?;
    let (from, length) = match *bytes.get(at)? {
        quote @ (b'"' | b'\'') => (at + 1, bytes[at + 1..].iter().position(|byte| *byte == quote)?),
        _ => (at, bytes[at..].iter().position(|byte| is_blank(byte) || *byte == b'>')?),
    };
    Some(from..from + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::retention::tracking::target;

    fn replaced(page: &str) -> String {
        html(page, |found| Some(format!("[{}]", target(found, "https://herald.example")?)), None)
    }

    #[test]
    fn the_address_of_a_link_is_replaced_however_it_is_written() {
        for (page, expected) in [
            (r#"<a href="https://a.example/x">x</a>"#, r#"<a href="[https://a.example/x]">x</a>"#),
            ("<a href='https://a.example/?q=\"'>x</a>", "<a href='[https://a.example/?q=\"]'>x</a>"),
            ("<a href=https://a.example/x>x</a>", "<a href=[https://a.example/x]>x</a>"),
            ("<a href=https://a.example/x/>x", "<a href=[https://a.example/x/]>x"),
            ("<A CLASS=b HREF = \"https://a.example\" id=c>x", "<A CLASS=b HREF = \"[https://a.example]\" id=c>x"),
            ("<a\nhref\n=\n'https://a.example'\n>x", "<a\nhref\n=\n'[https://a.example]'\n>x"),
            (r#"<a href="https://a.example/?a=1&amp;b=2">"#, r#"<a href="[https://a.example/?a=1&b=2]">"#),
            (r#"<a href="https://a.example/?a=1&b=2&copy=3">"#, r#"<a href="[https://a.example/?a=1&b=2&copy=3]">"#),
            (r#"<a href="&#104;ttps&#x3A;//a.example/&quot;">"#, r#"<a href="[https://a.example/"]">"#),
            (r#"<a title="a > b" href="https://a.example">"#, r#"<a title="a > b" href="[https://a.example]">"#),
            (
                r#"<a title='href="https://no.example"' href="https://a.example">"#,
                r#"<a title='href="https://no.example"' href="[https://a.example]">"#,
            ),
            (
                r#"<a href="https://a.example"href="https://b.example">"#,
                r#"<a href="[https://a.example]"href="https://b.example">"#,
            ),
            (r#"<a href="" href="https://b.example">"#, r#"<a href="" href="https://b.example">"#),
            (r#"<map><area href="https://a.example"></map>"#, r#"<map><area href="[https://a.example]"></map>"#),
            ("<p>Привет <a href=\"https://a.example\">я</a> €", "<p>Привет <a href=\"[https://a.example]\">я</a> €"),
            (
                "<a href=\"https://a.example\"><a href='https://b.example'>",
                "<a href=\"[https://a.example]\"><a href='[https://b.example]'>",
            ),
        ] {
            assert_eq!(replaced(page), expected);
        }
    }

    #[test]
    fn what_is_no_link_of_the_web_stays() {
        for page in [
            r#"<a href="https://herald.example/unsubscribe/t">no more</a>"#,
            r#"<a href="mailto:a@b.example">x</a><a href="tel:+49301">x</a><a href="tg://resolve?domain=x">x</a>"#,
            r##"<a href="#top">x</a><a href="/x">x</a><a href>x</a><a href="">x</a><a name=x>x</a>"##,
            r#"<!-- <a href="https://a.example">x</a> --><p>"#,
            r#"<!--[if mso]><a href="https://a.example">x</a><![endif]-->"#,
            r#"<style>a { content: '<a href="https://a.example">' }</style>"#,
            r#"<script>let x = '<a href="https://a.example">'</script>"#,
            r#"<title><a href="https://a.example"></title><textarea><a href="https://a.example"></textarea>"#,
            r#"<link href="https://a.example/x.css"><img src="https://a.example/x.png"><base href="https://a.example">"#,
            r#"<abbr href="https://a.example"><p data-href="https://a.example">https://a.example"#,
            r#"</a href="https://a.example">"#,
            r#"<a href="https://a.example"#,
            "<a href=https://a.example",
            r#"<a data-href="https://a.example" hrefx="https://a.example">"#,
            "",
        ] {
            assert_eq!(replaced(page), page);
        }
    }

    #[test]
    fn the_picture_stands_at_the_end_of_the_body() {
        for (page, expected) in [
            ("<p>x", "<p>x!"),
            ("<html><body><p>x</p></BODY ></html>", "<html><body><p>x</p>!</BODY ></html>"),
            ("<p><!-- </body> --></p>", "<p><!-- </body> --></p>!"),
            ("<a href=https://a.example>x</a></body>", "<a href=l>x</a>!</body>"),
            ("</body><a href=https://a.example>x</a>", "!</body><a href=l>x</a>"),
        ] {
            assert_eq!(html(page, |_| Some("l".into()), Some("!")), expected);
        }
    }

    #[test]
    fn links_beyond_the_bound_stay() {
        let page = "<a href='https://a.example/'>x</a>".repeat(MOST_LINKS + 7);
        let made = html(&page, |_| Some("l".into()), None);
        assert_eq!((made.matches("'l'").count(), made.matches("a.example").count()), (MOST_LINKS, 7));
    }

    proptest! {
        /// Whatever is written: what nothing is made of stays to the letter, and what is replaced is a link's address.
        #[test]
        fn a_page_stays_to_the_letter(parts in proptest::collection::vec(prop_oneof![
            Just("<a href="), Just("<a "), Just("href"), Just("="), Just("\""), Just("'"), Just(">"), Just("</a>"), Just("<!--"),
            Just("-->"), Just("https://a.example/"), Just("&amp;"), Just("&"), Just(" "), Just("\r\n"), Just("\0"), Just("я"), Just("</body"),
            Just("<script>"), Just("</script>"), Just("<![CDATA["), Just("/"),
        ], 0..24)) {
            let page = parts.concat();
            prop_assert_eq!(html(&page, |_| None, None), page.clone());
            let made = html(&page, |found| target(found, "https://herald.example").map(|_| "\u{1}".to_owned()), None);
            prop_assert!(made.len() <= page.len());
            // Read again, it has no such link any more.
            let mut left = 0;
            html(&made, |found| { left += usize::from(target(found, "https://herald.example").is_some()); None }, None);
            prop_assert_eq!(left, 0, "{:?} {:?}", page, made);
        }
    }
}
