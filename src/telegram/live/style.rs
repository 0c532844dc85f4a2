//! How a text looks, as Telegram is told.

use grammers_client::tl::{enums, types};

use domain::markup::{Date, Entity, Style};

/// The looks of a text; None for a plain one.
pub(super) fn entities(looks: &[Entity]) -> Option<Vec<enums::MessageEntity>> {
    (!looks.is_empty()).then(|| looks.iter().map(entity).collect())
}

fn entity(look: &Entity) -> enums::MessageEntity {
    let (offset, length) = (look.offset, look.length);
    match &look.style {
        Style::Bold => types::MessageEntityBold { offset, length }.into(),
        Style::Italic => types::MessageEntityItalic { offset, length }.into(),
        Style::Underline => types::MessageEntityUnderline { offset, length }.into(),
        Style::Strike => types::MessageEntityStrike { offset, length }.into(),
        Style::Spoiler => types::MessageEntitySpoiler { offset, length }.into(),
        Style::Code => types::MessageEntityCode { offset, length }.into(),
        Style::Pre(language) => types::MessageEntityPre { offset, length, language: language.clone() }.into(),
        Style::Quote { is_folded } => types::MessageEntityBlockquote { collapsed: *is_folded, offset, length }.into(),
        Style::Link(url) => types::MessageEntityTextUrl { offset, length, url: url.clone() }.into(),
        Style::Emoji(document_id) => {
            types::MessageEntityCustomEmoji { offset, length, document_id: *document_id }.into()
        }
        Style::Date(Date { unix, shown }) => types::MessageEntityFormattedDate {
            relative: shown.has('r'),
            short_time: shown.has('t'),
            long_time: shown.has('T'),
            short_date: shown.has('d'),
            long_date: shown.has('D'),
            day_of_week: shown.has('w'),
            offset,
            length,
            date: *unix,
        }
        .into(),
    }
}
