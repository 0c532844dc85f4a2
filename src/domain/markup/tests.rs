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
    ];
    for (html, style) in styles {
        assert_eq!(entities(html), ("x".into(), vec![(0, 1, style)]), "{html}");
    }
    for (html, style) in [
        ("<span class=tg-spoiler>x</span>", Style::Spoiler),
        ("<b>x</>", Style::Bold),
        ("<a href='t.me/x'>x</a>", Style::Link("http://t.me/x".into())),
        ("<a href=' https://t.me/x '>x</a>", Style::Link("https://t.me/x".into())),
        ("<a href='ton://transfer/x'>x</a>", Style::Link("ton://transfer/x".into())),
    ] {
        assert_eq!(entities(html), ("x".into(), vec![(0, 1, style)]), "{html}");
    }
    for (format, shown) in [(" format=\"wDT\"", "wDT"), (" format='r'", "r"), (" format=t", "t"), ("", "")] {
        let (_, found) = entities(&format!("<tg-time unix=\"1647531900\"{format}>22:45 tomorrow</tg-time>"));
        let Style::Date(date) = &found[0].2 else { panic!("{found:?}") };
        let letters: String = "rwdDtT".chars().filter(|letter| date.shown.has(*letter)).collect();
        assert_eq!((date.unix, letters.as_str()), (1_647_531_900, shown));
    }
    for emoji in ["👍", "👍🏽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏻", "❤️", "👩‍👩‍👧‍👦", "🇩🇪", "1️⃣", "⭐"]
    {
        let (text, found) = entities(&format!("<tg-emoji emoji-id=\"5368324170671202286\">{emoji}</tg-emoji>"));
        assert_eq!((text.as_str(), found[0].2.clone()), (emoji, Style::Emoji(5_368_324_170_671_202_286)));
    }
}

/// The block of examples of the Bot API's documentation, under "HTML style", but for the mention of a person by number.
#[test]
fn the_examples_of_the_documentation_are_taken() {
    let nested = "<b>bold <i>italic bold <s>italic bold strikethrough <span class=\"tg-spoiler\">italic bold strikethrough spoiler\
        </span></s> <u>underline italic bold</u></i> bold</b>";
    let (text, found) = entities(nested);
    assert_eq!(
        text,
        "bold italic bold italic bold strikethrough italic bold strikethrough spoiler underline italic bold bold"
    );
    assert_eq!(
        found,
        [
            (0, 103, Style::Bold),
            (5, 93, Style::Italic),
            (17, 59, Style::Strike),
            (43, 33, Style::Spoiler),
            (77, 21, Style::Underline),
        ]
    );
    for html in [
        "<b>bold</b>, <strong>bold</strong>\n<i>italic</i>, <em>italic</em>\n<u>underline</u>, <ins>underline</ins>",
        "<s>strikethrough</s>, <strike>strikethrough</strike>, <del>strikethrough</del>",
        "<span class=\"tg-spoiler\">spoiler</span>, <tg-spoiler>spoiler</tg-spoiler>",
        "<a href=\"http://www.example.com/\">inline URL</a>",
        "<tg-emoji emoji-id=\"5368324170671202286\">👍</tg-emoji>",
        "<code>inline fixed-width code</code>\n<pre>pre-formatted fixed-width code block</pre>",
        "<pre><code class=\"language-python\">pre-formatted code block in Python</code></pre>",
        "<blockquote>Block quotation started\nBlock quotation continued\nThe last line</blockquote>",
        "<blockquote expandable>Expandable block quotation started\nHidden by default\nThe last line</blockquote>",
    ] {
        assert!(read(html).is_ok_and(|marked| !marked.entities.is_empty()), "{html}");
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
        ("a&nbsp;b", "there is no &nbsp; in Telegram's HTML: write the character itself"),
        ("&mdash;", "write the character itself"),
        ("&laquo;x&raquo;", "there is no &laquo;"),
        ("it&apos;s", "there is no &apos;"),
        ("&#0;", "there is no character &#0;"),
        ("&#xD800;", "there is no character"),
        ("&#99999999999;", "there is no character"),
        ("<a>x</a>", "<a> needs href"),
        ("<a href=\"telegram\">x</a>", "is not a whole URL"),
        ("<a href=\"//t.me/x\">x</a>", "is not a whole URL"),
        ("a&frac12;", "there is no &frac12;"),
        ("<br/>", "begin a new line"),
        ("<p>x</p>", "begin a new line"),
        ("<ul><li>x</li></ul>", "lines that begin with a sign"),
        ("x < y > z", "a < has no tag behind it"),
        ("a <3 b>", "write &lt; for the sign itself"),
        ("<!-- x -->", "write &lt; for the sign itself"),
        ("<b>x</>y</>", "closes nothing"),
        ("<tg-emoji emoji-id=\"1\">👍👍</tg-emoji>", "stands around one emoji"),
        ("<tg-emoji emoji-id=\"1\">👍🏻👎</tg-emoji>", "stands around one emoji"),
        ("<tg-emoji emoji-id=\"1\">🇩🇪🇫🇷</tg-emoji>", "stands around one emoji"),
        ("<tg-emoji emoji-id=\"1\">\u{200d}</tg-emoji>", "stands around one emoji"),
        ("<tg-time>x</tg-time>", "<tg-time> needs unix"),
        ("<tg-time unix=\"-5\">x</tg-time>", "<tg-time> needs unix"),
        ("<tg-time unix=\"1\" format=\"rT\">x</tg-time>", "the format of a <tg-time>"),
        ("<tg-time unix=\"1\" format=\"dD\">x</tg-time>", "the format of a <tg-time>"),
        ("<tg-time unix=\"1\" format=\"tt\">x</tg-time>", "the format of a <tg-time>"),
        ("<a href=\"javascript:alert(1)\">x</a>", "can't lead to javascript:"),
        ("<a href=\"tg://user?id=1\">x</a>", "only one account knows"),
        ("<a href=https://t.me>x</a>", "must be written as name=\"value\""),
        ("<span>x</span>", "class=\"tg-spoiler\""),
        ("<tg-emoji>x</tg-emoji>", "emoji-id"),
        ("<code><b>x</b></code>", "<code> can have no <b> in it"),
        ("<b><code>x</code></b>", "<b> can have no <code> in it"),
        ("<i><b><pre>x</pre></b></i>", "can have no <pre> in it"),
        ("<pre><b>x</b></pre>", "<pre> can have no <b> in it"),
        ("<a href=\"https://a.b\"><a href=\"https://c.d\">x</a></a>", "a <a> can have no other in it"),
        ("<a href=\"https://a.b\"><b><code>x</code></b></a>", "can have no <code> in it"),
        ("<a href=\"https://a.b\"><tg-emoji emoji-id=\"1\">👍</tg-emoji></a>", "<a> can have no <tg-emoji> in it"),
        ("<tg-emoji emoji-id=\"1\">abc</tg-emoji>", "stands around one emoji"),
        ("<tg-emoji emoji-id=\"1\"></tg-emoji>", "stands around one emoji"),
        ("<tg-emoji emoji-id=\"1\">👍 👍</tg-emoji>", "stands around one emoji"),
        ("<blockquote><b><blockquote>x</blockquote></b></blockquote>", "can have no other in it"),
        ("<blockquote><blockquote>x</blockquote></blockquote>", "can have no other in it"),
    ];
    for (html, sentence) in wrong {
        let told = read(html).unwrap_err();
        assert!(told.contains(sentence), "{html}: {told}");
    }
    assert!(read(&"<b>x</b>".repeat(MOST_ENTITIES)).is_ok());
    assert!(read(&"<b>x</b>".repeat(MOST_ENTITIES + 1)).is_err());
}

