//! Saving, deleting and trying integrations.

use crate::prelude::*;
use crate::retention::integration::input::{
    InstantlyCredentialsInput, KeitaroCredentialsInput, SmtpCredentialsInput, TwilioCredentialsInput,
    VapiCredentialsInput, WebhookCredentialsInput, one_of,
};
use ::service::retention::integration as service;

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
    #[graphql(flatten)]
    repeat: Repeatable,
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
    #[graphql(directive = requires::apply(Permission::ManageIntegrations), directive = needs_login::apply())]
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
            repeat,
        } = input;
        let credentials = one_of(smtp, twilio, vapi, instantly, webhook, keitaro)?;
        let (on, actor) = (ctx.services(), ctx.actor_once(repeat)?);
        let row = once(on, &actor, service::save(on, &actor, credentials, is_active, expected_version)).await?;
        Ok(SaveIntegrationConfigPayload { integration_config: row.into() })
    }

    /// Deletes the credentials of a provider. What is due to go by it waits until it is set up again.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations), directive = needs_login::apply())]
    async fn delete_integration_config(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which integration.")] input: DeleteIntegrationConfigInput,
    ) -> Result<DeleteIntegrationConfigPayload> {
        let row = service::delete(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        let deleted_id = row.id.global();
        Ok(DeleteIntegrationConfigPayload { integration_config: row.into(), deleted_id })
    }

    /// Asks the provider whether it lets Herald in by these credentials. Nothing is sent to anybody.
    #[graphql(directive = requires::apply(Permission::ManageIntegrations), directive = needs_login::apply())]
    async fn test_integration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which integration.")] input: TestIntegrationInput,
    ) -> Result<TestIntegrationPayload> {
        let trial = service::test(ctx.services(), &ctx.actor(), input.id.input("id")?).boxed().await?;
        Ok(TestIntegrationPayload { is_ok: trial.is_ok, message: trial.message })
    }
}
