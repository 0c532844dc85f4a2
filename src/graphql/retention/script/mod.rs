//! A script, as it is shown.

use crate::prelude::*;
use ::service::retention::meta::without_secrets;
use domain::id::ScriptId;
use domain::retention::placeholders;
use domain::retention::words::{ContactChannel, ScriptFormat};
use storage::retention::{contact_attempt, script, sequence_step};

pub mod list;
pub mod mutations;
pub mod preview;

/// What is said to leads on one channel, such as `Hello {{ first_name | default("there") }}`.
#[derive(Description)]
pub struct Script(script::Model);

node!(Script: ScriptId, script::Model);

#[Object(use_type_description)]
impl Script {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The channel that it is written for.
    #[graphql(name = "type")]
    async fn channel(&self) -> ContactChannel {
        self.0.channel
    }

    /// What stands above an email.
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The text, with its placeholders.
    async fn content(&self) -> Option<&str> {
        self.0.content.as_deref()
    }

    /// What the text is written as: an email in HTML goes out as a page, with its words beside it.
    async fn format(&self) -> ScriptFormat {
        self.0.format
    }

    /// Of an email in HTML: the words that go beside the page, with their placeholders; null where they are made from the page.
    async fn plain_content(&self) -> Option<&str> {
        self.0.plain_content.as_deref()
    }

    /// The assistant of a call, as VAPI takes it.
    async fn vapi_config(&self) -> Option<Json> {
        self.0.vapi_config.clone().map(|config| Json(without_secrets(config)))
    }

    /// The campaign that it belongs to; null if any may use it.
    async fn campaign(&self, ctx: &Context<'_>) -> Result<Option<RetentionCampaign>> {
        RetentionCampaign::by_id(ctx, self.0.campaign_id).await
    }

    /// Whether it is taken where a step of its channel names none.
    async fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// When it was written.
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

    /// What looks like another tool's sign for something to be filled in, such as `{first_name}` or `%name%`, and would be sent as
    /// it stands: a sentence for each.
    async fn warnings(&self) -> Vec<String> {
        let texts = [&self.0.subject, &self.0.content, &self.0.plain_content];
        texts.into_iter().flatten().flat_map(|text| placeholders::warnings(text)).collect()
    }

    /// The names of its placeholders, in alphabetical order: what a lead must have, unless there is a `default(...)`.
    async fn placeholders(&self) -> Result<Vec<String>> {
        let texts = [&self.0.subject, &self.0.content, &self.0.plain_content];
        let found = placeholders::of(texts.into_iter().flatten().map(String::as_str));
        found.map_err(|why| Error::internal(anyhow::anyhow!("a stored script can't be read: {why}")))
    }

    /// The contacts that used it, the latest first.
    async fn contact_attempts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ContactAttempt>> {
        let list = List::latest(contact_attempt::Entity::with, contact_attempt::Column::StartedAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// The steps of sequences that say it, in all their versions, the latest first.
    async fn sequence_steps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SequenceStep>> {
        nested::connection(
            ctx,
            self.0.id,
            List::newest(sequence_step::Entity::saying),
            PageArgs::new(ctx, first, after, last, before),
        )
        .await
    }
}
