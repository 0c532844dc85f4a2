//! What of a page of HTML people read, as words in lines: the part of an email for programs that show no HTML.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

/// Elements with an empty line around them.
const APART: [&[u8]; 17] = [
    b"p",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"ul",
    b"ol",
    b"dl",
    b"table",
    b"blockquote",
    b"pre",
    b"hr",
    b"section",
    b"article",
    b"fieldset",
];
/// Elements that begin a line.
const LINES: [&[u8]; 18] = [
    b"div",
    b"li",
    b"tr",
    b"dt",
    b"dd",
    b"center",
    b"header",
    b"footer",
    b"main",
    b"nav",
    b"aside",
    b"address",
    b"form",
    b"figure",
    b"figcaption",
    b"caption",
    b"body",
    b"details",
];
/// Elements whose content nobody sees.
const UNSEEN: [&[u8]; 4] = [b"script", b"style", b"title", b"template"];
/// Tags of elements within lines by which a text is taken to be written in HTML, besides those above.
const WITHIN_LINES: [&[u8]; 17] = [
    b"a", b"b", b"i", b"u", b"s", b"br", b"em", b"strong", b"span", b"font", b"img", b"td", b"th", b"small", b"html",
    b"sub", b"sup",
];

/// Whether a text has tags of HTML: then whoever wrote it has to say whether they are meant so.
pub fn has_tags(text: &str) -> bool {
    let (mut is_known, mut found) = (false, false);
    let is_element = |name: &[u8]| [&APART[..], &LINES, &WITHIN_LINES].iter().any(|names| names.contains(&name));
    read(text, |event| match event {
        CallbackEvent::OpenStartTag { name } => is_known = is_element(name),
        CallbackEvent::CloseStartTag { .. } => found |= is_known,
        CallbackEvent::EndTag { name } => found |= is_element(name),
        _ => {}
    });
    found
}

/// The words of a page, in lines; addresses of links stand behind what is said in them. Empty if there are none.
pub fn plain(page: &str) -> String {
    let mut words = Words::default();
    read(page, |event| words.event(event));
    words.end_of_link();
    words.text
}

fn read(page: &str, mut event: impl FnMut(&CallbackEvent<'_>)) {
    let mut emitter = CallbackEmitter::new(|found: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        event(&found);
        None
    });
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(page, emitter).finish();
}

/// What was read so far.
#[derive(Default)]
struct Words {
    text: String,
    /// Line ends before the next word.
    lines: usize,
    /// Whether a blank stands before it.
    is_apart: bool,
    /// Whether it is the first one of an item of a list.
    is_item: bool,
    /// The element that nobody sees, and that is not closed yet.
    unseen: Option<Vec<u8>>,
    tag: Vec<u8>,
    attribute: Vec<u8>,
    /// The `href` of a link or the `alt` of a picture.
    value: Option<String>,
    /// The address of the link that is being read, and where what is said in it begins.
    link: Option<(String, usize)>,
}

impl Words {
    fn event(&mut self, event: &CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = name.to_vec();
                self.attribute.clear();
                self.value = None;
            }
            CallbackEvent::AttributeName { name } => self.attribute = name.to_vec(),
            CallbackEvent::AttributeValue { value } => {
                let is_wanted = matches!((&self.tag[..], &self.attribute[..]), (b"a", b"href") | (b"img", b"alt"));
                if is_wanted && self.value.is_none() {
                    self.value = Some(String::from_utf8_lossy(value).trim().to_owned());
                }
            }
            CallbackEvent::CloseStartTag { .. } => self.tag_is_read(),
            CallbackEvent::EndTag { name } => {
                if self.unseen.as_deref() == Some(*name) {
                    self.unseen = None;
                }
                if *name == b"a" {
                    self.end_of_link();
                }
                self.edge(name);
            }
            CallbackEvent::String { value } => self.say(&String::from_utf8_lossy(value)),
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
    }

    fn tag_is_read(&mut self) {
        let (tag, value) = (std::mem::take(&mut self.tag), self.value.take());
        match &tag[..] {
            b"br" => self.lines = (self.lines + 1).min(2),
            b"td" | b"th" => self.is_apart = true,
            b"img" => self.say(&value.unwrap_or_default()),
            b"a" => {
                self.end_of_link();
                self.link = value.filter(|address| leads_somewhere(address)).map(|address| (address, self.text.len()));
            }
            name if UNSEEN.contains(&name) => self.unseen = Some(tag),
            name => {
                self.edge(name);
                self.is_item |= name == b"li";
            }
        }
    }

    fn edge(&mut self, name: &[u8]) {
        let lines = if APART.contains(&name) { 2 } else { usize::from(LINES.contains(&name)) };
        self.lines = self.lines.max(lines);
    }

    fn say(&mut self, words: &str) {
        if self.unseen.is_some() {
            return;
        }
        for sign in words.chars() {
            if sign.is_ascii_whitespace() {
                self.is_apart = true;
                continue;
            }
            if !self.text.is_empty() {
                match self.lines {
                    0 if self.is_apart => self.text.push(' '),
                    lines => self.text.extend(std::iter::repeat_n('\n', lines)),
                }
            }
            if std::mem::take(&mut self.is_item) {
                self.text.push_str("- ");
            }
            (self.lines, self.is_apart) = (0, false);
            self.text.push(if sign == '\u{a0}' { ' ' } else { sign });
        }
    }

    fn end_of_link(&mut self) {
        let Some((address, begin)) = self.link.take() else { return };
        let said = self.text.get(begin..).unwrap_or_default().trim();
        let shown = address.strip_prefix("mailto:").or_else(|| address.strip_prefix("tel:")).unwrap_or(&address);
        if said.is_empty() {
            self.say(&address);
        } else if said != shown && address.split_once("://").is_none_or(|(_, rest)| rest.trim_end_matches('/') != said)
        {
            self.text.extend([" (", shown, ")"]);
        }
    }
}

