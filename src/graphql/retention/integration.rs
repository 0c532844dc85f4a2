//! Integrations: what providers are set up, and by what credentials, of which nothing but a hint is shown.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, QueryFilter};

use super::integration_input::{
    InstantlyCredentialsInput, KeitaroCredentialsInput, SmtpCredentialsInput, TwilioCredentialsInput,
    VapiCredentialsInput, WebhookCredentialsInput, one_of,
};
use crate::engine::connection::{Connection, OrderDirection, PageArgs};
use crate::engine::context::ContextExt;
use crate::engine::guard::requires;
use crate::engine::id::{GlobalId, ReadId};
use crate::engine::loaders::{Load, LoadError, Reader};
use crate::engine::scalar::DateTime;
use ::service::once::once;
use ::service::retention::integration as service;
use domain::error::{Error, Result};
use domain::id::IntegrationConfigId;
use domain::retention::credentials::{Kind, Provider};
use domain::role::Permission;
use storage::page::Sort;
use storage::retention::integration_config::{Column, Entity, Model};

/// How a provider is reached. Its credentials are sealed in the database, and nobody is shown them again.
pub struct IntegrationConfig(Model);

impl From<Model> for IntegrationConfig {
    fn from(row: Model) -> Self {
        Self(row)
    }
}

/// One of the credentials, as far as it may be shown.
#[derive(SimpleObject)]
struct IntegrationField {
    /// What it is, as the field of the input that it was given in.
    name: String,
    /// Its value; of a secret no more than `****` and its last four characters.
    value: String,
}

/// How a provider is reached. Its credentials are sealed in the database, and nobody is shown them again.
#[Object]
impl IntegrationConfig {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who is reached by it; each provider has one integration at most.
    async fn provider(&self) -> Result<Provider> {
        self.known()
    }

    /// What the provider is for.
    #[graphql(name = "type")]
    async fn kind(&self) -> Result<Kind> {
        Ok(self.known()?.kind())
    }

    /// Whether it is used. One that is not keeps its credentials.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// The credentials, as far as they may be shown.
    async fn fields(&self) -> Vec<IntegrationField> {
        let hints = self.0.hints.as_array().cloned().unwrap_or_default();
        let text = |hint: &serde_json::Value, name: &str| hint[name].as_str().unwrap_or_default().to_owned();
        hints.iter().map(|hint| IntegrationField { name: text(hint, "name"), value: text(hint, "value") }).collect()
    }

    /// When it was first saved.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last saved.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

impl IntegrationConfig {
    fn known(&self) -> Result<Provider> {
        Provider::named(&self.0.provider).ok_or_else(|| Error::internal(anyhow::anyhow!("an unknown provider")))
    }

    /// The integration `id`, if it is there.
    pub(crate) async fn by_id(ctx: &Context<'_>, id: IntegrationConfigId) -> Result<Option<Self>> {
        Ok(ctx.loaders().one(id).await?.map(Self))
    }
}

/// Integrations by id.
impl Loader<IntegrationConfigId> for Reader {
    type Value = Model;
    type Error = LoadError;

