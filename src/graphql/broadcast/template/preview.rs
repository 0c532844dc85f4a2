//! What a message would look like in a real channel.

use std::collections::BTreeMap;

use crate::broadcast::template::message_entity::MessageEntity;
use crate::engine::guard::require;
use crate::prelude::*;
use ::service::broadcast::template::{self as service, Message, Preview, Source};
use domain::broadcast::{MediaType, ParseMode};
use domain::markup::Marked;

/// What a message would look like in one channel.
#[derive(SimpleObject)]
struct TemplatePreview {
    /// The text as the channel would get it, without any tags; null while placeholders are missing.
    text: Option<String>,
    /// How parts of the text look, in the order of their beginnings: what the tags of an HTML text become.
    entities: Vec<MessageEntity>,
    /// The length of the text in UTF-16 units, as Telegram counts it; null while placeholders are missing.
    utf16_length: Option<i32>,
    /// The greatest length that Telegram takes: 4,096, and 1,024 beside an attachment.
    limit: i32,
    /// Whether Telegram takes the text: it is not longer than the limit, and not empty unless something is attached; null while
    /// placeholders are missing.
    fits: Option<bool>,
    /// What looks like another tool's sign for something to be filled in, such as `{username}` or `%name%`, and would be sent as
    /// it stands: a sentence for each.
    warnings: Vec<String>,
    /// The names of all placeholders of the message, in alphabetical order.
    placeholders: Vec<String>,
    /// Those for which there is no value: a campaign must give them.
    missing_placeholders: Vec<String>,
}

impl From<Preview> for TemplatePreview {
    fn from(preview: Preview) -> Self {
        let Preview { text, limit, fits, warnings, placeholders, missing } = preview;
        let utf16_length = text.as_ref().map(Marked::utf16_length);
        let (text, entities) = text.map(|marked| (marked.text, marked.entities)).unzip();
        Self {
            text,
            entities: entities.unwrap_or_default().into_iter().map(MessageEntity::from).collect(),
            utf16_length: utf16_length.map(int),
            limit: int(limit),
            fits,
            warnings,
            placeholders,
            missing_placeholders: missing,
        }
    }
}

/// Shows messages before they are sent.
#[derive(Default)]
pub struct PreviewQuery;

#[Object]
impl PreviewQuery {
    /// What a message would look like in a real channel: of a template, or of a text that is being written.
    #[graphql(directive = requires::apply(Permission::ReadBroadcast))]
    async fn preview_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The channel that it is shown for.")] channel_id: ID,
        #[graphql(desc = "The template. Either this or content is given.")] template_id: Option<ID>,
        #[graphql(desc = "The text. Either this or templateId is given. It needs the permission to write campaigns.")]
        content: Option<String>,
        #[graphql(desc = "How content is read; PLAIN by default.")] parse_mode: Option<ParseMode>,
        #[graphql(desc = "What is attached to content: then the limit is lower.")] media_type: Option<MediaType>,
        #[graphql(desc = "Values of placeholders: an object of strings.")] params: Option<Json>,
    ) -> Result<Option<TemplatePreview>> {
        let channel = channel_id.argument("channelId")?;
        let source = match (template_id, content) {
            (Some(id), None) => Source::Template(id.argument("templateId")?),
            (None, Some(content)) => {
                require(ctx, Permission::WriteCampaigns)?;
                let parse_mode = parse_mode.unwrap_or(ParseMode::Plain);
                Source::Draft(Message { content, parse_mode, has_media: media_type.is_some() })
            }
            _ => return Err(wrong("templateId", "give either templateId or content")),
        };
        let params = match params {
            Some(Json(params)) => read_params(params)?,
            None => BTreeMap::new(),
        };
        Ok(Some(service::preview(ctx.services(), source, channel, &params).boxed().await?.into()))
    }
}

fn read_params(params: serde_json::Value) -> Result<BTreeMap<String, String>> {
    serde_json::from_value(params).map_err(|_| wrong("params", "must be an object of strings"))
}

fn wrong(argument: &str, message: &str) -> Error {
    Error::Invalid(vec![Violation { path: vec![argument.into()], message: message.into() }])
}
