//! Lists of scripts; writing, changing and deleting them.

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition, Iterable, QueryFilter, Select};

use super::script::Script;
use crate::engine::connection::{Connection, OrderDirection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::scalar::Json;
use ::service::once::once;
use ::service::retention::script as service;
use domain::error::Result;
use domain::id::RetentionCampaignId;
use domain::retention::words::ContactChannel;
use domain::role::Permission;
use storage::page::Sort;
use storage::retention::script::{self, Column};
use storage::sql;

/// Which scripts are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct ScriptFilter {
    /// Written for one of these channels.
    types: Option<Vec<ContactChannel>>,
    /// Of this retention campaign.
    campaign_id: Option<ID>,
    /// Only those that are the default of their channel, or only the others.
    is_default: Option<bool>,
    /// This is part of the name, in any case.
    name_contains: Option<String>,
}

impl ScriptFilter {
    fn select(self) -> Result<Select<script::Entity>> {
        let Self { types, campaign_id, is_default, name_contains } = self;
        let campaign = campaign_id.map(|id| id.argument::<RetentionCampaignId>("filter.campaignId")).transpose()?;
        // Each once, however often it was given: a statement takes only so many values.
        let wanted = |given: Vec<_>| ContactChannel::iter().filter(move |channel| given.contains(channel));
        let condition = Condition::all()
            .add_option(types.map(|given| Column::Channel.is_in(wanted(given))))
            .add_option(campaign.map(|id| Column::CampaignId.eq(id)))
            .add_option(is_default.map(|is_default| Column::IsDefault.eq(is_default)))
            .add_option(name_contains.map(|part| sql::contains_in_any_case(Column::Name, &part)));
        Ok(script::Entity::all().filter(condition))
    }
}

/// What scripts can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ScriptOrderField {
    /// The instant of writing.
    CreatedAt,
    /// The instant of the last change.
    UpdatedAt,
    /// In the order of the alphabet.
    Name,
}

/// How scripts are sorted.
#[derive(InputObject)]
struct ScriptOrder {
    /// What decides the order.
    field: ScriptOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

impl ScriptOrder {
    fn sort(order: Option<Self>) -> Sort<script::Entity> {
        let newest = Self { field: ScriptOrderField::CreatedAt, direction: OrderDirection::Desc };
        let Self { field, direction } = order.unwrap_or(newest);
        let sort = match field {
            ScriptOrderField::CreatedAt => Sort::by(Column::CreatedAt),
            ScriptOrderField::UpdatedAt => Sort::by(Column::UpdatedAt),
            ScriptOrderField::Name => Sort::by(Column::Name),
        };
        sort.descending(direction.is_desc())
    }
}

/// Reads scripts.
#[derive(Default)]
pub struct ScriptQuery;

#[Object]
impl ScriptQuery {
    /// The scripts, newest first unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ReadRetention))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn scripts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which scripts.")] filter: Option<ScriptFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<ScriptOrder>,
    ) -> Result<Option<Connection<Script>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let select = filter.unwrap_or_default().select()?;
        Connection::read(&ctx.services().db, select, ScriptOrder::sort(order_by), &args).await.map(Some)
    }
}

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
    /// The assistant of a call, as VAPI takes it: an object of at most 16 KiB.
    vapi_config: Option<Json>,
    /// The retention campaign that it belongs to; any may use it if none is given.
    campaign_id: Option<ID>,
    /// Whether it is the default of its channel, in its campaign or outside of campaigns; then no other is.
    is_default: Option<bool>,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
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
            vapi_config,
            campaign_id,
            is_default,
            idempotency_key,
        } = input;
        let fields = service::Fields {
            name: Some(name),
            subject: Some(subject).into(),
            content: Some(content).into(),
            vapi_config: Some(vapi_config.map(|given| given.0)).into(),
            campaign: Some(campaign_id.map(|id| id.input("campaignId")).transpose()?).into(),
            is_default,
        };
        let (on, actor) = (ctx.services(), ctx.actor_once(idempotency_key)?);
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
        let UpdateScriptInput { id, name, subject, content, vapi_config, campaign_id, is_default, expected_version } =
            input;
        let fields = service::Fields {
            name,
            subject,
            content,
            vapi_config: vapi_config.map_value(|given| given.0),
            campaign: campaign_id.map_value(|id| id.input("campaignId")).transpose()?,
            is_default,
        };
        let (on, actor, id) = (ctx.services(), ctx.actor(), id.input("id")?);
        let script = service::update(on, &actor, id, fields, expected_version).await?;
        Ok(UpdateScriptPayload { script: script.into() })
    }

    /// Deletes a script. `PRECONDITION_FAILED` while a sequence that is not archived or an A/B test uses it.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn delete_script(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which script.")] input: DeleteScriptInput,
    ) -> Result<DeleteScriptPayload> {
        let script = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).await?;
        Ok(DeleteScriptPayload { deleted_id: script.id.global() })
    }
}
