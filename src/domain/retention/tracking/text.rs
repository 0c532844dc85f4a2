//! The links of a plain text.

use linkify::{LinkFinder, LinkKind};

use super::MOST_LINKS;

/// The text with what `link` makes of each address of the web in it; where it makes nothing, the address stays.
pub fn text(body: &str, mut link: impl FnMut(&str) -> Option<String>) -> String {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let (mut made, mut behind) = (String::with_capacity(body.len()), 0);
    for found in finder.links(body).take(MOST_LINKS) {
        if let Some(link) = link(found.as_str()) {
            made.push_str(&body[behind..found.start()]);
            made.push_str(&link);
            behind = found.end();
        }
    }
    made.push_str(&body[behind..]);
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::tracking::target;

    #[test]
    fn addresses_in_a_text_are_replaced_without_what_stands_around_them() {
        for (body, expected) in [
            ("Buy at https://a.example/x.", "Buy at [https://a.example/x]."),
            ("(see https://a.example/x_(y)), now!", "(see [https://a.example/x_(y)]), now!"),
            ("<https://a.example/?a=1&b=2>\r\nnext", "<[https://a.example/?a=1&b=2]>\r\nnext"),
            ("\"https://a.example\" 'https://b.example'", "\"[https://a.example]\" '[https://b.example]'"),
            ("HTTP://A.EXAMPLE/x", "[HTTP://A.EXAMPLE/x]"),
            ("Сюда: https://a.example/x, потом", "Сюда: [https://a.example/x], потом"),
            (
                "https://a.example https://herald.example/unsubscribe/t",
                "[https://a.example] https://herald.example/unsubscribe/t",
            ),
            (
                "mailto:a@b.example tel:+49301 tg://resolve?domain=x a.example b@c.example",
                "mailto:a@b.example tel:+49301 tg://resolve?domain=x a.example b@c.example",
            ),
            ("http:// https://", "http:// https://"),
            ("", ""),
        ] {
            let made = text(body, |found| Some(format!("[{}]", target(found, "https://herald.example")?)));
            assert_eq!(made, expected);
        }
    }

    #[test]
    fn what_can_t_be_replaced_stays_and_so_do_links_beyond_the_bound() {
        let body = "https://a.example/1 https://a.example/2";
        assert_eq!(text(body, |_| None), body);
        assert_eq!(text(body, |found| found.ends_with('2').then(|| "x".into())), "https://a.example/1 x");
        let many = "https://a.example/ ".repeat(MOST_LINKS + 7);
        let made = text(&many, |_| Some("x".into()));
        assert_eq!((made.matches("x ").count(), made.matches("https://a.example/ ").count()), (MOST_LINKS, 7));
    }
}
