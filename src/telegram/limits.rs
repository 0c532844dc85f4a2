//! What Telegram refuses of a message, by its own words: the pretend Telegram holds what it is given to it.

use domain::delivery::Fault;
use domain::markup::{Entity, Marked};

/// The longest text, in UTF-16 units.
const TEXT: usize = 4096;
/// The longest caption, in UTF-16 units.
const CAPTION: usize = 1024;
/// Entities that a message has at most.
const ENTITIES: usize = 100;

/// What Telegram says to a message with this text; None if it takes it.
pub fn refusal(text: &Marked, has_media: bool) -> Option<Fault> {
    // Blanks at the ends are taken away before anything is counted.
    let length = text.text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).encode_utf16().count();
    let whole = text.text.encode_utf16().count();
    let is_within = |entity: &Entity| {
        let (begin, length) = (usize::try_from(entity.offset), usize::try_from(entity.length));
        matches!((begin, length), (Ok(begin), Ok(length)) if length > 0 && begin + length <= whole)
    };
    let name = match length {
        0 if !has_media => "MESSAGE_EMPTY",
        length if has_media && length > CAPTION => "MEDIA_CAPTION_TOO_LONG",
        length if length > TEXT => "MESSAGE_TOO_LONG",
        _ if text.entities.len() > ENTITIES => "ENTITIES_TOO_LONG",
        _ if !text.entities.iter().all(is_within) => "ENTITY_BOUNDS_INVALID",
        _ => return None,
    };
    Some(Fault::rpc(400, name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::broadcast::ParseMode;
    use domain::template::{Channel, Place, Template};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_empty_or_too_long_is_refused() {
        let said =
            |text: &str, has_media| refusal(&Marked::plain(text.into()), has_media).map(|fault| fault.to_string());
        assert_eq!(said("x", false), None);
        assert_eq!(said(" \n", false).as_deref(), Some("MESSAGE_EMPTY"));
        assert_eq!(said("", true), None);
        assert_eq!(said(&"🎬".repeat(2_048), false), None);
        assert_eq!(said(&"🎬".repeat(2_049), false).as_deref(), Some("MESSAGE_TOO_LONG"));
        assert_eq!(said(&"x".repeat(1_025), true).as_deref(), Some("MEDIA_CAPTION_TOO_LONG"));
    }

    /// Parts of a text as people write them.
    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[ -;=?-z|~а-яё🎬👍\u{200b}\u{a0}\n\r\t]{0,12}",
            1 => "\\PC{0,8}",
            2 => prop_oneof![
                Just("{{ title }}"), Just("{{ username }}"), Just("{{ offer | default('') }}"), Just("{{ member_count }}"),
                Just("{% if title %}"), Just("{% endif %}"), Just("{{ title | upper }}"), Just("{{ offer * 1 }}"),
                Just("<b>"), Just("</b>"), Just("<i>x</i>"), Just("<blockquote>"), Just("</blockquote>"), Just("&amp;"), Just("&"),
                Just("<a href=\"https://x.y\">"), Just("</a>"), Just("<pre>"), Just("</pre>"), Just(" \n "),
            ].prop_map(str::to_owned),
            1 => (0_usize..5_000, "[x🎬 ]").prop_map(|(times, sign)| sign.repeat(times)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        #[test]
        fn what_the_preflight_accepts_telegram_takes(
            parts in prop::collection::vec(part(), 0..8),
            title in prop::option::of("\\PC{0,300}"),
            offer in prop::option::of(part()),
            members in prop::option::of(0..i32::MAX),
            is_html in any::<bool>(),
            has_media in any::<bool>(),
        ) {
            let content = parts.concat();
            let (mode, place) = (if is_html { ParseMode::Html } else { ParseMode::Plain }, Place::beside(has_media));
            let Ok(read) = Template::read_at(&content, mode, place) else { return Ok(()) };
            let params: BTreeMap<String, String> = offer.into_iter().map(|offer| ("offer".to_owned(), offer)).collect();
            if !read.missing(&params).is_empty() {
                return Ok(());
            }
            let channel = Channel::of("proofnews", title.as_deref(), "news", members);
            if read.fault(&params, &channel, place).is_some() {
                return Ok(());
            }
            let text = read.render(&params, &channel).map_err(TestCaseError::fail)?;
            prop_assert_eq!(refusal(&text, has_media), None, "{:?}", text);
            prop_assert!(!text.text.contains('\0'));
            prop_assert_eq!(text.text.trim_matches([' ', '\t', '\n', '\r']), text.text.as_str(), "as Telegram keeps it");
            let units: Vec<u16> = text.text.encode_utf16().collect();
            for entity in &text.entities {
                let (begin, length) = (usize::try_from(entity.offset).unwrap(), usize::try_from(entity.length).unwrap());
                // No entity begins or ends within a character.
                prop_assert!(String::from_utf16(&units[begin..begin + length]).is_ok(), "{entity:?} of {text:?}");
            }
            // The same text again: what was checked is what is sent.
            prop_assert_eq!(read.render(&params, &channel), Ok(text));
        }
    }
}
