//! A template, as it is shown, and lists of them.

use crate::prelude::*;
use ::domain::broadcast::{MediaType, ParseMode};
use ::domain::error::{Error, Result};
use ::domain::id::TemplateId;
use ::domain::template as domain;
use storage::broadcast::{campaign, template};

pub mod list;
pub mod message_entity;
pub mod mutations;
pub mod preview;

/// A message with placeholders, such as `Hello, {{ channel_name }}! {{ offer | default("See you") }}`.
#[derive(Description)]
pub struct Template(template::Model);

node!(Template: TemplateId, template::Model);

#[Object(use_type_description)]
impl Template {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The text, with its placeholders.
    async fn content(&self) -> &str {
        &self.0.content
    }

    /// Notes for people; recipients never see them.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How the text is read.
    async fn parse_mode(&self) -> ParseMode {
        self.0.parse_mode
    }

    /// What is attached; null if nothing is.
    async fn media_type(&self) -> Option<MediaType> {
        self.0.media_type
    }

    /// Where the attachment comes from; null if it was uploaded.
    async fn media_url(&self) -> Option<&str> {
        self.0.media_url.as_deref()
    }

    /// The upload that is attached.
    async fn media_upload_id(&self) -> Option<ID> {
        self.0.media_upload_id.map(GlobalId::global)
    }

    /// How many campaigns were created with it.
    async fn usage_count(&self) -> i32 {
        self.0.usage_count
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The names of its placeholders, in alphabetical order, those that the channel fills too.
    async fn placeholders(&self) -> Result<Vec<String>> {
        Ok(self.read()?.placeholders().map(Into::into).collect())
    }

    /// The placeholders that a campaign must give values for: neither the channel nor a default fills them.
    async fn required_params(&self) -> Result<Vec<String>> {
        Ok(self.read()?.missing(&domain::Params::new()))
    }

    /// What looks like another tool's sign for something to be filled in, such as `{username}` or `%name%`, and would be sent as
    /// it stands: a sentence for each.
    async fn warnings(&self) -> Result<Vec<String>> {
        Ok(self.read()?.warnings(&self.0.content, &domain::Params::new()))
    }

    /// The campaigns that were made with it, newest first.
    async fn campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BroadcastCampaign>> {
        nested::connection(
            ctx,
            self.0.id,
            List::newest(campaign::Entity::of_template),
            PageArgs::new(ctx, first, after, last, before),
        )
        .await
    }
}

impl Template {
    fn read(&self) -> Result<domain::Template> {
        let place = domain::Place::beside(self.0.media_type.is_some());
        let read = domain::Template::read_at(&self.0.content, self.0.parse_mode, place);
        read.map_err(|why| Error::internal(anyhow::anyhow!("a stored template can't be read: {why}")))
    }
}
