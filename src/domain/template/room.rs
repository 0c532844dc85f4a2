//! Whether a text can come near Telegram's limits at all: most can't, whoever gets them, and need not be rendered to know it.

use super::{BUILT_IN, Channel, Params, Place, Template};
use crate::broadcast::ParseMode;

/// What is left to the values of the channels in a text of nothing but words and placeholders. Such a text is never longer than it is
/// written, with the values beside it; so a channel whose values fit into what is left needs no closer look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// UTF-16 units that are left.
    left: usize,
    /// The placeholders that channels fill, each as often as it stands there.
    used: Vec<&'static str>,
}

impl Template {
    /// What is left to the channels' values; None if the text has instructions or filters, or is near its limits without any value: then
    /// each text has to be rendered. `content` is what the template was read from.
    pub fn room(&self, content: &str, params: &Params, place: Place) -> Option<Room> {
        let mut length = units(content);
        let mut used = Vec::new();
        for name in names(content, self.parse_mode)? {
            match (params.get(name), BUILT_IN.into_iter().find(|known| *known == name)) {
                (Some(value), _) => length += units(value),
                (None, Some(known)) => used.push(known),
                (None, None) => return None,
            }
        }
        let left = place.limit().checked_sub(length)?;
        // With nothing in the channel's places it can be sent: more never makes it empty, and what is in them is escaped.
        let is_sound = self.fault(params, &Channel::of("", None, "", None), place).is_none();
        is_sound.then_some(Room { left, used })
    }
}

impl Room {
    /// Whether the channel's text surely can be sent.
    pub fn takes(&self, channel: &Channel<'_>) -> bool {
        let mut length = 0;
        for name in &self.used {
            let text = match *name {
                "channel_name" => channel.name,
                "username" => channel.username,
                "title" => channel.title.unwrap_or_default(),
                "category" => channel.category,
                // A number of members has eleven signs at most.
                _ => "-2147483648",
            };
            if text.contains('\0') {
                return false;
            }
            length += units(text);
        }
        length <= self.left
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The names between braces, in their order; None if there is anything else between braces, or one stands where its value would be
/// more than text: in a tag, or behind the beginning of an entity.
fn names(content: &str, parse_mode: ParseMode) -> Option<Vec<&str>> {
    let (mut names, mut at) = (Vec::new(), 0);
    while let Some(found) = content[at..].find('{') {
        let begin = at + found;
        let rest = &content[begin + 1..];
        if rest.starts_with(['%', '#']) {
            return None;
        }
        let Some(inner) = rest.strip_prefix('{') else {
            at = begin + 1;
            continue;
        };
        let (inner, _) = inner.split_once("}}")?;
        at = begin + 2 + inner.len() + 2;
        let trimmed = inner.strip_prefix(['-', '+']).unwrap_or(inner);
        let name = trimmed.strip_suffix(['-', '+']).unwrap_or(trimmed).trim();
        let is_name = !name.is_empty() && name.chars().all(|sign| sign.is_alphanumeric() || sign == '_');
        if !is_name || (parse_mode == ParseMode::Html && is_within_markup(&content[..begin])) {
            return None;
        }
        names.push(name);
    }
    Some(names)
}

/// Whether what follows `before` stands in a tag, or may belong to an entity.
fn is_within_markup(before: &str) -> bool {
    before.rfind('<') > before.rfind('>') || before.rfind('&') > before.rfind(';')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(content: &str, parse_mode: ParseMode, params: &Params) -> Option<Room> {
        Template::read(content, parse_mode).expect("reads").room(content, params, Place::Message)
    }

    #[test]
    fn only_a_text_of_words_and_placeholders_has_room() {
        let params = Params::from([("offer".to_owned(), "20 %".to_owned())]);
        for (content, mode) in [
            ("Hello {{ channel_name }}: {{ offer }}", ParseMode::Plain),
            ("a { b {{- title -}} c }", ParseMode::Plain),
            ("<b>{{ title }}</b> &amp; {{username}} <a href=\"https://a.b\">{{ category }}</a>", ParseMode::Html),
            ("nobody in particular", ParseMode::Html),
        ] {
            assert!(room(content, mode, &params).is_some(), "{content}");
        }
        for (content, mode) in [
            ("{% if title %}{{ title }}{% endif %}x", ParseMode::Plain),
            ("{{ title | upper }}", ParseMode::Plain),
            ("{{ title * 3 }} x", ParseMode::Plain),
            ("{{ channel_name }}", ParseMode::Plain),
            ("<a href=\"https://t.me/{{ username }}\">x</a>", ParseMode::Html),
            ("x &{{ username }};", ParseMode::Html),
        ] {
            assert_eq!(room(content, mode, &params), None, "{content}");
        }
        assert_eq!(room(&"x".repeat(4_097), ParseMode::Plain, &params), None);
    }

    /// Whoever fits by the sum fits when his text is rendered: tried with values that grow in every way.
    #[test]
    fn who_has_room_can_be_sent_to() {
        let values = ["", "a", "<&>\"'", "🎬🎬", "\r\n", " \u{200b}", "{{ title }}", "&lt;b&gt;"];
        for (content, mode) in [
            ("Hello {{ channel_name }} {{ title }}{{title}} {{ member_count }}", ParseMode::Plain),
            ("<b>{{ title }}</b>{{ username }}<i>x {{ category }}</i>", ParseMode::Html),
        ] {
            for padding in [0, 3_900, 4_000, 4_060] {
                let content = format!("{content}{}", "y".repeat(padding - padding.min(units(content))));
                let read = Template::read(&content, mode).expect("reads");
                let Some(room) = read.room(&content, &Params::new(), Place::Message) else { continue };
                for value in values {
                    for times in [1, 5, 20, 60] {
                        let long = value.repeat(times);
                        let channel = Channel::of(&long, Some(&long), &long, Some(i32::MIN));
                        let fault = read.fault(&Params::new(), &channel, Place::Message);
                        assert!(!room.takes(&channel) || fault.is_none(), "{content} {value} {times}: {fault:?}");
                    }
                }
            }
        }
        let nul = room("x {{ title }}", ParseMode::Plain, &Params::new()).expect("has room");
        assert!(!nul.takes(&Channel::of("a", Some("b\0"), "c", None)));
    }
}
