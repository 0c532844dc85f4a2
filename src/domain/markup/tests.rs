//! What the tags of Telegram's HTML become, and which mistakes are told.

use proptest::prelude::*;

use super::*;

fn entities(html: &str) -> (String, Vec<(i32, i32, Style)>) {
    let Marked { text, entities } = read(html).unwrap();
    (text, entities.into_iter().map(|entity| (entity.offset, entity.length, entity.style)).collect())
}

#[test]
fn each_tag_has_its_look() {
    let styles = [
        ("<b>x</b>", Style::Bold),
        ("<STRONG>x</STRONG>", Style::Bold),
        ("<i>x</i>", Style::Italic),
        ("<em>x</em>", Style::Italic),
        ("<u>x</u>", Style::Underline),
        ("<ins>x</ins>", Style::Underline),
        ("<s>x</s>", Style::Strike),
        ("<strike>x</strike>", Style::Strike),
        ("<del>x</del>", Style::Strike),
        ("<tg-spoiler>x</tg-spoiler>", Style::Spoiler),
        ("<span class=\"tg-spoiler\">x</span>", Style::Spoiler),
        ("<code>x</code>", Style::Code),
        ("<pre>x</pre>", Style::Pre(String::new())),
        ("<pre><code class=\"language-rust\">x</code></pre>", Style::Pre("rust".into())),
        ("<blockquote>x</blockquote>", Style::Quote { is_folded: false }),
        ("<blockquote expandable>x</blockquote>", Style::Quote { is_folded: true }),
        ("<a href='https://t.me/x?a=1&amp;b=2'>x</a>", Style::Link("https://t.me/x?a=1&b=2".into())),
        ("<tg-emoji emoji-id=\"5368324170671202286\">x</tg-emoji>", Style::Emoji(5_368_324_170_671_202_286)),
    ];
    for (html, style) in styles {
        assert_eq!(entities(html), ("x".into(), vec![(0, 1, style)]), "{html}");
    }
}

#[test]
fn places_are_counted_as_telegram_counts_them() {
    // The clapper is one character, two UTF-16 units; a newline stays.
    let (text, found) = entities("🎬 <b>Кино <i>дня</i></b>\n&lt;&#x1F3AC;&amp;<u>!</u><i></i>");
    assert_eq!(text, "🎬 Кино дня\n<🎬&!");
    assert_eq!(found, [(3, 8, Style::Bold), (8, 3, Style::Italic), (16, 1, Style::Underline)]);
}

#[test]
fn what_telegram_would_refuse_or_lose_is_a_mistake() {
    let wrong = [
        ("<b>x", "<b> is not closed"),
        ("<b>x</i>", "</i> comes before the end of <b>"),
        ("x</b>", "</b> closes nothing"),
        ("<br>", "there is no tag <br>"),
        ("1 < 2", "write &lt; for the sign"),
        ("a & b", "write &amp; for a single &"),
        ("&nbsp;", "write &amp; for a single &"),
        ("<a>x</a>", "<a> needs href"),
        ("<a href=\"t.me\">x</a>", "is not a whole URL"),
        ("<a href=\"javascript:alert(1)\">x</a>", "can't lead to javascript:"),
        ("<a href=\"tg://user?id=1\">x</a>", "only one account knows"),
        ("<a href=https://t.me>x</a>", "must be written as name=\"value\""),
        ("<span>x</span>", "class=\"tg-spoiler\""),
        ("<tg-emoji>x</tg-emoji>", "emoji-id"),
        ("<code><b>x</b></code>", "<code> can have no <b> in it"),
        ("<blockquote><blockquote>x</blockquote></blockquote>", "can have no other in it"),
    ];
    for (html, sentence) in wrong {
        let told = read(html).unwrap_err();
        assert!(told.contains(sentence), "{html}: {told}");
    }
    assert!(read(&"<b>x</b>".repeat(MOST_ENTITIES)).is_ok());
    assert!(read(&"<b>x</b>".repeat(MOST_ENTITIES + 1)).is_err());
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_entities_lie_in_their_text(html in "[<>/&;\"'=a-e #x0-9🎬б\\n]{0,80}|(<(b|i|a href=\"https://x.y\")>|</(b|i|a)>|x|🎬){0,20}") {
        if let Ok(marked) = read(&html) {
            let units = i32::try_from(marked.text.encode_utf16().count()).unwrap();
            for entity in &marked.entities {
                prop_assert!(entity.length > 0 && entity.offset >= 0 && entity.offset + entity.length <= units);
            }
            prop_assert!(marked.entities.is_sorted_by_key(|entity| entity.offset));
        }
    }

    #[test]
    fn plain_text_comes_out_as_it_went_in(text in "\\PC{0,60}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        prop_assert_eq!(read(&escaped).unwrap(), Marked { text, entities: Vec::new() });
    }
}
