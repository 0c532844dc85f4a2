//! Where a text stands in a message, which says what Telegram takes.

use crate::markup::Marked;
use crate::text::is_seen;

/// Telegram's limit of a message's text, in UTF-16 units.
pub const MESSAGE_LIMIT: usize = 4096;
/// Telegram's limit of a caption beside media, in UTF-16 units.
pub const CAPTION_LIMIT: usize = 1024;

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the message.
    Message,
    /// It stands beside an attachment, and may be empty.
    Caption,
}

impl Place {
    /// The place of the text of a message that has an attachment, or has none.
    pub const fn beside(has_media: bool) -> Self {
        if has_media { Self::Caption } else { Self::Message }
    }

    /// The greatest length that Telegram takes here, in UTF-16 units.
    pub const fn limit(self) -> usize {
        match self {
            Self::Message => MESSAGE_LIMIT,
            Self::Caption => CAPTION_LIMIT,
        }
    }

    /// Why Telegram does not take the text here: the end of a sentence that begins with the text. None if it does.
    pub fn fault(self, text: &Marked) -> Option<String> {
        let length = text.utf16_length();
        if self == Self::Message && !text.text.chars().any(is_seen) {
            return Some("is empty".into());
        }
        if length > self.limit() {
            return Some(format!("has {length} UTF-16 units; Telegram takes {}", self.limit()));
        }
        text.text.contains('\0').then(|| "has the character NUL, which Telegram does not take".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_may_be_empty_and_a_message_has_something_to_see() {
        let fault = |place: Place, text: &str| place.fault(&Marked::plain(text.into()));
        for nothing in ["", "\u{200b}", "\u{a0}\u{2800}", "\u{feff}\n"] {
            assert_eq!(fault(Place::Message, nothing).as_deref(), Some("is empty"), "{nothing:?}");
            assert_eq!(fault(Place::Caption, nothing), None);
        }
        assert_eq!(fault(Place::Message, "👍"), None);
        assert!(fault(Place::Message, "a\0b").is_some() && fault(Place::Caption, "\0").is_some());
    }

    #[test]
    fn lengths_are_in_utf16_units() {
        let emoji = |count: usize| Marked::plain("🎬".repeat(count));
        assert_eq!(Place::Message.fault(&emoji(2_048)), None);
        assert!(Place::Message.fault(&emoji(2_049)).is_some());
        assert_eq!(Place::Caption.fault(&emoji(512)), None);
        assert!(Place::Caption.fault(&emoji(513)).expect("too long").contains("1026 UTF-16 units"));
    }
}