/// Whether the address of a link means something outside of its page.
fn leads_somewhere(address: &str) -> bool {
    ["https://", "http://", "mailto:", "tel:", "tg://"]
        .iter()
        .any(|scheme| address.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_read_the_same_words() {
        for (page, words) in [
            ("<p>Hello  Ann,\n you &amp; I</p><p>Bye</p>", "Hello Ann, you & I\n\nBye"),
            ("a<br>b<br/><br>c<div>d</div><div>e</div>f", "a\nb\n\nc\nd\ne\nf"),
            ("<a href='https://a.example/?a=1&amp;b=2'>Buy</a> now", "Buy (https://a.example/?a=1&b=2) now"),
            ("<a href='https://a.example/'>a.example</a>", "a.example"),
            ("<a href=https://a.example>https://a.example</a>", "https://a.example"),
            ("<a href='https://a.example/x'><img src=x alt='Buy now'></a>", "Buy now (https://a.example/x)"),
            ("x <a href='https://a.example/x'><img src=x></a>", "x https://a.example/x"),
            ("<a href='mailto:a@b.example'>a@b.example</a> <a href='#top'>up</a> <a>x</a>", "a@b.example up x"),
            (
                "<a href='https://a.example/1'>one<a href='https://a.example/2'>two",
                "one (https://a.example/1)two (https://a.example/2)",
            ),
            ("<ul><li><p>one</p></li><li>two</li></ul>three", "- one\n\n- two\n\nthree"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("<head><title>T</title><style>p{}</style></head><script>x</script><!-- y --><body>z", "z"),
            ("a&nbsp;b\u{a0}c", "a b c"),
            ("<img src=x>", ""),
            ("", ""),
        ] {
            assert_eq!(plain(page), words, "{page}");
        }
    }

    #[test]
    fn tags_are_told_from_other_signs() {
        for html in
            ["<p>Hi", "Hi {{ first_name }}<br>you", "{% if x %}<P class='a'>x</P>{% endif %}", "x</b>", "<a href='x'>"]
        {
            assert!(has_tags(html), "{html}");
        }
        for words in
            ["", "a < b > c", "<3", "<bob@example.com> wrote", "<https://a.example>", "<your name here>", "x <p", "<>"]
        {
            assert!(!has_tags(words), "{words}");
        }
    }

    proptest! {
        /// Whatever is written: no word is longer than the page, and no empty lines follow another.
        #[test]
        fn any_page_becomes_words(parts in proptest::collection::vec(prop_oneof![
            Just("<a href='https://a.example/'>"), Just("</a>"), Just("<p>"), Just("<br>"), Just("<li>"), Just("<td>"), Just(" "),
            Just("x"), Just("<script>"), Just("</script>"), Just("<title>"), Just("&nbsp;"), Just("<!--"), Just("-->"), Just("<"),
            Just("\u{fdd0}"), Just("я"),
        ], 0..30)) {
            let page = parts.concat();
            let words = plain(&page);
            prop_assert!(words.len() <= page.len() * 2 && !words.contains("\n\n\n"), "{:?} {:?}", page, words);
        }
    }
}
