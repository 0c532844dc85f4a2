//! How parts of a text look.

use crate::prelude::*;
use domain::markup::{Entity, Style};

/// How a part of a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum MessageEntityType {
    /// Bold, as `<b>` makes it.
    Bold,
    /// Italic, as `<i>` makes it.
    Italic,
    /// Underlined, as `<u>` makes it.
    Underline,
    /// Struck through, as `<s>` makes it.
    Strikethrough,
    /// Hidden until it is touched.
    Spoiler,
    /// In a fixed width, within a line.
    Code,
    /// A block in a fixed width; `language` may say which colours it gets.
    Pre,
    /// A quotation.
    Blockquote,
    /// A quotation that is shown folded.
    ExpandableBlockquote,
    /// A link to `url`.
    TextLink,
    /// A custom emoji, `customEmojiId`; the text is for those who can't see it.
    CustomEmoji,
    /// An instant, `momentAt`, which each reader sees in his own zone and language, as `<tg-time>` makes it.
    DateTime,
}

/// A part of a text and how it looks. Places are counted in UTF-16 units, as JavaScript and Telegram do.
#[derive(Debug, SimpleObject)]
pub struct MessageEntity {
    /// What it looks like.
    #[graphql(name = "type")]
    kind: MessageEntityType,
    /// Where it begins, from 0.
    offset: i32,
    /// How long it is, at least 1.
    length: i32,
    /// Of a `TEXT_LINK`: the address that it leads to.
    url: Option<String>,
    /// Of a `PRE`: the programming language, if it names one.
    language: Option<String>,
    /// Of a `CUSTOM_EMOJI`: by which number Telegram finds the picture.
    custom_emoji_id: Option<String>,
    /// Of a `DATE_TIME`: the instant.
    moment_at: Option<DateTime>,
}

impl From<Entity> for MessageEntity {
    fn from(Entity { offset, length, style }: Entity) -> Self {
        let kind = match &style {
            Style::Bold => MessageEntityType::Bold,
            Style::Italic => MessageEntityType::Italic,
            Style::Underline => MessageEntityType::Underline,
            Style::Strike => MessageEntityType::Strikethrough,
            Style::Spoiler => MessageEntityType::Spoiler,
            Style::Code => MessageEntityType::Code,
            Style::Pre(_) => MessageEntityType::Pre,
            Style::Quote { is_folded: false } => MessageEntityType::Blockquote,
            Style::Quote { is_folded: true } => MessageEntityType::ExpandableBlockquote,
            Style::Link(_) => MessageEntityType::TextLink,
            Style::Emoji(_) => MessageEntityType::CustomEmoji,
            Style::Date(_) => MessageEntityType::DateTime,
        };
        let mut entity =
            Self { kind, offset, length, url: None, language: None, custom_emoji_id: None, moment_at: None };
        match style {
            Style::Link(url) => entity.url = Some(url),
            Style::Pre(language) => entity.language = Some(language).filter(|language| !language.is_empty()),
            Style::Emoji(id) => entity.custom_emoji_id = Some(id.to_string()),
            Style::Date(date) => {
                entity.moment_at = chrono::DateTime::from_timestamp(date.unix.into(), 0).map(Into::into);
            }
            _ => {}
        }
        entity
    }
}
