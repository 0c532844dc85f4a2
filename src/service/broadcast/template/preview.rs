//! What a message would look like in a real channel.

use sea_orm::EntityTrait;

use crate::Services;
use domain::broadcast::ParseMode;
use domain::error::{Error, Result, Violation};
use domain::id::{ChannelId, TemplateId};
use domain::markup::Marked;
use domain::template::{Params, Place, Template};
use storage::broadcast::{channel, template};

/// The message that is to be shown.
#[derive(Debug, Clone)]
pub enum Source {
    /// A template that is stored.
    Template(TemplateId),
    /// One that is being written.
    Draft(Message),
}

/// A message that is not stored.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message's text.
    pub content: String,
    /// How the text is read.
    pub parse_mode: ParseMode,
    /// Whether something is attached: then the limit is lower.
    pub has_media: bool,
}

/// A message as it would look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The text and how it looks; None while placeholders are missing.
    pub text: Option<Marked>,
    /// The greatest length that Telegram takes.
    pub limit: usize,
    /// Whether Telegram takes the text; None while placeholders are missing.
    pub fits: Option<bool>,
    /// What would be sent as it stands, though it looks like something to be filled in.
    pub warnings: Vec<String>,
    /// All placeholders that the message uses.
    pub placeholders: Vec<String>,
    /// Placeholders that neither the params nor the channel fill.
    pub missing: Vec<String>,
}

/// Renders a message for a channel with a campaign's params.
///
/// # Errors
/// `NOT_FOUND` if there is no such template or channel, [`Error::Invalid`] if the message can't be read or rendered.
pub async fn preview(on: &Services, source: Source, channel: ChannelId, params: &Params) -> Result<Preview> {
    let is_draft = matches!(source, Source::Draft(_));
    let message = match source {
        Source::Draft(message) => message,
        Source::Template(id) => stored(on, id).await?,
    };
    let channel = channel::Entity::find_by_id(channel).one(on.db.reader()).await?;
    let channel = channel.ok_or(Error::NotFound("channel"))?;
    let wrong = |why| Error::Invalid(vec![Violation { path: vec!["content".into()], message: why }]);
    let place = Place::beside(message.has_media);
    let read = Template::read_at(&message.content, message.parse_mode, place).map_err(wrong)?;
    if is_draft {
        // A template was looked at when it was written.
        Template::check_names(&message.content, message.parse_mode).map_err(wrong)?;
    }
    let missing = read.missing(params);
    let text =
        if missing.is_empty() { Some(read.render(params, &channel.placeholders()).map_err(wrong)?) } else { None };
    Ok(Preview {
        fits: text.as_ref().map(|text| place.fault(text).is_none()),
        text,
        limit: place.limit(),
        warnings: read.warnings(&message.content, params),
        placeholders: read.placeholders().map(Into::into).collect(),
        missing,
    })
}

async fn stored(on: &Services, id: TemplateId) -> Result<Message> {
    let row = template::Entity::find_by_id(id).one(on.db.reader()).await?.ok_or(Error::NotFound("template"))?;
    Ok(Message { content: row.content, parse_mode: row.parse_mode, has_media: row.media_type.is_some() })
}