#[test]
fn an_ampersand_is_taken_as_telegram_takes_it() {
    for (html, text) in [
        ("Tom & Jerry", "Tom & Jerry"),
        ("a && b &1 &; &# &amp;", "a && b &1 &; &# &"),
        ("&lt;b&gt; &quot;x&quot; &#38; &#x26;", "<b> \"x\" & &"),
        ("1 &lt 2 &gt 1", "1 < 2 > 1"),
        ("&lt=1 &#128077 &#x1F44D! &#38;", "<=1 👍 👍! &"),
        ("Q&#A &# 5&lt6", "Q&#A &# 5<6"),
    ] {
        assert_eq!(read(html).map(|marked| marked.text).as_deref(), Ok(text), "{html}");
    }
    let (_, found) = entities("<a href=\"https://x.y/?utm_source=tg&utm_medium=post&lt=3&amp;z=1\">x</a>");
    assert_eq!(found, [(0, 1, Style::Link("https://x.y/?utm_source=tg&utm_medium=post&lt=3&z=1".into()))]);
}

#[test]
fn blanks_at_both_ends_go_and_entities_move_along() {
    let trimmed = |html| {
        let Marked { text, entities } = read(html).unwrap().trimmed();
        (text, entities.into_iter().map(|entity| (entity.offset, entity.length)).collect::<Vec<_>>())
    };
    assert_eq!(trimmed("\n<b>Head</b>\n"), ("Head".into(), vec![(0, 4)]));
    assert_eq!(trimmed("<b> \tx🎬 </b>"), ("x🎬".into(), vec![(0, 3)]));
    assert_eq!(trimmed("<i> </i>x<u> \n</u>"), ("x".into(), vec![]));
    assert_eq!(trimmed("a\r\n<b>b</b>"), ("a\nb".into(), vec![(2, 1)]));
    assert_eq!(trimmed(" \n "), (String::new(), vec![]));
    assert_eq!(trimmed("as <b>it</b> is"), ("as it is".into(), vec![(3, 2)]));
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
            let trimmed = marked.trimmed();
            let units = i32::try_from(trimmed.text.encode_utf16().count()).unwrap();
            prop_assert_eq!(trimmed.text.trim_matches(is_blank), &trimmed.text);
            for entity in &trimmed.entities {
                prop_assert!(entity.length > 0 && entity.offset >= 0 && entity.offset + entity.length <= units);
            }
        }
    }

    #[test]
    fn plain_text_comes_out_as_it_went_in(text in "\\PC{0,60}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        prop_assert_eq!(read(&escaped).unwrap(), Marked { text, entities: Vec::new() });
    }
}