    async fn load(&self, ids: &[IntegrationConfigId]) -> Result<HashMap<IntegrationConfigId, Model>, LoadError> {
        let rows = Entity::by_ids(ids).all(self.db.reader()).await.map_err(Error::from)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Which integrations are wanted. All that is given must hold.
#[derive(InputObject, Default)]
struct IntegrationConfigFilter {
    /// Of these providers.
    providers: Option<Vec<Provider>>,
    /// Whether they are used.
    is_active: Option<bool>,
}

/// What integrations can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum IntegrationConfigOrderField {
    /// The provider's name, in the order of the alphabet.
    Provider,
    /// The instant at which they were first saved.
    CreatedAt,
}

/// How integrations are sorted.
#[derive(InputObject)]
struct IntegrationConfigOrder {
    /// What decides the order.
    field: IntegrationConfigOrderField,
    /// Which end of the order comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

/// Reads integrations.
#[derive(Default)]
pub struct IntegrationQuery;

#[Object]
impl IntegrationQuery {
    /// The providers that are set up, in the order of the alphabet unless told otherwise.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn integration_configs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which integrations.")] filter: Option<IntegrationConfigFilter>,
        #[graphql(desc = "How they are sorted.")] order_by: Option<IntegrationConfigOrder>,
    ) -> Result<Option<Connection<IntegrationConfig>>> {
        let args = PageArgs::new(ctx, first, after, last, before);
        let IntegrationConfigFilter { providers, is_active } = filter.unwrap_or_default();
        let mut select = Entity::all();
        if let Some(providers) = providers {
            select = select.filter(Column::Provider.is_in(providers.into_iter().map(Provider::name)));
        }
        if let Some(is_active) = is_active {
            select = select.filter(Column::IsActive.eq(is_active));
        }
        let by_name =
            IntegrationConfigOrder { field: IntegrationConfigOrderField::Provider, direction: OrderDirection::Asc };
        let order = order_by.unwrap_or(by_name);
        let sort = match order.field {
            IntegrationConfigOrderField::Provider => Sort::by(Column::Provider),
            IntegrationConfigOrderField::CreatedAt => Sort::by_id(),
        };
        Connection::read(&ctx.services().db, select, sort.descending(order.direction.is_desc()), &args).await.map(Some)
    }
}

/// The credentials that are to be saved: those of exactly one provider.
#[derive(InputObject)]
struct SaveIntegrationConfigInput {
    /// Of a mail server, which sends email steps.
    smtp: Option<SmtpCredentialsInput>,
    /// Of Twilio, which sends text messages.
    twilio: Option<TwilioCredentialsInput>,
    /// Of VAPI, which makes calls.
    vapi: Option<VapiCredentialsInput>,
    /// Of Instantly, which runs email campaigns.
    instantly: Option<InstantlyCredentialsInput>,
    /// Of outgoing webhooks, which are signed.
    webhook: Option<WebhookCredentialsInput>,
    /// Of Keitaro, which posts conversions back.
    keitaro: Option<KeitaroCredentialsInput>,
    /// Whether it is used from now on.
    #[graphql(default = true)]
    is_active: bool,
    /// Save it only if this is the version of what is there, otherwise CONFLICT.
    expected_version: Option<i32>,
    /// Makes the request repeatable for 24 hours: the same key with the same input changes nothing more and gives the same
    /// answer; with another input it is `IDEMPOTENCY_CONFLICT`. 1 to 255 characters, best a random UUID.
    idempotency_key: Option<String>,
}

/// The integration that was saved.
#[derive(SimpleObject)]
struct SaveIntegrationConfigPayload {
    /// The integration, as it is now.
    integration_config: IntegrationConfig,
}

/// Which integration is to be deleted.
#[derive(InputObject)]
struct DeleteIntegrationConfigInput {
    /// Which integration.
    id: ID,
}

/// The integration that was deleted.
#[derive(SimpleObject)]
struct DeleteIntegrationConfigPayload {
    /// The integration, as it was.
    integration_config: IntegrationConfig,
    /// The id that it had.
    deleted_id: ID,
}

/// Which integration is to be tried.
#[derive(InputObject)]
struct TestIntegrationInput {
    /// Which integration.
    id: ID,
}

/// What the provider said.
#[derive(SimpleObject)]
struct TestIntegrationPayload {
    /// Whether the provider lets Herald in by these credentials.
    is_ok: bool,
    /// What it said, in a sentence; no secret is in it.
    message: String,
}

/// Changes integrations.
#[derive(Default)]
pub struct IntegrationMutation;

#[Object]
impl IntegrationMutation {
    /// Saves the credentials of one provider, in place of those that it had. Secrets are sealed, and never shown again.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations))]
    async fn save_integration_config(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which credentials.")] input: SaveIntegrationConfigInput,
    ) -> Result<SaveIntegrationConfigPayload> {
        let SaveIntegrationConfigInput {
            smtp,
            twilio,
            vapi,
            instantly,
            webhook,
            keitaro,
            is_active,
            expected_version,
            idempotency_key,
        } = input;
        let credentials = one_of(smtp, twilio, vapi, instantly, webhook, keitaro)?;
        let (on, actor) = (ctx.services(), ctx.actor_once(idempotency_key)?);
        let row = once(on, &actor, service::save(on, &actor, credentials, is_active, expected_version)).await?;
        Ok(SaveIntegrationConfigPayload { integration_config: row.into() })
    }

    /// Deletes the credentials of a provider. What is due to go by it waits until it is set up again.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations))]
    async fn delete_integration_config(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which integration.")] input: DeleteIntegrationConfigInput,
    ) -> Result<DeleteIntegrationConfigPayload> {
        let row = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).await?;
        let deleted_id = row.id.global();
        Ok(DeleteIntegrationConfigPayload { integration_config: row.into(), deleted_id })
    }

    /// Asks the provider whether it lets Herald in by these credentials. Nothing is sent to anybody.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations))]
    async fn test_integration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which integration.")] input: TestIntegrationInput,
    ) -> Result<TestIntegrationPayload> {
        let trial = service::test(ctx.services(), &ctx.actor(), input.id.input("id")?).await?;
        Ok(TestIntegrationPayload { is_ok: trial.is_ok, message: trial.message })
    }
}
