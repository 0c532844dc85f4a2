//! Writing, changing and deleting scripts.

use crate::prelude::*;
use ::service::retention::script as service;
use domain::retention::words::{ContactChannel, ScriptFormat};

/// What a new script is made of.
#[derive(InputObject)]
struct CreateScriptInput {
    /// What people call it: 1 to 200 characters.
    name: String,
    /// The channel that it is written for; it stays so.
    #[graphql(name = "type")]
    channel: ContactChannel,
    /// What stands above an email, at most 200 characters, with placeholders.
    subject: Option<String>,
    /// The text, at most 32 KiB; a text message at most 1,600 characters. `{{ first_name }}`, `{{ last_name }}`, `{{ name }}`,
    /// `{{ email }}`, `{{ phone }}` and `{{ meta.x }}` come from the lead; `{{ x | default("y") }}` needs none.
    content: Option<String>,
    /// What the text is written as. An email in HTML goes out as a page whose values are escaped where they stand, and beside it in
    /// words. Only emails can be HTML; an email with tags has to say which it is.
    format: Option<ScriptFormat>,
    /// Of an email in HTML: the words that go beside the page, at most 32 KiB, with placeholders. Without them they are made from it.
    plain_content: Option<String>,
    /// The assistant of a call, as VAPI takes it: an object of at most 16 KiB.
    vapi_config: Option<Json>,
    /// The retention campaign that it belongs to; any may use it if none is given.
    campaign_id: Option<ID>,
    /// Whether it is the default of its channel, in its campaign or outside of campaigns; then no other is.
    is_default: Option<bool>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The script that was written.
#[derive(SimpleObject)]
struct CreateScriptPayload {
    /// The new script.
    script: Script,
}

/// What is to change of a script. What is left out stays, null removes.
#[derive(InputObject)]
struct UpdateScriptInput {
    /// Which script.
    id: ID,
    /// What people call it: 1 to 200 characters.
    name: Option<String>,
    /// What stands above an email, at most 200 characters, with placeholders.
    subject: MaybeUndefined<String>,
    /// The text, at most 32 KiB.
    content: MaybeUndefined<String>,
    /// What the text is written as. An email in HTML goes out as a page whose values are escaped where they stand, and beside it in
    /// words. Only emails can be HTML; an email with tags has to say which it is.
    format: Option<ScriptFormat>,
    /// Of an email in HTML: the words that go beside the page, at most 32 KiB, with placeholders. Without them they are made from it.
    plain_content: MaybeUndefined<String>,
    /// The assistant of a call, as VAPI takes it: an object of at most 16 KiB.
    vapi_config: MaybeUndefined<Json>,
    /// The retention campaign that it belongs to; null: any may use it.
    campaign_id: MaybeUndefined<ID>,
    /// Whether it is the default of its channel, in its campaign or outside of campaigns; then no other is.
    is_default: Option<bool>,
    /// Change it only if this is still its version, otherwise CONFLICT.
    expected_version: Option<i32>,
}

/// The script that was changed.
#[derive(SimpleObject)]
struct UpdateScriptPayload {
    /// The script, as it is now.
    script: Script,
}

/// Which script is to be deleted.
#[derive(InputObject)]
struct DeleteScriptInput {
    /// Which script.
    id: ID,
}

/// The script that was deleted.
#[derive(SimpleObject)]
struct DeleteScriptPayload {
    /// The id that it had.
    deleted_id: ID,
    /// Where more than 10,000 rows name it: the task that takes away what is left. Null otherwise.
    task: Option<Task>,
}

/// Changes scripts.
#[derive(Default)]
pub struct ScriptMutation;

#[Object]
impl ScriptMutation {
    /// Writes a script, which is checked at once: its syntax, and whether leads have what it asks for.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn create_script(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is made of.")] input: CreateScriptInput,
    ) -> Result<CreateScriptPayload> {
        let CreateScriptInput {
            name,
            channel,
            subject,
            content,
            format,
            plain_content,
            vapi_config,
            campaign_id,
            is_default,
            repeat,
        } = input;
        let fields = service::Fields {
            name: Some(name),
            subject: Some(subject).into(),
            content: Some(content).into(),
            format,
            plain_content: Some(plain_content).into(),
            vapi_config: Some(vapi_config.map(|given| given.0)).into(),
            campaign: Some(campaign_id.input("campaignId")?).into(),
            is_default,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let script = once(on, &actor, service::create(on, &actor, channel, fields)).await?;
        Ok(CreateScriptPayload { script: script.into() })
    }

    /// Changes a script: what is sent from now on says it the new way.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn update_script(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which script, and what.")] input: UpdateScriptInput,
    ) -> Result<UpdateScriptPayload> {
        let UpdateScriptInput {
            id,
            name,
            subject,
            content,
            format,
            plain_content,
            vapi_config,
            campaign_id,
            is_default,
            expected_version,
        } = input;
        let fields = service::Fields {
            name,
            subject,
            content,
            format,
            plain_content,
            vapi_config: vapi_config.map_value(|given| given.0),
            campaign: campaign_id.map_value(|id| id.input("campaignId")).transpose()?,
            is_default,
        };
        let (on, actor, id) = (ctx.services(), ctx.actor(), id.input("id")?);
        let script = service::update(on, &actor, id, fields, expected_version).boxed().await?;
        Ok(UpdateScriptPayload { script: script.into() })
    }

    /// Deletes a script. It is gone at once; where many contacts name it a `task` goes on behind the answer. `PRECONDITION_FAILED` while a sequence that is not archived or an A/B test uses it.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_script(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which script.")] input: DeleteScriptInput,
    ) -> Result<DeleteScriptPayload> {
        let (script, task) = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(DeleteScriptPayload { deleted_id: script.id.global(), task: task.map(Into::into) })
    }
}
