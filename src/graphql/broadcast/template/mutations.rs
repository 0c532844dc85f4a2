//! Creating, changing and deleting templates.

use crate::prelude::*;
use ::service::broadcast::template as service;
use domain::broadcast::{MediaType, ParseMode};

/// What a new template is made of.
#[derive(InputObject)]
struct CreateTemplateInput {
    /// What people call it: 1 to 200 characters.
    name: String,
    /// The text, at most 32 KiB. `{{ channel_name }}`, `{{ username }}`, `{{ title }}`, `{{ category }}` and
    /// `{{ member_count }}` come from the channel, other placeholders from the campaign. `{{ x | default("y") }}` needs none, and
    /// is `y` too for a channel of which x is not known. A text without placeholders must fit at once. Beside an attachment it may
    /// be empty or left out.
    #[graphql(default)]
    content: String,
    /// Notes, at most 2,000 characters.
    description: Option<String>,
    /// How the text is read; PLAIN by default.
    parse_mode: Option<ParseMode>,
    /// What is attached; needs mediaUrl or mediaUploadId.
    media_type: Option<MediaType>,
    /// Where the attachment comes from: an http or https URL that leads to no private or loopback address.
    media_url: Option<String>,
    /// The attachment as it was uploaded by POST /uploads.
    media_upload_id: Option<ID>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The template that was created.
#[derive(SimpleObject)]
struct CreateTemplatePayload {
    /// The new template.
    template: Template,
}

/// What is to change of a template. What is left out stays.
#[derive(InputObject)]
struct UpdateTemplateInput {
    /// Which template.
    id: ID,
    /// What people call it: 1 to 200 characters.
    name: Option<String>,
    /// The text, at most 32 KiB; empty only beside an attachment.
    content: Option<String>,
    /// Notes, at most 2,000 characters; null removes them.
    description: MaybeUndefined<String>,
    /// How the text is read.
    parse_mode: Option<ParseMode>,
    /// What is attached; null if nothing is.
    media_type: MaybeUndefined<MediaType>,
    /// Where the attachment comes from; null if nowhere.
    media_url: MaybeUndefined<String>,
    /// The attachment as it was uploaded; null if it was not.
    media_upload_id: MaybeUndefined<ID>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The template that was changed.
#[derive(SimpleObject)]
struct UpdateTemplatePayload {
    /// The template, as it is now.
    template: Template,
}

/// Which template is to be deleted.
#[derive(InputObject)]
struct DeleteTemplateInput {
    /// Which template.
    id: ID,
}

/// The template that was deleted.
#[derive(SimpleObject)]
struct DeleteTemplatePayload {
    /// The template, as it was.
    template: Template,
    /// The id that it had.
    deleted_id: ID,
}

/// Changes templates.
#[derive(Default)]
pub struct TemplateMutation;

#[Object]
impl TemplateMutation {
    /// Makes a message with placeholders, which is checked at once.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn create_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made of.")] input: CreateTemplateInput,
    ) -> Result<CreateTemplatePayload> {
        let CreateTemplateInput {
            name,
            content,
            description,
            parse_mode,
            media_type,
            media_url,
            media_upload_id,
            repeat,
        } = input;
        let media_upload = media_upload_id.map(|id| id.input("mediaUploadId")).transpose()?;
        let fields = service::Fields {
            name: Some(name),
            content: Some(content),
            description: Some(description).into(),
            parse_mode,
            media_type: Some(media_type).into(),
            media_url: Some(media_url).into(),
            media_upload: Some(media_upload).into(),
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let template = once(on, &actor, service::create(on, &actor, fields)).await?;
        Ok(CreateTemplatePayload { template: template.into() })
    }

    /// Changes a template. Campaigns that have been started keep the text that they started with.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn update_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which template, and what.")] input: UpdateTemplateInput,
    ) -> Result<UpdateTemplatePayload> {
        let UpdateTemplateInput {
            id,
            name,
            content,
            description,
            parse_mode,
            media_type,
            media_url,
            media_upload_id,
            expected_version,
        } = input;
        let fields = service::Fields {
            name,
            content,
            description,
            parse_mode,
            media_type,
            media_url,
            media_upload: media_upload_id.map_value(|id| id.input("mediaUploadId")).transpose()?,
        };
        let (on, actor) = (ctx.services(), ctx.actor());
        let template = service::update(on, &actor, id.input("id")?, expected_version, fields).boxed().await?;
        Ok(UpdateTemplatePayload { template: template.into() })
    }

    /// Deletes a template. `PRECONDITION_FAILED` while campaigns use it.
    #[graphql(directive = requires::apply(Permission::WriteCampaigns))]
    async fn delete_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which template.")] input: DeleteTemplateInput,
    ) -> Result<DeleteTemplatePayload> {
        let template = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteTemplatePayload { deleted_id: template.id.global(), template: template.into() })
    }
}
